"""`tagtide users` and `tagtide tokens` as a person, or a script, uses them."""

from __future__ import annotations

import io
import re
import sqlite3
import sys
from pathlib import Path

import pytest
from command_line import Cli

GOOD = "kumquat marmalade"


@pytest.fixture
def password(tmp_path: Path) -> str:
    file = tmp_path / "password.txt"
    file.write_text(f"{GOOD}\nnot this line\n", encoding="utf-8")
    return str(file)


def test_users_are_added_listed_changed_and_removed(cli: Cli, password: str) -> None:
    added = cli("users", "add", "Ana", "--role", "admin", "--password-file", password)
    assert (added.code, added.out) == (0, "ana may log in as an admin.\n")
    made = cli("users", "add", "ben", "--role", "viewer", "--generate", "--json")
    assert made.code == 0
    assert made.json["user"]["name"] == "ben"
    assert re.fullmatch(r"[0-9a-f]{32}", made.json["password"])
    listed = cli("users", "list", "--json").json["users"]
    assert [(user["name"], user["role"], user["login_at"]) for user in listed] == [
        ("ana", "admin", None),
        ("ben", "viewer", None),
    ]
    edited = cli("users", "edit", "ben", "--role", "operator", "--rename", "benno")
    assert edited.out == "benno is an operator.\n"
    table = cli("users", "list")
    assert re.search(r"benno\s+operator\s+–", table.out)
    assert cli("users", "remove", "benno", "--yes").out == "benno cannot log in any more.\n"
    assert len(cli("users", "list", "--json").json["users"]) == 1
    lines = cli("users", "history", "--json").json["events"]
    assert [(line["act"], line["user"]) for line in lines] == [
        ("user_removed", "benno"),
        ("role_changed", "ben"),
        ("user_renamed", "ben"),
        ("user_added", "ben"),
        ("user_added", "ana"),
    ]
    assert {line["by"] for line in lines} == {"command line"}
    assert "role changed" in cli("users", "history").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add", "ben", "--role", "viewer"], 2, "no terminal"),
        (["add", "ben", "--role", "boss", "--generate"], 2, "boss"),
        (["add", "b n", "--role", "viewer", "--generate"], 2, "user name"),
        (["add", "ana", "--role", "viewer", "--generate"], 1, "already"),
        (["add", "ben", "--generate"], 2, "--role"),
        (["add", "ben", "--role", "viewer", "--password-file", "none"], 1, "none"),
        (["add", "ben", "--role", "viewer", "--password-file", "weak"], 2, "first that everybody"),
        (["add", "ben", "--role", "viewer", "--password-file", "odd"], 2, "UTF-8"),
        (["edit", "ana"], 2, "--role"),
        (["edit", "anna", "--role", "viewer"], 1, "'ana'"),
        (["edit", "ana", "--role", "viewer"], 1, "last admin"),
        (["remove", "ana", "--yes"], 1, "last admin"),
        (["password", "carl", "--generate"], 1, "carl"),
        (["logout", "carl"], 1, "carl"),
    ],
)
def test_what_goes_wrong_is_said(
    cli: Cli, tmp_path: Path, password: str, arguments: list[str], code: int, said: str
) -> None:
    (tmp_path / "weak").write_text("password1234", encoding="utf-8")
    (tmp_path / "odd").write_bytes(b"\xff\xfe kumquat")
    cli("users", "add", "ana", "--role", "admin", "--password-file", password)
    ran = cli("users", *arguments)
    assert ran.code == code
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert "password1234" not in ran.err + ran.out
    assert [user["name"] for user in cli("users", "list", "--json").json["users"]] == ["ana"]


