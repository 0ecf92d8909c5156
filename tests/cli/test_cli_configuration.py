"""Configuration: every problem at once, with the nearest name, and never a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import KEY, Cli


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[api]\nplann = 'free'", "did you mean 'plan'"),
        ("[apy]\nplan = 'free'", "did you mean 'api'"),
        ("[api]\nplan = 'huge'", "api.plan"),
        ("[api]\nurl = 'http://example.com'", "https"),
        ("[api]\nurl = 'https://user:pass@example.com'", "password"),
        ("[database]\nurl = 'mysql://x'", "sqlite:/// or postgresql://"),
        ("[budget]\ncredits_per_day = -1", "budget.credits_per_day"),
        ("[schedules]\ntrack = 'often'", "schedules.track"),
        ("[rules]\nviral_factor = 'x'", "rules.viral_factor"),
        ("[rules]\nviral_factor = inf", "rules.viral_factor"),
        (f"[rules]\nnew_videos = {10**17}", "rules.new_videos"),
        (f"[budget]\ncredits_per_day = {10**17}", "budget.credits_per_day"),
        ("[channels.team]\nkind = 'slak'\nurl = 'x'", "channels.team.kind"),
        ("[channels.team]\nkind = 'slack'", "channels.team.url"),
        ("[channels.team]\nkind='slack'\nurl_file='none.txt'", "cannot be read"),
        ("[reports]\ncolor = 'red'", "reports.color"),
        ("[reports]\nlanguage = 'dee'", "Did you mean de?"),
        ("[reports]\ncurrency = 'EUR'", "give your own"),
        ("[reports.rate_cards.agency]\nlike = -1", "reports.rate_cards.agency.like"),
        ("[reports.rate_cards.agency]\nsave = 0", "at least one price"),
        ("not toml", "not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_78(cli: Cli, text: str, said: str) -> None:
    Path("tagtide.toml").write_text(text)
    ran = cli("campaign", "list")
    assert (ran.code, ran.out) == (78, "")
    assert said in ran.err
    as_json = cli("campaign", "list", "--json")
    assert as_json.json["error"]["code"] == "config"
    assert not Path("tagtide.db").exists()


def test_all_problems_are_told_at_once(cli: Cli) -> None:
    Path("tagtide.toml").write_text("[api]\nplan = 'huge'\nx = 1\n[budget]\nwarn_at = 7\n")
    err = cli("config", "show").err
    assert err.count("Error:") == 3


def test_a_wrong_variable_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGTIDE_BUDGET__CREDITS_PER_DAY", "many")
    ran = cli("config", "show")
    assert ran.code == 78
    assert "TAGTIDE_BUDGET__CREDITS_PER_DAY" in ran.err


def test_a_missing_file_is_said(cli: Cli) -> None:
    ran = cli("--config", "nothing.toml", "campaign", "list")
    assert ran.code == 78
    assert "tagtide init" in ran.err


def test_no_key(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCAVIO_API_KEY")
    cli("campaign", "add", "Summer", "--hashtag", "glow")
    ran = cli("track")
    assert ran.code == 78
    assert "SCAVIO_API_KEY" in ran.err


def test_init_writes_once_and_what_it_writes_is_the_defaults(cli: Cli) -> None:
    before = cli("config", "show", "--json").json["values"]
    assert cli("init").code == 0
    file = Path("tagtide.toml")
    assert file.stat().st_mode & 0o077 == 0
    assert cli("init").code == 1
    after = cli("config", "show", "--json").json["values"]
    assert {k: v["value"] for k, v in after.items() if k != "database.url"} == {
        k: v["value"] for k, v in before.items() if k != "database.url"
    }
    # Every line with its mark taken away is still a valid file.
    lines = [
        line.removeprefix("#") if line.startswith("#") and "=" in line else line
        for line in file.read_text().splitlines()
        if not line.startswith("#[") and "_file" not in line
    ]
    bare = [x for x in lines if not x.rstrip().endswith("=") and " = #" not in x and "=  " not in x]
    cut = bare[: next((i for i, x in enumerate(bare) if x.startswith("# Where alerts")), None)]
    file.write_text("\n".join(cut))
    assert cli("config", "show").code == 0


def test_init_writes_the_file_that_was_named_in_front(cli: Cli) -> None:
    assert cli("--config", "other.toml", "init").code == 0
    assert Path("other.toml").exists()
    assert not Path("tagtide.toml").exists()


def test_secrets_are_never_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("hook.txt").write_text("https://hooks.slack.com/services/T0/B0/c4n4ry-hook")
    Path("tagtide.toml").write_text("[channels.team]\nkind = 'slack'\nurl_file = 'hook.txt'\n")
    monkeypatch.setenv("TAGTIDE_LOG__LEVEL", "debug")
    url = "postgresql://me:c4n4ry-db@127.0.0.1:9/x?password=c4n4ry-too&sslpassword=c4n4ry"
    for args in (
        ("config", "show"),
        ("config", "show", "--json"),
        ("--database", url, "config", "show"),
        ("--database", url, "config", "show", "--json"),
        ("doctor",),
        ("doctor", "--json"),
    ):
        ran = cli(*args)
        assert "c4n4ry" not in ran.out + ran.err, args
        assert KEY not in ran.out + ran.err


@pytest.mark.parametrize(
    "url", ["ftp://c4n4ry/x", "http://c4n4ry.example.com/", "c4n4ry", "https://10.0.0.1/c4n4ry"]
)
def test_a_channel_that_cannot_be_used_is_named_but_not_its_address(cli: Cli, url: str) -> None:
    Path("tagtide.toml").write_text(f"[channels.crm]\nkind = 'webhook'\nurl = '{url}'\n")
    ran = cli("track")
    assert ran.code == 78
    assert "channel crm" in ran.err.lower()
    assert "c4n4ry" not in ran.err + cli("doctor").out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("option", "Correct --database"),
        ("variable", "Correct the environment"),
        ("file", "Correct tagtide.toml"),
    ],
)
def test_the_hint_names_where_the_value_came_from(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, given: str, said: str
) -> None:
    broken = "mysql://x"
    Path("tagtide.toml").write_text(f"[database]\nurl = '{broken}'\n" if given == "file" else "")
    if given == "variable":
        monkeypatch.setenv("TAGTIDE_DATABASE_URL", broken)
    ran = cli("campaign", "list", *(("--database", broken) if given == "option" else ()))
    assert ran.code == 78
    assert said in ran.err.replace(f"{Path.cwd()}/", "")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("colect", "collect"), ("video", "videos"), ("campain", "campaign"), ("desk", None)],
)
def test_an_unknown_command_suggests_only_what_is_near(
    cli: Cli, typed: str, meant: str | None
) -> None:
    ran = cli(typed)
    assert ran.code == 2
    assert (f"Did you mean '{meant}'?" in ran.err) if meant else ("Did you mean" not in ran.err)


@pytest.mark.parametrize("key", ["url", "address", "url_file", "address_file"])
def test_a_channel_has_an_address_by_either_name(cli: Cli, key: str) -> None:
    Path("hook.txt").write_text("http://127.0.0.1:9/hook")
    value = "hook.txt" if key.endswith("_file") else "http://127.0.0.1:9/hook"
    Path("tagtide.toml").write_text(f"[channels.crm]\nkind = 'webhook'\n{key} = '{value}'\n")
    (channel,) = cli("channels", "list", "--json").json["channels"]
    assert channel["name"] == "crm"
    assert "127.0.0.1" in channel["target"]
