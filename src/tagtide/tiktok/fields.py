"""Reading single values out of a payload that strangers and an unknown upstream have written.

Every reader here accepts any JSON value and returns a checked one or None. None is "unknown" and
never 0. Nothing here raises.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

#: Largest counter that the database can hold.
MAX_COUNT = 2**63 - 1
CAPTION_LENGTH = 4_000
NICKNAME_LENGTH = 64

_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,39})")
_ID = re.compile(r"[0-9]{1,32}")
_HANDLE = re.compile(r"[\w.\-]{1,64}")
_SEC_UID = re.compile(r"[A-Za-z0-9_\-]{1,256}")
#: Unicode's category Cc, but for tab and newline.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
#: Before TikTok existed, or after anything that is stored today could be read.
_EARLIEST, _LATEST = 1_325_376_000, 4_102_444_800
_DAY = 86_400.0


def mapping(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def first(record: Mapping[str, Any], names: Iterable[str]) -> Any:
    """Value of the first of these names that is there and not null."""
    for name in names:
        value = record.get(name)
        if value is not None:
            return value
    return None


def count(value: Any, name: str, flags: list[str]) -> int | None:
    """A counter: a whole number, or exactly one written in decimal digits, from 0 to 2^63-1.

    Args:
        value: Whatever the payload holds.
        name: What to call it in a flag.
        flags: Gets ``name:problem`` when the value is there but cannot be used.
    """
    if value is None:
        return None
    number = _whole(value)
    if number is None:
        flags.append(f"{name}:not_a_count")
    elif number < 0:
        flags.append(f"{name}:negative")
    elif number > MAX_COUNT:
        flags.append(f"{name}:too_large")
    else:
        return number
    return None


def _whole(value: Any) -> int | None:
    if type(value) is int:
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return int(value)
    return None


def stated_credits(value: Any) -> int | None:
    """A number of credits beside the data, or None."""
    return count(value, "", [])


def identifier(value: Any) -> str | None:
    """A numeric id as a string of digits; "0" is how upstream writes "none"."""
    text = str(value) if type(value) is int and 0 < value < 10**32 else value
    if isinstance(text, str) and _ID.fullmatch(text) and text.strip("0"):
        return text
    return None


def handle(value: Any) -> str | None:
    """A user name without ``@``; None when it could not be one."""
    if not isinstance(value, str):
        return None
    text = value.removeprefix("@")
    return text if _HANDLE.fullmatch(text) else None


def sec_uid(value: Any) -> str | None:
    """TikTok's stable public id of a user."""
    return value if isinstance(value, str) and _SEC_UID.fullmatch(value) else None


def text(value: Any, limit: int) -> str:
    """Stranger's text without control characters and lone surrogates, at most ``limit`` long.

    Newline and tab stay. It is still hostile: each medium escapes it.
    """
    if not isinstance(value, str):
        return ""
    start = value[: 2 * limit]
    if start.isprintable():
        # Neither a control character nor half a surrogate pair is, so nothing is to be done.
        return start[:limit]
    return _SURROGATE.sub("�", _CONTROL.sub("", start))[:limit]


def short_text(value: Any, limit: int) -> str | None:
    """Like `text` on one line; None instead of an empty string."""
    return " ".join(text(value, limit).split()) or None


def hashtag_name(value: Any) -> str | None:
    """Normal form of a hashtag: NFC, casefolded, without ``#`` and white space."""
    name = text(value, 200).strip().lstrip("#").strip()
    if name.isascii():
        name = name.lower()
    else:
        for _ in range(2):
            # Folding may decompose; the second round reaches the fixed point.
            name = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return name if name.split() == [name] else None


def instant(value: Any) -> datetime | None:
    """Unix seconds, as a number or in digits, as an aware instant in UTC."""
    seconds = _whole(value)
    if seconds is None or not _EARLIEST <= seconds < _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def iso_or_unix_instant(value: Any) -> datetime | None:
    """An ISO 8601 instant (UTC where it names no zone) or unix seconds."""
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None
    return instant(value)


def created(value: Any, video_id: str) -> datetime | None:
    """Creation of a video; TikTok keeps the same second in the upper bits of its id."""
    return instant(value) or instant(int(video_id) >> 32)


def seconds(value: Any, unit: float) -> float | None:
    """A duration of a post in seconds; 0 is how photo posts say that they have none."""
    if type(value) not in {int, float} or not 0 < value <= _DAY / unit:
        return None
    return float(value) * unit


def flag(value: Any) -> bool | None:
    """A yes or no that upstream also writes as 0, 1, "0", "1", "true" or "false"."""
    if isinstance(value, bool):
        return value
    if type(value) not in {int, str}:
        return None
    return {"0": False, "1": True, "false": False, "true": True}.get(str(value).lower())


def cursor(value: Any) -> str | None:
    """Where the next page starts, always as a string."""
    if type(value) is int and 0 <= value <= MAX_COUNT:
        return str(value)
    if isinstance(value, str) and 0 < len(value) <= 512 and value.isprintable():
        return value
    return None
