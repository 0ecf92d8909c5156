"""The languages that reports speak: one folder with a catalogue each, beside this file.

English stands in the code and has none. `docs/translation.md` says how one is added.
"""

from __future__ import annotations

import gettext
from functools import lru_cache
from pathlib import Path

from tagtide.core.language import ENGLISH, Language, language
from tagtide.core.names import nearest
from tagtide.errors import InvalidInput

#: Name of the catalogues.
DOMAIN = "tagtide"
FOLDER = Path(__file__).parent


@lru_cache(maxsize=1)
def codes() -> tuple[str, ...]:
    """Codes of the languages there are, English first."""
    found = sorted(file.parents[1].name for file in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))
    return (ENGLISH.code, *found)


def check_code(code: str) -> str:
    """The code of a language there is. Raises `InvalidInput`."""
    if code in codes():
        return code
    near = nearest(code.casefold(), codes())
    raise InvalidInput(
        f"There is no language {code[:40]!r}.",
        hint=f"Did you mean {near}?" if near else f"Reports speak {', '.join(codes())}.",
    )


@lru_cache(maxsize=16)
def find_language(code: str) -> Language:
    """A language by its code; English for one that this version does not know."""
    if code == ENGLISH.code or code not in codes():
        return ENGLISH
    with (FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as file:
        return language(code, gettext.GNUTranslations(file))
