"""Names of hashtags, campaigns, users and tokens: from what a person types to what is stored."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from itertools import takewhile
from typing import NoReturn
from urllib.parse import SplitResult, quote, unquote, urlsplit

from tagtide.core.formats import clean_text
from tagtide.errors import InvalidInput

_HASHTAG_LIMIT = 150
_CAMPAIGN_LIMIT = 80
_USER_LIMIT = 64
_TOKEN_LIMIT = 80
_PERSON_LIMIT = 80
_USER = re.compile(r"[^\W_][\w.@+-]*")
_USER_HINT = "Use letters, digits and . _ @ + -, such as ana or ana@example.com."
_HINT = "Give the bare name (glow), with its sign (#glow), or https://www.tiktok.com/tag/glow."

_LINK = re.compile(r"^[a-z][a-z0-9+.-]*://|^(?:[a-z0-9-]+\.)*tiktok\.com(?:[/:?]|$)", re.IGNORECASE)
_HOSTS = frozenset({"tiktok.com", "www.tiktok.com", "m.tiktok.com"})
_SHORT_HOSTS = frozenset({"vm.tiktok.com", "vt.tiktok.com"})
_VIDEO = re.compile(r"^/@[^/]*/(?:video|photo)/|^/v/")
#: Joiners that scripts and emoji need; after a Latin letter they only disguise a name.
_JOINERS = frozenset("\u200c\u200d")
_JOINABLE = frozenset({"So", "Sk", "Mn", "Mc", "Lo"})
_SIGN = re.compile("[#＃]")


def parse_hashtag(text: str) -> str:
    """The stored name of a hashtag: NFC, casefolded, without ``#``.

    Accepts the sign, spaces around, capitals, emoji, every script, and links to a hashtag's page.
    Does NOT ask whether TikTok knows the name. Raises `InvalidInput` with a sentence that says what
    is wrong.
    """
    stripped = text.strip()
    name = _from_link(stripped) if _LINK.match(stripped) else stripped
    name = name.strip().lstrip("#＃").strip()
    if not name:
        raise InvalidInput("The hashtag is empty.", hint=_HINT)
    folded = _fold(name)
    if len(folded) > _HASHTAG_LIMIT:
        _refuse(name, f"is longer than {_HASHTAG_LIMIT} characters")
    _check_characters(folded)
    return folded


def hashtags_in(caption: str) -> list[str]:
    """Names of the hashtags in a caption as they would be stored, each once, in order.

    A name goes from its sign to the first character that no hashtag holds.
    """
    found: dict[str, None] = {}
    for sign in _SIGN.finditer(caption):
        rest = caption[sign.end() : sign.end() + _HASHTAG_LIMIT]
        name = _fold("".join(takewhile(_is_part_of_name, rest)))
        if any(_counts(char) for char in name):
            found[name] = None
    return list(found)


def hashtag_url(name: str) -> str:
    """The public page of a stored hashtag name, percent-encoded."""
    return f"https://www.tiktok.com/tag/{quote(name, safe='')}"


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that was probably meant; None when nothing is close."""
    found = get_close_matches(name, list(candidates), n=1, cutoff=0.6)
    return found[0] if found else None


def parse_campaign_name(text: str) -> str:
    """The stored name of a campaign: NFC, trimmed, inner runs of spaces made one.

    Case is kept. Raises `InvalidInput`.
    """
    return _parse_title(text, "campaign name", _CAMPAIGN_LIMIT)


def parse_token_name(text: str) -> str:
    """The stored name of a token, in the same way. Raises `InvalidInput`."""
    return _parse_title(text, "token name", _TOKEN_LIMIT)


def parse_person(text: str) -> str:
    """Who gets a report: a name or a label, in the same way. Raises `InvalidInput`."""
    return _parse_title(text, "name of who gets it", _PERSON_LIMIT)


def _parse_title(text: str, what: str, limit: int) -> str:
    name = unicodedata.normalize("NFC", text.strip())
    if any(_is_control(before, char) for before, char in _pairs(name)):
        raise InvalidInput(f"The {what} holds control or invisible characters.")
    name = " ".join(name.split())
    if not name:
        raise InvalidInput(f"The {what} is empty.")
    if len(name) > limit:
        raise InvalidInput(f"The {what} is longer than {limit} characters.")
    return name


