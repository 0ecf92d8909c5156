"""``tagtide channels`` and the settings of channels: what is told, what is sent, what never is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from command_line import Cli

from tagtide.settings_file import template

KEY = "c4n4ry"


class Receiver:
    """Keeps what is posted and answers with one status."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[tuple[str, dict[str, str], Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append((self.path, headers, json.loads(body)))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


SECRET = "whsec_" + "YzRuNHJ5YzRuNHJ5YzRuNHJ5YzRuNHJ5"


def configure(text: str) -> None:
    path = Path("tagtide.toml")
    path.touch(mode=0o600)
    path.write_text(text)


def three_kinds(url: str) -> str:
    return f"""
[channels.team]
kind = "slack"
url = "{url}/services/{KEY}"
[channels.office]
kind = "teams"
url = "{url}/workflows/{KEY}?sig={KEY}"
[channels.crm]
kind = "webhook"
url = "{url}/hook/{KEY}"
secret = "{SECRET}"
"""


def test_a_test_message_goes_through_every_channel(cli: Cli, receiver: Receiver) -> None:
    configure(three_kinds(receiver.url))
    ran = cli("channels", "test")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count(" ok") == 3
    assert len(receiver.got) == 3
    for _, _, body in receiver.got:
        assert "Test" in json.dumps(body)
    webhook = next(body for _, headers, body in receiver.got if "webhook-signature" in headers)
    assert (webhook["type"], webhook["version"], webhook["channel"]) == ("test", 1, "crm")
    assert KEY not in ran.out


def test_only_the_named_ones_and_as_json(cli: Cli, receiver: Receiver) -> None:
    configure(three_kinds(receiver.url))
    body = cli("channels", "test", "crm", "crm", "--json").json
    assert body["ok"] is True
    assert body["channels"] == [
        {
            "name": "crm",
            "kind": "webhook",
            "ok": True,
            "result": "ok",
            "message": None,
            "hint": None,
        }
    ]
    assert len(receiver.got) == 1


def test_an_unknown_name_suggests_the_right_one(cli: Cli) -> None:
    configure(three_kinds("http://127.0.0.1:9"))
    ran = cli("channels", "test", "tem")
    assert ran.code == 1
    assert "'team'" in ran.err


def test_each_failure_has_its_word_and_the_others_still_go(cli: Cli, receiver: Receiver) -> None:
    configure(
        three_kinds(receiver.url)
        + f"""
[channels.closed]
kind = "webhook"
url = "http://127.0.0.1:9/{KEY}"
[channels.inside]
kind = "webhook"
url = "https://10.0.0.1/{KEY}"
[channels.unknown]
kind = "slack"
url = "https://{KEY}.invalid/x"
[channels.mail]
kind = "email"
host = "127.0.0.1"
port = 9
security = "none"
from = "a@b.example"
to = ["c@d.example"]
"""
    )
    ran = cli("channels", "test", "--json")
    assert ran.code == 1
    results = {c["name"]: c["result"] for c in ran.json["channels"]}
    assert results == {
        "team": "ok",
        "office": "ok",
        "crm": "ok",
        "closed": "unreachable",
        "inside": "unusable",
        "unknown": "unreachable",
        "mail": "unreachable",
    }
    assert KEY not in ran.out + ran.err
    receiver.status = 410
    gone = cli("channels", "test", "team", "--json")
    assert (gone.code, gone.json["channels"][0]["result"]) == (1, "gone")
    receiver.status = 403
    assert cli("channels", "test", "crm", "--json").json["channels"][0]["result"] == "login"
    receiver.status = 500
    assert cli("channels", "test", "crm", "--json").json["channels"][0]["result"] == "busy"


