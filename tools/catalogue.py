"""The catalogues of what reports say: `./run catalogue` brings them up to date with the code.

With `add CODE` a language begins; `check` changes nothing and says what is missing.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "tagtide"
LANGUAGES = SOURCE / "languages"
#: Which arguments are text: a context is marked, two are one and many.
KEYWORDS = {
    "say": None,
    "say_as": ((1, "c"), 2),
    "say_many": (2, 3),
    "pgettext": ((1, "c"), 2),
}
#: Files hold no day of their own: the same texts are the same bytes.
_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_WIDTH = 98
_PLACE = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=1)
def of_code() -> Catalog:
    """Every text of the code, in its order."""
    catalogue = _empty()
    for path in sorted(SOURCE.rglob("*.py")):
        # Whoever says something imports it; all other files need no reading.
        if b"core.language import" not in path.read_bytes() and path.name != "language.py":
            continue
        place = path.relative_to(ROOT).as_posix()
        for _, text, _, context in extract_from_file("python", path, keywords=KEYWORDS):
            catalogue.add(text, locations=[(place, 1)], context=context)
    for message in catalogue:
        # A percent sign is one, and braces are filled by `say` alone.
        message.flags -= {"python-format", "python-brace-format"}
    return catalogue


def _empty(code: str | None = None) -> Catalog:
    return Catalog(
        locale=code,
        project="tagtide",
        version="reports",
        msgid_bugs_address="-",
        last_translator="The tagtide authors",
        language_team="The tagtide authors",
        creation_date=_DAY,
        revision_date=_DAY,
    )


def file_of(code: str) -> Path:
    return LANGUAGES / code / "LC_MESSAGES" / "tagtide.po"


def of_language(code: str) -> Catalog:
    with file_of(code).open("rb") as file:
        return read_po(file, locale=code, abort_invalid=True)


def codes() -> list[str]:
    return sorted(file.parents[1].name for file in LANGUAGES.glob("*/LC_MESSAGES/tagtide.po"))


# --- writing --------------------------------------------------------------------------------------


def updated(code: str) -> Catalog:
    """A catalogue with every text of the code; what is gone from the code is gone."""
    catalogue = of_language(code)
    catalogue.update(of_code(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    catalogue.creation_date = catalogue.revision_date = _DAY
    for message in catalogue:
        message.flags -= {"python-format", "python-brace-format"}
    return catalogue


def as_text(catalogue: Catalog) -> bytes:
    file = BytesIO()
    write_po(file, catalogue, width=_WIDTH, include_lineno=False, sort_by_file=True)
    return file.getvalue()


def compiled(catalogue: Catalog) -> bytes:
    file = BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def write(code: str, catalogue: Catalog) -> None:
    path = file_of(code)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_text(catalogue))
    path.with_suffix(".mo").write_bytes(compiled(of_language(code)))


def begin(code: str) -> None:
    """A language without a translated text."""
    catalogue = _empty(code)
    catalogue.fuzzy = False
    catalogue.header_comment = f"# What reports of tagtide say, in {code}."
    write(code, catalogue)


# --- checking -------------------------------------------------------------------------------------


def problems(code: str) -> list[str]:
    """Everything that keeps a catalogue from being shipped."""
    catalogue, path = of_language(code), file_of(code)
    wanted = {(m.id, m.context) for m in of_code() if m.id}
    held = {(m.id, m.context): m for m in catalogue if m.id}
    found = [f"not in the catalogue: {_shown(one)}" for one in wanted - held.keys()]
    found += [f"not in the code any more: {_shown(one)}" for one in held.keys() - wanted]
    found += [f"obsolete: {name!r}" for name in catalogue.obsolete]
    for message in held.values():
        found += [f"{why}: {_shown((message.id, message.context))}" for why in _faults(
            message, catalogue.num_plurals
        )]  # fmt: skip
    mo = path.with_suffix(".mo")
    if not mo.exists() or mo.read_bytes() != compiled(catalogue):
        found.append(f"{mo.name} is not what {path.name} gives")
    return sorted(found)


def _shown(one: tuple[object, object]) -> str:
    return f"{one[0]!r}" + (f" ({one[1]})" if one[1] else "")


def _faults(message: Message, plurals: int) -> Iterator[str]:
    said = [*message.string] if isinstance(message.string, tuple) else [message.string]
    texts = [*message.id] if isinstance(message.id, tuple) else [message.id]
    if message.fuzzy:
        yield "not sure"
    if not all(said):
        yield "not translated"
    if isinstance(message.id, tuple) and len(said) != plurals:
        yield f"not in {plurals} forms"
    places = {frozenset(_PLACE.findall(text)) for text in texts}
    if len(places) != 1 or any({*_PLACE.findall(text)} != {*min(places)} for text in said if text):
        yield "other placeholders"


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="./run catalogue", description=__doc__)
    parser.add_argument("what", nargs="?", default="update", choices=("update", "add", "check"))
    parser.add_argument("code", nargs="?", help="of a new language, e.g. fr")
    asked = parser.parse_args()
    if asked.what == "add":
        if not asked.code or file_of(asked.code).exists():
            parser.error("name a language that there is not yet")
        begin(asked.code)
    missing = 0
    for code in codes():
        if asked.what != "check":
            write(code, updated(code))
        for problem in problems(code):
            print(f"{code}: {problem}")  # noqa: T201 - a tool for a terminal
            missing += 1
    sys.exit(1 if missing and asked.what == "check" else 0)


if __name__ == "__main__":
    main()