def parse_user_name(text: str) -> str:
    """The stored name of a user: compatible forms made one, casefolded. Raises `InvalidInput`."""
    name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.strip()).casefold())
    if not name:
        raise InvalidInput("The user name is empty.", hint=_USER_HINT)
    if len(name) > _USER_LIMIT:
        raise InvalidInput(f"The user name is longer than {_USER_LIMIT} characters.")
    if not _USER.fullmatch(name):
        raise InvalidInput("The user name holds characters it cannot hold.", hint=_USER_HINT)
    return name


# --- links ----------------------------------------------------------------------------------------


def _from_link(link: str) -> str:
    parts = _split(link)
    host = (parts.hostname or "").lower()
    if host in _SHORT_HOSTS:
        raise InvalidInput(
            "That is a short link, which does not say where it leads.",
            hint="Open it in a browser and copy the address of the hashtag's page.",
        )
    if host not in _HOSTS:
        raise InvalidInput(
            f"That link leads to {clean_text(host, 60) or 'nowhere'}, not to TikTok.", hint=_HINT
        )
    if parts.path.startswith("/tag/"):
        return _decode(parts.path.removeprefix("/tag/").rstrip("/"))
    raise InvalidInput(f"That is a link to {_kind(parts.path)}, not to a hashtag.", hint=_HINT)


def _split(link: str) -> SplitResult:
    try:
        parts = urlsplit(link if "://" in link else f"https://{link}")
        _ = parts.hostname, parts.port  # both are only parsed when they are asked for
    except ValueError as error:
        raise InvalidInput("That link cannot be read.", hint=_HINT) from error
    if parts.scheme.lower() not in {"http", "https"}:
        raise InvalidInput("That link is not a web address.", hint=_HINT)
    return parts


def _decode(path: str) -> str:
    try:
        return unquote(path, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            "The name in that link is not valid percent-encoded text.", hint=_HINT
        ) from error


def _kind(path: str) -> str:
    if _VIDEO.match(path):
        return "a video"
    if path.startswith("/@"):
        return "a profile"
    if path.startswith("/music/"):
        return "a sound"
    return "another page of TikTok"


# --- characters -----------------------------------------------------------------------------------


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _check_characters(name: str) -> None:
    for before, char in _pairs(name):
        if char.isspace():
            _refuse(name, "holds a space; a hashtag is one word")
        if _is_control(before, char):
            _refuse(name, "holds a control or invisible character")
        if char in "#＃,;，、":
            _refuse(name, f"holds '{char}'; give one hashtag at a time")
        if not _is_part_of_name(char):
            _refuse(
                name, f"holds '{char}'; only letters, digits, underscores and emoji are allowed"
            )
    if not any(_counts(char) for char in name):
        _refuse(name, "holds no letter, digit or emoji")


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    return zip(f" {text}", text, strict=False)


def _is_control(before: str, char: str) -> bool:
    if char in _JOINERS:
        return unicodedata.category(before) not in _JOINABLE
    category = unicodedata.category(char)
    return category in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"} or (
        category == "Cn" and not _is_pictograph(char)
    )


@lru_cache(maxsize=4_096)
def _is_part_of_name(char: str) -> bool:
    return char == "_" or char in _JOINERS or unicodedata.category(char)[0] == "M" or _counts(char)


def _counts(char: str) -> bool:
    category = unicodedata.category(char)
    return (
        category[0] in "LN"
        or category == "So"
        or _is_pictograph(char)
        or (category == "Sm" and char >= "\u2190")
    )


def _is_pictograph(char: str) -> bool:
    """Emoji blocks, so that emoji younger than this Python's Unicode tables are known too."""
    return "\U0001f000" <= char <= "\U0001faff"


def _refuse(name: str, why: str) -> NoReturn:
    shown = clean_text(name, 40)
    raise InvalidInput(f"The hashtag “{shown}” {why}.", hint=_HINT)
