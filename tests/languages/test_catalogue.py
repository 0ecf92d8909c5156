"""Catalogues are complete and up to date, and every text that is said can be looked up."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog

import tagtide
from tagtide import languages
from tagtide.core.language import (
    ENGLISH,
    figure,
    language,
    say,
    say_as,
    say_many,
    speaking,
    spoken,
)
from tagtide.errors import InvalidInput

PACKAGE = Path(tagtide.__file__).parent
sys.path.insert(0, str(PACKAGE.parents[1] / "tools"))
import catalogue  # noqa: E402  # a tool, not a package

CODE = catalogue.of_code()


@pytest.mark.parametrize("code", catalogue.codes())
def test_a_catalogue_is_complete_and_what_the_tool_would_write(code: str) -> None:
    """If this fails: `./run catalogue`, then translate what it names."""
    assert catalogue.problems(code) == []
    written = catalogue.file_of(code).read_bytes()
    assert catalogue.as_text(catalogue.updated(code)) == written
    assert len(CODE) > 300


def test_the_languages_of_the_catalogues_are_those_that_reports_speak() -> None:
    assert languages.codes() == ("en", *catalogue.codes())
    assert "de" in languages.codes()
    assert languages.find_language("tlh") is ENGLISH
    with pytest.raises(InvalidInput, match="no language 'ed'"):
        languages.check_code("ed")


# --- what may not pass ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id_", "said", "why"),
    [
        ("Views", "", "not translated"),
        ("{who} lost {views} views", "{who} verlor {view} Aufrufe", "other placeholders"),
        ("{who} lost {views} views", "{who} verlor Aufrufe", "other placeholders"),
        (("{count} video", "{count} videos"), ("{count} Video",), "not in 2 forms"),
        (("{count} video", "{count} videos"), ("{count} Video", ""), "not translated"),
        (("{count} video", "{count} videos"), ("{count} Video", "Videos"), "other placeholders"),
    ],
)
def test_a_fault_of_a_translation_is_named(id_: object, said: object, why: str) -> None:
    held = Catalog(locale="de")
    held.add(id_, said)
    [message] = [one for one in held if one.id]
    assert why in [*catalogue._faults(message, 2)]


def test_what_is_missing_too_much_unsure_or_not_compiled_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = catalogue.of_language("de")
    held.add("Nobody says this.", "Das sagt niemand.")
    held.delete("Views")
    held["Videos"].flags.add("fuzzy")
    monkeypatch.setattr(catalogue, "LANGUAGES", tmp_path)
    catalogue.write("de", held)
    catalogue.file_of("de").with_suffix(".mo").write_bytes(b"")
    assert catalogue.problems("de") == [
        "not in the catalogue: 'Views'",
        "not in the code any more: 'Nobody says this.'",
        "not sure: 'Videos'",
        "tagtide.mo is not what tagtide.po gives",
    ]
    catalogue.write("de", catalogue.updated("de"))
    assert catalogue.problems("de") == ["not sure: 'Videos'", "not translated: 'Views'"]


def said_in_code() -> list[tuple[str, ast.Call]]:
    return [
        (f"{path.name}:{node.lineno}", node)
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name != "language.py"
        and "core.language import" in (text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in ("say", "say_as", "say_many")
    ]


def test_every_text_is_written_out_where_it_is_said() -> None:
    """A text that is put together is in no catalogue; nor is one inside of an f-string."""
    known = {(m.id, m.context) for m in CODE}
    missing = []
    for place, call in said_in_code():
        texts = [one.value if isinstance(one, ast.Constant) else None for one in call.args]
        match call.func.id:  # type: ignore[attr-defined]
            case "say":
                key = (texts[0], None)
            case "say_as":
                key = (texts[1], texts[0])
            case _:
                key = ((texts[1], texts[2]), None)
        if key not in known:
            missing.append(place)
    assert missing == []
    assert len(said_in_code()) > 300


def test_braces_are_placeholders_and_nothing_else() -> None:
    """English is filled by `str.format`, which reads more into braces than a translation does."""
    for message in CODE:
        for text in [*message.id] if isinstance(message.id, tuple) else [message.id]:
            fields = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
            assert fields == {*re.findall(r"\{(\w+)\}", text)}, text


# --- speaking -------------------------------------------------------------------------------------


def test_english_is_what_stands_in_the_code() -> None:
    assert say("{who} lost {views} views", who="#x", views="1,2") == "#x lost 1,2 views"
    assert say_as("counter", "views") == "views"
    assert say_many(1, "{count} video", "{count} videos") == "1 video"
    assert say_many(1_200, "{count} video", "{count} videos") == "1,200 videos"


def test_german_is_what_stands_in_its_catalogue() -> None:
    with speaking(languages.find_language("de")) as german:
        assert spoken() is german
        assert say("{who} lost {views} views", who="#x", views="1,2") == "#x −1,2 Aufrufe"
        assert say_as("counter", "views") == "Aufrufe"
        assert say_many(1, "{count} creator", "{count} creators") == "1 Creator"
        assert say_many(1_200, "{count} creator", "{count} creators") == "1.200 Creators"
        assert figure("1,234.5") == "1.234,5"
    assert spoken() is ENGLISH


@pytest.mark.parametrize("code", languages.codes())
def test_values_are_never_read_as_text_of_ours(code: str) -> None:
    hostile = "{count} {views!r} %s Views {who.__class__} \\1"
    with speaking(languages.find_language(code)):
        said = say("{who} lost {views} views", who=hostile, views="1")
    assert hostile in said


def test_a_campaign_sets_how_its_figures_look() -> None:
    german = languages.find_language("de")
    with speaking(german.looking("1'234.5", None)):
        assert figure("1,234.5") == "1’234.5"
    with speaking(ENGLISH.looking("1 234,5", "12h")):
        assert figure("1,234.5") == "1\u00a0234,5"
        assert spoken().clock == "12h"


def test_a_catalogue_with_a_look_that_does_not_exist_is_refused() -> None:
    class Odd:
        def gettext(self, message: str, /) -> str:
            return message

        def pgettext(self, context: str, message: str, /) -> str:
            return "odd"

        def ngettext(self, one: str, many: str, count: int, /) -> str:
            return one

    with pytest.raises(ValueError, match="look"):
        language("xx", Odd())