def test_the_password_comes_from_stdin_too(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{GOOD}\n"))
    ran = cli("users", "add", "ana", "--role", "admin", "--password-file", "-")
    assert ran.code == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    ran = cli("users", "password", "ana", "--password-file", "-")
    assert (ran.code, "10 characters" in ran.err) == (2, True)
    ran = cli("users", "password", "ana", "--generate")
    assert ran.code == 0
    shown = re.search(r"shown this once: ([0-9a-f]{32})\n", ran.out)
    assert shown is not None
    raw = sqlite3.connect(tmp_path / "tagtide.db")
    everything = "\n".join(raw.iterdump())
    raw.close()
    # A password is kept as a hash only.
    assert "$argon2id$" in everything
    assert GOOD not in everything
    assert shown[1] not in everything


def test_nothing_can_be_asked_for_as_an_argument(cli: Cli) -> None:
    """Others on the machine read arguments: no option takes a password."""
    for command in ("add", "password"):
        text = cli("users", command, "--help").out
        assert "--password-file" in text
        assert re.search(r"--password\b(?!-file)", text) is None


def test_tokens_are_made_shown_once_listed_and_revoked(cli: Cli, tmp_path: Path) -> None:
    cli("users", "add", "ana", "--role", "operator", "--generate")
    made = cli("tokens", "create", "Weekly sheet", "--scope", "read", "--expires", "90d")
    assert made.code == 0
    secret = made.out.strip()
    assert re.fullmatch(r"tt_[0-9a-f]{32}", secret)
    assert "Shown this once" in made.err
    assert secret not in made.err
    again = cli("tokens", "create", "Weekly sheet", "--scope", "read")
    assert (again.code, "already" in again.err) == (1, True)
    of_ana = cli("tokens", "create", "bot", "--scope", "operate", "--user", "ana", "--json")
    assert of_ana.json["secret"].startswith("tt_")
    assert of_ana.json["token"]["user"] == "ana"
    assert of_ana.json["token"]["expires_at"] is None
    listed = cli("tokens", "list", "--json")
    assert [(t["name"], t["scope"], t["user"], t["used_at"]) for t in listed.json["tokens"]] == [
        ("Weekly sheet", "read", None, None),
        ("bot", "operate", "ana", None),
    ]
    raw = sqlite3.connect(tmp_path / "tagtide.db")
    everything = "\n".join(raw.iterdump())
    raw.close()
    for kept in (listed.out, cli("tokens", "list").out, everything):
        assert secret not in kept
        assert secret.removeprefix("tt_") not in kept
    assert len(cli("tokens", "list", "--user", "ana", "--json").json["tokens"]) == 1
    assert cli("tokens", "revoke", "Weekly sheet").code == 0
    assert [t["name"] for t in cli("tokens", "list", "--json").json["tokens"]] == ["bot"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["create", "x", "--scope", "all"], 2, "all"),
        (["create", "x", "--scope", "read", "--expires", "soon"], 2, "90d"),
        (["create", "x", "--scope", "read", "--expires", "0d"], 2, "between"),
        (["create", "x", "--scope", "read", "--user", "nobody"], 1, "nobody"),
        (["create", "x", "--scope", "admin", "--user", "ana"], 2, "viewer"),
        (["create", "\x1b[31m", "--scope", "read"], 2, "invisible"),
        (["revoke", "bat"], 1, "'bot'"),
        (["revoke", "bot"], 1, "--user"),
    ],
)
def test_what_goes_wrong_with_tokens_is_said(
    cli: Cli, arguments: list[str], code: int, said: str
) -> None:
    cli("users", "add", "ana", "--role", "viewer", "--generate")
    cli("tokens", "create", "bot", "--scope", "read", "--user", "ana")
    cli("tokens", "create", "bot", "--scope", "read")
    ran = cli("tokens", *arguments)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert len(cli("tokens", "list", "--json").json["tokens"]) == 2


def test_open_pages_are_for_this_machine_alone(cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "tagtide.toml"
    for web in ('host = "0.0.0.0"', 'public_url = "https://tagtide.example.com"'):
        config.write_text(f"[web]\nopen_on_loopback = true\n{web}\n", encoding="utf-8")
        ran = cli("serve")
        assert ran.code == 78
        assert "open_on_loopback" in ran.err
    config.write_text("[web]\nopen_on_loopback = true\n", encoding="utf-8")
    ran = cli("serve", "--host", "0.0.0.0")
    assert (ran.code, "open_on_loopback" in ran.err) == (78, True)
