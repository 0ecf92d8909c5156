"""The scripts of docs/proof.md tell a good file from a broken one; the page is drawn as agreed."""

from __future__ import annotations

import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from capsules import capsule, drafted, draw, large, with_history

from tagtide.core.proof import FORM
from tagtide.core.proof.chain import BEGIN, END, take_apart
from tagtide.signing import new_key

TEXT = (Path(__file__).resolve().parents[2] / "docs/proof.md").read_text(encoding="utf-8")
CHAIN, SIGNATURE = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)

#: SHA-256 of a page by form. Another page from the same data needs another `FORM`: files that
#: people have could not be drawn again. Then add a line, and leave the old ones.
PAGES = {1: "6b2eae183e3bf70e660e757cc12641527863bb69d7aeb4e01bb9565bf6b18acd"}


def run(script: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *args], capture_output=True, text=True, check=False
    )


def test_the_script_is_short() -> None:
    assert len(CHAIN.strip().splitlines()) <= 32


def test_the_script_accepts_a_good_file(tmp_path: Path) -> None:
    file = tmp_path / "good.html"
    file.write_bytes(capsule())
    ended = run(CHAIN, str(file))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert take_apart(capsule()).seal.head in ended.stdout


def changed(file: bytes) -> dict[str, bytes]:
    start, stop = file.index(BEGIN) + len(BEGIN), file.index(END)
    lines = file[start:stop].splitlines(keepends=True)
    swapped = [*lines[:20], lines[21], lines[20], *lines[22:]]
    return {
        "reading": file.replace(b'"views":612000', b'"views":999000'),
        "removed": file.replace(lines[20], b""),
        "moved": file[:start] + b"".join(swapped) + file[stop:],
        "cut off": file[:start] + b"".join([*lines[:-5], lines[-1]]) + file[stop:],
        "page": file.replace(b"<b>5,120,110</b>", b"<b>9,118,110</b>"),
    }


@pytest.mark.parametrize("what", changed(capsule()))
def test_the_script_refuses_a_broken_file(tmp_path: Path, what: str) -> None:
    broken = changed(capsule())[what]
    assert broken != capsule()
    file = tmp_path / "broken.html"
    file.write_bytes(broken)
    ended = run(CHAIN, str(file))
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr


def test_the_script_checks_a_signature(tmp_path: Path) -> None:
    signer, other = new_key(tmp_path / "a"), new_key(tmp_path / "b")
    file = tmp_path / "signed.html"
    file.write_bytes(capsule(signer=signer))
    assert run(SIGNATURE, str(file), signer.public).stdout == "signed by that key\n"
    assert run(SIGNATURE, str(file), other.public).returncode == 1


def test_the_page_of_this_form_is_drawn_as_agreed() -> None:
    made = drafted(with_history())
    page = b"".join(draw(made.records, made.figures))
    assert sha256(page).hexdigest() == PAGES[FORM], "the same data give another page: raise FORM"


def test_two_processes_make_the_same_bytes() -> None:
    script = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from capsules import capsule\n"
        "sys.stdout.buffer.write(capsule())"
    )
    folder = Path(__file__).resolve().parent
    made = [
        subprocess.run(
            [sys.executable, "-c", script, str(folder), str(folder.parent)],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]
    assert made[0] == made[1] == capsule()


def test_a_capsule_stays_small() -> None:
    """15 MB for 10,000 videos that were read at both ends is the goal."""
    small, larger = (len(capsule(large(count))) for count in (200, 400))
    assert (larger - small) / 200 < 1_400
