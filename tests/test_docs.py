"""Documents keep up with the code, and the project speaks of itself alone."""

from __future__ import annotations

import re
import runpy
import subprocess
from pathlib import Path

import pytest

from tagtide import errors
from tagtide.cli import COMMANDS
from tagtide.cli.errors import EXIT_CODES
from tagtide.settings import Settings
from tagtide.settings_file import template

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("path", DOCS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    missing = [t for t in targets if "://" not in t and not (path.parent / t).exists()]
    assert missing == []


def test_every_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [c for c in COMMANDS if not re.search(rf"\b{c}\b", readme)] == []


def test_every_exit_code_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8").partition("Exit codes:")[2]
    for code in EXIT_CODES.values():
        assert re.search(rf"\b{code}\b", readme), f"exit code {code} is not documented"


def test_the_pictures_in_the_readme_are_those_the_script_makes() -> None:
    script = runpy.run_path(str(ROOT / "tests/browser/screenshots.py"))
    made = [f"docs/screenshots/{name}.webp" for name in script["SHOTS"]]
    shown = re.findall(
        r"!\[([^\]]+)\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")
    )
    assert [path for _, path in shown] == made
    assert len(made) <= 5
    assert {p.name for p in (ROOT / "docs/screenshots").iterdir()} == {Path(p).name for p in made}
    assert all((ROOT / path).stat().st_size <= script["LARGEST"] for path in made)


def test_every_decision_is_listed() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    records = [p.name for p in (ROOT / "docs/decisions").glob("[0-9]*.md")]
    assert [name for name in records if name not in index] == []


def test_every_setting_is_in_the_file_that_init_writes() -> None:
    text = template()
    for name, field in Settings.model_fields.items():
        section = field.annotation
        for key in getattr(section, "model_fields", {}):
            assert re.search(rf"^#{key}(_file)? =", text, re.MULTILINE), f"{name}.{key}"


def test_error_codes_are_unique() -> None:
    def walk(cls: type[errors.TagtideError]) -> list[type[errors.TagtideError]]:
        return [cls, *(x for sub in cls.__subclasses__() for x in walk(sub))]

    codes = [cls.__new__(cls).code for cls in walk(errors.TagtideError)]
    assert len(codes) == len(set(codes))


def test_no_machine_path_or_stranger_in_the_project() -> None:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=True
    ).stdout.split()
    forbidden = re.compile(r"/(?:work|root)/|pypi-more|find-links|index-url")
    found = []
    for name in listed:
        path = ROOT / name
        if path == Path(__file__) or path.name in {"run", "requirements-build.in"}:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        found += [f"{name}: {m.group()}" for m in forbidden.finditer(text)]
    assert found == []
