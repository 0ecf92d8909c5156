"""``verify``, ``keys`` and ``report --proof``: what goes wrong is said, in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Cli


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("verify", "nothing.html"), 2, "does not exist"),
        (("verify", "page.html"), 1, "no proof capsule"),
        (("verify", "page.html", "--key", "abc"), 2, "public key"),
        (("report", "campaign", "--sign", "key.pem"), 2, "--proof"),
        (("report", "campaign", "--proof", "--json"), 2, "leave out"),
        (("report", "campaign", "--proof", "--sign", "page.html", "-o", "x.html"), 2, "Ed25519"),
        (("report", "campaign", "--proof", "--sign", "nothing.pem", "-o", "x.html"), 1, "nothing"),
        (("keys", "show", "page.html"), 2, "Ed25519"),
        (("keys", "new", "page.html"), 1, "exists already"),
    ],
)
def test_what_goes_wrong_is_said(
    cli: Cli, tmp_path: Path, args: tuple[str, ...], code: int, says: str
) -> None:
    (tmp_path / "page.html").write_text("<html>\x1b[2J</html>")
    ended = cli(*args)
    assert ended.code == code, ended.err
    assert says in ended.err + ended.out
    assert "Traceback" not in ended.err
    assert "\x1b" not in ended.out + ended.err
    assert not (tmp_path / "x.html").exists()


def test_a_file_of_any_length_is_refused(cli: Cli, tmp_path: Path) -> None:
    with (tmp_path / "huge.html").open("wb") as out:
        out.truncate(10_000_000_000)
    ended = cli("verify", "huge.html", "--json")
    assert ended.code == 1
    assert "larger than 64 MB" in ended.json["error"]["message"]
