"""The language that reports speak: whole sentences, and how figures and dates look in it.

English stands in the code. `say` looks a sentence up in the catalogue of the language of the moment
and puts the values in; what strangers wrote is only ever a value. Outside of `speaking` it is
English. Catalogues are read by `tagtide.languages`, because nothing here reads files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Protocol

#: Looks of a number, by an example of themselves: what stands between thousands, and the point.
NUMBERS = {
    "1,234.5": (",", "."),
    "1.234,5": (".", ","),
    "1 234,5": ("\u00a0", ","),
    "1'234.5": ("\u2019", "."),
    "1234.5": ("", "."),
}
CLOCKS = ("24h", "12h")
#: How the code writes.
_PLAIN_NUMBERS, _PLAIN_CLOCK = "1,234.5", "24h"

_PLACE = re.compile(r"\{(\w+)\}")


class Catalogue(Protocol):
    """The sentences of a language, as the standard library reads them."""

    def gettext(self, message: str, /) -> str:
        """A sentence."""
        ...

    def pgettext(self, context: str, message: str, /) -> str:
        """A word that means several things, in one meaning of it."""
        ...

    def ngettext(self, one: str, many: str, count: int, /) -> str:
        """The form of a sentence for a count."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """A language; without a catalogue it is English, as it stands in the code."""

    #: As in ``lang="..."``.
    code: str
    catalogue: Catalogue | None = None
    #: A key of `NUMBERS`.
    numbers: str = _PLAIN_NUMBERS
    #: One of `CLOCKS`.
    clock: str = _PLAIN_CLOCK

    def looking(self, numbers: str | None, clock: str | None) -> Language:
        """The same with figures and clock as a campaign sets them; None leaves them."""
        return replace(self, numbers=numbers or self.numbers, clock=clock or self.clock)


def language(code: str, catalogue: Catalogue) -> Language:
    """A language with the look of figures and the clock that its catalogue names."""
    numbers = catalogue.pgettext("look of figures", "1,234.5")
    clock = catalogue.pgettext("clock", "24h")
    if numbers not in NUMBERS or clock not in CLOCKS:
        raise ValueError(f"the catalogue {code} names a look or a clock that does not exist")
    return Language(code, catalogue, numbers, clock)


ENGLISH = Language("en")
_SPOKEN: ContextVar[Language] = ContextVar("tagtide_language", default=ENGLISH)


def spoken() -> Language:
    """The language of the moment."""
    return _SPOKEN.get()


@contextmanager
def speaking(chosen: Language) -> Iterator[Language]:
    """Speak a language within the block: in this thread or task, and in nobody else's."""
    token = _SPOKEN.set(chosen)
    try:
        yield chosen
    finally:
        _SPOKEN.reset(token)


def say(text: str, /, **values: object) -> str:
    """A sentence in the language of the moment, with values in place of ``{names}``.

    The text is what the catalogue is asked for, so it is always written out where this is called.
    Values are taken as they are: braces in them mean nothing.
    """
    catalogue = _SPOKEN.get().catalogue
    if catalogue is None:
        return text.format(**values) if values else text
    return _filled(catalogue.gettext(text), values)


def say_as(meaning: str, text: str, /, **values: object) -> str:
    """`say` of a word that means several things; ``meaning`` tells translators which."""
    catalogue = _SPOKEN.get().catalogue
    if catalogue is None:
        return text.format(**values) if values else text
    return _filled(catalogue.pgettext(meaning, text), values)


def say_many(count: int, one: str, many: str, /, **values: object) -> str:
    """`say` in the form that a count asks for; the count itself is ``{count}``."""
    catalogue = _SPOKEN.get().catalogue
    values = {"count": figure(f"{count:,}").replace("-", "−"), **values}
    if catalogue is None:
        return (one if count == 1 else many).format(**values)
    return _filled(catalogue.ngettext(one, many, count), values)


def figure(text: str) -> str:
    """A figure, written as the code writes it, in the look of the language of the moment."""
    numbers = _SPOKEN.get().numbers
    return text if numbers == _PLAIN_NUMBERS else in_look(text, numbers)


def in_look(text: str, numbers: str) -> str:
    """A figure, written as the code writes it, in a look of `NUMBERS`."""
    thousands, point = NUMBERS[numbers]
    return text.translate({ord(","): thousands, ord("."): point})


def _filled(text: str, values: dict[str, object]) -> str:
    """A translation with its values; whatever else stands in it is text."""
    return _PLACE.sub(lambda found: str(values[found[1]]), text) if values else text
