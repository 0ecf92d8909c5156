"""The fence: what strangers may have written reaches an agent only as ``untrusted_text``.

Everything is denied that is not known. Keys that are in no table are left out. A text stays bare
only where its key says what it must look like and it does look like that: an id, an instant, a word
of ours, the name of a campaign or hashtag that the operator has set up. Every other text is
cleaned, cut and put into ``{"untrusted_text": ...}``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from tagtide.core.formats import clean_text, iso_utc
from tagtide.core.names import hashtag_url
from tagtide.mcp.fields import BARE, KEYS, WORDS, Look

#: Key of the only object that a stranger's text stands in.
UNTRUSTED = "untrusted_text"
#: Letters of a stranger's text at most.
LONGEST = 300
#: Bytes of an answer, as JSON, at most.
LARGEST = 32_768

_PATTERNS = {
    Look.NUMBER: re.compile(r"[0-9]{1,20}"),
    Look.TOKEN: re.compile(r"[0-9a-f]{1,64}"),
    Look.INSTANT: re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"),
    Look.DATE: re.compile(r"\d{4}-\d\d-\d\d"),
    Look.WEEK: re.compile(r"\d{4}-W\d\d"),
    Look.ZONE: re.compile(r"UTC|[A-Z][A-Za-z_]{1,30}(/[A-Z][A-Za-z0-9_+-]{1,30}){1,2}"),
    Look.CURRENCY: re.compile(r"[A-Z]{3}"),
    Look.VIDEO_URL: re.compile(r"https://www\.tiktok\.com/@_/video/[0-9]{1,20}"),
}

#: What models take for the end of a turn, a role or a call of a tool.
_CONTROL_TOKENS = (
    (re.compile(r"<(?=[|/!?a-z_])", re.IGNORECASE), "< "),
    (re.compile(r"(?<=[|/\w\"'])>"), " >"),
    (re.compile(r"\[(?=/?[A-Z_]{2,30}\])"), "[ "),
    (re.compile(r"<<+"), "< <"),
)


@dataclass(frozen=True, slots=True)
class Known:
    """Names that the operator has set up."""

    campaigns: frozenset[str] = frozenset()
    hashtags: frozenset[str] = frozenset()
    #: Public pages of these hashtags.
    pages: frozenset[str] = field(default=frozenset())

    @classmethod
    def of(cls, campaigns: Sequence[str], hashtags: Sequence[str]) -> Known:
        """With the pages of the hashtags."""
        names = frozenset(hashtags)
        return cls(frozenset(campaigns), names, frozenset(hashtag_url(name) for name in names))


def untrusted(text: str) -> dict[str, str]:
    """A stranger's text behind the fence: cleaned, cut, its control tokens broken."""
    clean = clean_text(text, LONGEST)
    for pattern, broken in _CONTROL_TOKENS:
        clean = pattern.sub(broken, clean)
    return {UNTRUSTED: clean if len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"}


def fence(value: Any, known: Known, key: str = "") -> Any:
    """The value as JSON types, everything foreign behind the fence.

    Args:
        value: Objects, lists, numbers, texts, instants, members of enumerations.
        known: What stays bare beside what is ours.
        key: Under which key the value stands; a list stands under the key of its elements.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {k: fence(v, known, k) for k, v in value.items() if k in KEYS}
    if isinstance(value, list | tuple):
        return [fence(element, known, key) for element in value]
    if isinstance(value, datetime):
        value = iso_utc(value)
    elif isinstance(value, date):
        value = value.isoformat()
    text = value.value if isinstance(value, StrEnum) else str(value)
    return text if _is_ours(text, BARE.get(key), known) else untrusted(text)


def _is_ours(text: str, look: Look | None, known: Known) -> bool:
    if look is None:
        return False
    if look is Look.WORD:
        return text in WORDS
    if look is Look.CAMPAIGN:
        return text in known.campaigns
    if look is Look.HASHTAG:
        return text in known.hashtags
    if look is Look.PAGE:
        return text in known.pages or bool(_PATTERNS[Look.VIDEO_URL].fullmatch(text))
    return bool(_PATTERNS[look].fullmatch(text))


# --- size -----------------------------------------------------------------------------------------


def fit(body: dict[str, Any], largest: int) -> dict[str, Any]:
    """The body in at most so many bytes of JSON: the largest lists lose their last elements.

    ``truncated`` says so. Lists come with the most important first. The body itself is changed.
    """
    while size_of(body) > largest:
        lists = [found for found in _lists(body) if found]
        body["truncated"] = True
        if not lists:
            return {"truncated": True}
        longest = max(lists, key=size_of)
        del longest[-max(1, len(longest) // 8) :]
    return body


def size_of(value: Any) -> int:
    """Bytes as JSON."""
    return len(as_json(value).encode())


def as_json(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _lists(value: Any) -> list[list[Any]]:
    if isinstance(value, dict):
        return [found for one in value.values() for found in _lists(one)]
    if isinstance(value, list):
        return [value, *(found for one in value for found in _lists(one))]
    return []