def test_a_list_says_where_each_leads_and_sends_nothing(cli: Cli, receiver: Receiver) -> None:
    configure(
        three_kinds(receiver.url)
        + f"""
[channels.mail]
kind = "email"
host = "smtp.example.com"
username = "tagtide"
password = "{KEY}"
from = "a@b.example"
to = ["c@d.example", "e@f.example"]
[channels.inside]
kind = "webhook"
url = "https://10.0.0.1/{KEY}"
[channels.hidden]
kind = "webhook"
url = "https://{KEY}.m.pipes.example/x"
[channels.phone]
kind = "apprise"
url = "discord://{KEY}/{KEY}"
"""
    )
    listed = {c["name"]: c for c in cli("channels", "list", "--json").json["channels"]}
    assert listed["mail"]["target"] == "smtp.example.com, 2 recipients"
    assert listed["hidden"]["target"] == "https://***.pipes.example/***"
    assert listed["phone"]["target"] == "discord://***"
    assert listed["team"] == {
        "name": "team",
        "kind": "slack",
        "target": "http://127.0.0.1/***",
        "state": "ready",
        "reason": None,
        "failing_since": None,
        "failures": 0,
        "next_attempt_at": None,
        "disabled_at": None,
        "waiting": 0,
        "oldest_waiting_at": None,
        "given_up": 0,
    }
    assert listed["inside"]["state"] == "unusable"
    ran = cli("channels", "list")
    assert ran.code == 0
    doctor = cli("doctor")
    assert "channel inside" in doctor.out
    assert "channel mail" in doctor.out
    shown = cli("config", "show")
    assert "channels.mail.from" in shown.out
    for output in (ran, doctor, shown, cli("config", "show", "--json")):
        assert KEY not in output.out + output.err
    assert receiver.got == []


def test_no_channel_at_all(cli: Cli) -> None:
    assert "No channel" in cli("channels", "list").out
    assert cli("channels", "list", "--json").json == {"channels": []}
    ran = cli("channels", "test")
    assert ran.code == 0
    assert "No channel" in ran.out


def test_without_apprise_the_way_to_get_it_is_said(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    configure(f"[channels.phone]\nkind = 'apprise'\nurl = 'discord://{KEY}/x'\n")
    ran = cli("channels", "test")
    assert ran.code == 1
    assert "pip install 'tagtide[apprise]'" in ran.out
    assert cli("track").code == 78


def test_the_installed_command_as_a_process(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "tagtide.toml").write_text(three_kinds(receiver.url))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    ran = subprocess.run(
        [str(Path(sys.executable).parent / "tagtide"), "channels", "test", "--json"],
        cwd=tmp_path,
        env={**environment, "TAGTIDE_LOG__LEVEL": "debug"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["ok"] is True
    assert KEY not in ran.stdout + ran.stderr


# --- settings -------------------------------------------------------------------------------------

WRONG = [
    ("kind = 'slak'", "did you mean 'slack'"),
    ("kind = 'mail'", "did you mean 'email'"),
    ("kind = 'pigeon'", "slack, teams, email, webhook, apprise"),
    ("url = 'https://x.example/'", "kind is missing"),
    ("kind = 'slack'", "url (or url_file) is missing"),
    ("kind = 'slack'\nurl = ''", "url (or url_file) is missing"),
    ("kind = 'email'", "host is missing"),
    ("kind = 'email'", "from is missing"),
    ("kind = 'email'", "to is missing"),
    ("kind = 'email'\nhost='h'\nfrom='a@b'\nto=[]", "to is missing"),
    ("kind = 'email'\nurl = 'https://x.example/'", "a channel of kind email has no 'url'"),
    ("kind = 'slack'\nhost = 'h'", "a channel of kind slack has no 'host'"),
    ("kind = 'slack'\nsecret = 's'", "a channel of kind slack has no 'secret'"),
    ("kind = 'webhook'\ntitle = 'x'", "a channel of kind webhook has no 'title'"),
    ("kind = 'webhook'\nurl='u'\nprevious_secret = 's'", "previous_secret is set, and secret"),
    ("kind = 'email'\nusername = 'u'", "username is set, and password"),
    ("kind = 'email'\npassword = 'p'", "password is set, and username"),
    ("kind = 'email'\nport = 0", "channels.team.port"),
    ("kind = 'email'\nsecurity = 'ssl'", "channels.team.security"),
    ("kind = 'email'\nhst = 'h'", "did you mean 'host'"),
    ("kind = 'email'\nform = 'a@b'", "did you mean 'from'"),
    ("kind = 'slack'\nurl = 'u'\ntitle = '{hashtagg}'", "did you mean {hashtag}"),
    ("kind = 'slack'\nurl = 'u'\ntext = '{reason.x}'", "only a name"),
    ("kind = 'slack'\nurl = 'u'\nnumbers = '1.5'", "channels.team.numbers"),
    ("kind = 'slack'\nurl = 'u'\nallow = ['all']", "networks such as 10.1.0.0/16"),
    ("kind = 'slack'\nurl = 'u'\nallow = ['10.1.2.3/16']", "networks such as 10.1.0.0/16"),
    ("kind = 'slack'\nurl = 'u'\nurl_file = 'hook.txt'", "both set"),
]


@pytest.mark.parametrize(("lines", "said"), WRONG)
def test_settings_that_are_wrong(cli: Cli, lines: str, said: str) -> None:
    Path("hook.txt").write_text("https://x.example/")
    configure(f"[channels.team]\n{lines}\n")
    ran = cli("channels", "list")
    assert (ran.code, ran.out) == (78, "")
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_every_problem_of_every_channel_is_told_at_once(cli: Cli) -> None:
    lines = "\n".join(f"[channels.c{n}]\n{lines}" for n, (lines, _) in enumerate(WRONG[:20]))
    configure(lines + "\n[channels.'a b']\nkind = 'slack'\nurl = 'u'\n")
    err = cli("channels", "list").err
    for n in range(20):
        assert f"channels.c{n}." in err
    assert "'a b'" in err


def test_what_opens_private_networks_stands_in_the_file_only(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure("[channels.team]\nkind='webhook'\nurl='https://10.1.0.1/x'\nallow=['10.1.0.0/16']\n")
    assert cli("channels", "list", "--json").json["channels"][0]["state"] == "ready"
    monkeypatch.setenv("TAGTIDE_CHANNELS__TEAM__ALLOW", "10.0.0.0/8")
    monkeypatch.setenv("TAGTIDE_DEADMAN__ALLOW", "10.0.0.0/8")
    ran = cli("channels", "list")
    assert ran.code == 78
    assert ran.err.count("can only be set in the configuration file") == 2


def test_secrets_come_from_files_and_variables(
    cli: Cli, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("hook.txt").write_text(f"{receiver.url}/{KEY}\n")
    Path("new.txt").write_text(f"{SECRET}\n")
    old = "whsec_" + "b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk"
    monkeypatch.setenv("TAGTIDE_CHANNELS__CRM__PREVIOUS_SECRET", old)
    configure("[channels.crm]\nkind='webhook'\nurl_file='hook.txt'\nsecret_file='new.txt'\n")
    assert cli("channels", "test").code == 0
    ((_, headers, _),) = receiver.got
    assert len(headers["webhook-signature"].split(" ")) == 2


def test_the_examples_that_init_writes_are_settings_that_work(cli: Cli) -> None:
    examples = template().partition("# Where alerts go.")[2].splitlines()[1:]
    text = "\n".join(
        line.removeprefix("#")
        for line in examples
        if line.startswith(("#[", "#k")) or ("=" in line and not line.startswith("#  "))
    )
    for name in ("slack-url", "teams-url", "webhook-url"):
        Path(f"{name}.txt").write_text("https://hooks.example.com/x")
    Path("apprise-url.txt").write_text("discord://id/token")
    Path("smtp-password.txt").write_text("p")
    for name in ("webhook-secret", "webhook-secret-before"):
        Path(f"{name}.txt").write_text(SECRET)
    configure(text)
    listed = cli("channels", "list", "--json")
    assert listed.code == 0, listed.err
    channels = listed.json["channels"]
    assert {c["kind"] for c in channels} == {"slack", "teams", "email", "webhook", "apprise"}
    assert {c["state"] for c in channels} == {"ready"}


def test_wording_and_figures_reach_the_message(cli: Cli, receiver: Receiver) -> None:
    """Through the way an alert takes: the test message shows the link to our own pages."""
    configure(
        f"[web]\npublic_url = 'https://tagtide.example'\n{three_kinds(receiver.url)}"
        "numbers = '1.234,5'\n"
    )
    assert cli("channels", "test").code == 78
    configure(
        f"[web]\npublic_url = 'https://tagtide.example'\n{three_kinds(receiver.url)}"
        "[channels.two]\nkind='slack'\nnumbers='1.234,5'\nclock='12h'\ntitle='{kind}'\n"
        f"url='{receiver.url}/two'\n"
    )
    assert cli("channels", "test", "two").code == 0
    ((_, _, body),) = receiver.got
    assert "https://tagtide.example/" in json.dumps(body)


@pytest.mark.parametrize(
    "url", ["tagtide.example", "ftp://x.example", "https://a@b.example", "https://x.example/<b>"]
)
def test_a_public_url_that_is_none(cli: Cli, url: str) -> None:
    configure(f"[web]\npublic_url = '{url}'\n")
    assert "web.public_url" in cli("config", "show").err
