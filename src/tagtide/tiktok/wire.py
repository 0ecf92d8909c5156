"""The data API's protocol without any I/O: requests out, bytes in, models or a typed error.

Nothing else in tagtide knows the API's paths, field names or statuses. Every function is pure;
whatever bytes come in, the outcome is a value or a `SourceError`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from tagtide.errors import (
    AuthenticationFailed,
    Charge,
    CreditsExhausted,
    InvalidInput,
    ItemNotFound,
    RateLimited,
    Reason,
    RequestRefused,
    SourceError,
    SourceUnavailable,
    UnexpectedResponse,
)
from tagtide.tiktok.decoders import (
    Document,
    decode_hashtag,
    decode_profile,
    decode_usage,
    decode_video,
    decode_video_page,
)
from tagtide.tiktok.fields import mapping, stated_credits

__all__ = [
    "ApiRequest",
    "Document",
    "classify",
    "decode_body",
    "decode_hashtag",
    "decode_profile",
    "decode_usage",
    "decode_video",
    "decode_video_page",
    "hashtag_request",
    "hashtag_videos_request",
    "profile_request",
    "search_videos_request",
    "usage_request",
    "video_request",
]

#: Largest answer after decompression, in bytes.
MAX_BODY = 16 * 1024 * 1024
MAX_DEPTH = 64
#: Commas and brackets outside strings: bounds the memory of the parsed document.
MAX_TOKENS = 600_000
#: A counter has at most 19 digits, an id 32.
MAX_DIGITS = 1_000
#: Characters of an answer that an error may quote.
SAMPLE_LENGTH = 200
PUBLISHED_WITHIN_DAYS = (0, 1, 7, 30, 90, 180)

_PREFIX = "/api/v1/tiktok"


# --- requests -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One call of the API, without host and key."""

    #: Name in the ledger and in messages.
    endpoint: str
    method: str
    path: str
    #: JSON object to send; None sends no body.
    body: dict[str, Any] | None


def hashtag_request(*, name: str | None = None, hashtag_id: str | None = None) -> ApiRequest:
    """Totals of a hashtag, by id when both are given. Raises `InvalidInput`."""
    if hashtag_id is not None:
        return _post("hashtag", "/hashtag", hashtag_id=_digits(hashtag_id, "hashtag id"))
    cleaned = (name or "").strip().lstrip("#").strip()
    if not cleaned:
        raise InvalidInput("A hashtag needs a name.")
    return _post("hashtag", "/hashtag", hashtag_name=cleaned)


def hashtag_videos_request(hashtag_id: str, *, cursor: str = "0", count: int = 30) -> ApiRequest:
    """One page of a hashtag's feed. The API takes no name here. Raises `InvalidInput`."""
    return _post(
        "hashtag_videos",
        "/hashtag/videos",
        hashtag_id=_digits(hashtag_id, "hashtag id"),
        cursor=_cursor(cursor),
        count=_page_size(count),
    )


def search_videos_request(
    keyword: str, *, cursor: str = "0", count: int = 30, published_within_days: int = 0
) -> ApiRequest:
    """One page of a keyword search. Raises `InvalidInput`."""
    if not 1 <= len(keyword.strip()) <= 500:
        raise InvalidInput("A search needs a keyword of 1 to 500 characters.")
    if published_within_days not in PUBLISHED_WITHIN_DAYS:
        raise InvalidInput(f"Days of a search must be one of {PUBLISHED_WITHIN_DAYS}.")
    return _post(
        "search_videos",
        "/search/videos",
        keyword=keyword.strip(),
        cursor=_cursor(cursor),
        count=_page_size(count),
        publish_time=str(published_within_days),
    )


def profile_request(*, username: str | None = None, sec_uid: str | None = None) -> ApiRequest:
    """A creator, by ``sec_uid`` when both are given. Raises `InvalidInput`."""
    if sec_uid:
        return _post("profile", "/profile", sec_user_id=sec_uid)
    cleaned = (username or "").strip().lstrip("@")
    if not cleaned:
        raise InvalidInput("A profile needs a user name.")
    return _post("profile", "/profile", username=cleaned)


def video_request(video_id: str) -> ApiRequest:
    """One video. Raises `InvalidInput`."""
    return _post("video", "/video", video_id=_digits(video_id, "video id"))


def usage_request() -> ApiRequest:
    """Plan and balance; free."""
    return ApiRequest(endpoint="usage", method="GET", path="/api/v1/usage", body=None)


def _post(endpoint: str, path: str, **body: Any) -> ApiRequest:
    return ApiRequest(endpoint=endpoint, method="POST", path=_PREFIX + path, body=body)


def _digits(value: str, what: str) -> str:
    if not re.fullmatch(r"[0-9]{1,32}", value):
        raise InvalidInput(f"A {what} is made of up to 32 digits.")
    return value


def _cursor(value: str) -> str:
    # The API answers 400 to a cursor that is a number, although it sends numbers itself.
    return str(value)


def _page_size(count: int) -> int:
    if not 1 <= count <= 30:
        raise InvalidInput("A page holds 1 to 30 videos.")
    return count


# --- bytes to a document --------------------------------------------------------------------------

_DIGITS = b"0123456789"
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'{}[],"' + _DIGITS))
_DIGITS_AS_ZERO = bytes.maketrans(_DIGITS, b"0" * 10)
_BRACES_AS_BRACKETS = bytes.maketrans(b"{}", b"[]")
_BLANK = re.compile(r"[ \t\n\r]*")


class _Refused(ValueError):
    """A document that JSON allows and tagtide does not."""


def decode_body(body: bytes, *, endpoint: str = "") -> Document:
    """Parse an answer strictly.

    Refused: anything but UTF-8 without a byte order mark, anything but an object, NaN and
    Infinity, a key twice, more than 64 levels, integers of thousands of digits.

    Raises:
        UnexpectedResponse: reason ``undecodable`` or ``oversize``, charged.
    """
    if len(body) > MAX_BODY:
        raise _undecodable(endpoint, b"", "larger than 16 MiB", Reason.OVERSIZE)
    try:
        _check_structure(body)
        document = _document(body.decode("utf-8"))
    except _Refused as error:
        raise _undecodable(endpoint, body, str(error), Reason.OVERSIZE) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise _undecodable(endpoint, body, "not a JSON object", Reason.UNDECODABLE) from error
    return document


def _check_structure(body: bytes) -> None:
    """Bound size, numbers and depth before parsing, at the speed of C, outside of strings."""
    for escape in (b"\\\\", b'\\"'):
        if escape in body:
            body = body.replace(escape, b"")
    signs = body.translate(None, _NOT_STRUCTURE)
    # Most strings hold no sign and are but two quotes now. Without a pair of neighbours every other
    # quote still opens or closes what it did, and a quarter of the time is saved.
    outside = b"".join(signs.replace(b'""', b"").split(b'"')[::2])
    if b"0" * MAX_DIGITS in outside.translate(_DIGITS_AS_ZERO):
        raise _Refused("a number of thousands of digits")
    structure = outside.translate(None, _DIGITS)
    if len(structure) > MAX_TOKENS:
        raise _Refused("too many values")
    nested = structure.translate(_BRACES_AS_BRACKETS, b",")
    for _ in range(MAX_DEPTH):
        # Each round takes the innermost level away.
        shorter = nested.replace(b"[]", b"")
        if len(shorter) in {0, len(nested)}:
            return
        nested = shorter
    raise _Refused(f"nested deeper than {MAX_DEPTH} levels")


def _document(text: str) -> Document:
    """Parse the envelope member by member, so that the text of ``data`` can be hashed."""
    document = Document()
    at = _expect(text, 0, "{")
    if text[at : at + 1] == "}":
        return _ended(text, at + 1, document)
    while True:
        if text[at : at + 1] != '"':
            raise ValueError("a key is missing")
        key, at = _scan(text, at)
        start = _expect(text, at, ":")
        if key in document:
            raise ValueError("a key occurs twice")
        document[key], end = _scan(text, start)
        if key == "data":
            document.data_hash = hashlib.sha256(text[start:end].encode()).hexdigest()
        at = _skip(text, end)
        if text[at : at + 1] == "}":
            return _ended(text, at + 1, document)
        at = _expect(text, at, ",")


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _expect(text: str, at: int, sign: str) -> int:
    """Behind the sign and the blanks around it."""
    at = _skip(text, at)
    if text[at : at + 1] != sign:
        raise ValueError(f"{sign} is missing")
    return _skip(text, at + 1)


def _ended(text: str, at: int, document: Document) -> Document:
    if _skip(text, at) != len(text):
        raise ValueError("something follows the document")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key occurs twice")
    return record


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_scan = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant).raw_decode


def _undecodable(endpoint: str, body: bytes, why: str, reason: Reason) -> UnexpectedResponse:
    return UnexpectedResponse(
        f"The data API sent an answer that cannot be read ({why}).",
        endpoint=endpoint,
        reason=reason,
        detail=sample(body),
    )


_SECRET = re.compile(r"(?i)(sk_(?:live|test)_|bearer\s+|whsec_)[^\s\"',;<>]+")


def sample(body: bytes) -> str:
    """The first characters of an answer, escaped and with anything like a key masked."""
    start = body[: 2 * SAMPLE_LENGTH].decode("utf-8", "backslashreplace")
    masked = _SECRET.sub(r"\1***", start)
    return masked.encode("unicode_escape").decode("ascii")[:SAMPLE_LENGTH]


# --- statuses -------------------------------------------------------------------------------------


def classify(
    status: int, headers: Mapping[str, str], body: bytes, endpoint: str, *, now: datetime
) -> SourceError:
    """The error that a status other than 2xx stands for; never raises.

    Args:
        status: HTTP status.
        headers: Of the answer; names in any case.
        body: Whatever came with it; may be anything.
        endpoint: Name for messages.
        now: To turn instants in the headers into waits.
    """
    document = _error_document(body)
    facts: dict[str, Any] = {
        "endpoint": endpoint,
        "status": status,
        "detail": _words(document, body),
        "credits_remaining": _balance(document),
    }
    if status == 429:
        lowered = {name.lower(): value for name, value in headers.items()}
        wait = _retry_after(lowered, document, now)
        error: SourceError = RateLimited(retry_after=wait, **facts)
    else:
        error = _plain_error(status, facts)
    stated = stated_credits(document.get("credits_used"))
    if stated is not None:
        error.charge = Charge.CHARGED if stated else Charge.NOT_CHARGED
    return error


def _plain_error(status: int, facts: dict[str, Any]) -> SourceError:
    if status in {401, 403}:
        return AuthenticationFailed(**facts)
    if status == 402:
        return CreditsExhausted(**facts)
    if status == 404:
        return ItemNotFound(**facts)
    if status in {408, 425} or status >= 500:
        return SourceUnavailable(f"The data API is not available (status {status}).", **facts)
    if 400 <= status < 500:
        return RequestRefused(f"The data API refused the request (status {status}).", **facts)
    if 300 <= status < 400:
        return UnexpectedResponse(
            "The data API redirects elsewhere; tagtide does not follow.",
            reason=Reason.REDIRECT,
            charge=Charge.UNKNOWN,
            hint="Check [api] url; the key is only sent to the host that it was set for.",
            **facts,
        )
    return UnexpectedResponse(
        f"The data API answered with status {status}.", charge=Charge.UNKNOWN, **facts
    )


def _error_document(body: bytes) -> dict[str, Any]:
    try:
        return decode_body(body)
    except UnexpectedResponse:
        return {}


def _words(document: Mapping[str, Any], body: bytes) -> str:
    """What the API said: ``error`` is a string or an object, ``message`` may stand beside it."""
    error = document.get("error")
    if isinstance(error, dict):
        error = error.get("message") or error.get("code")
    said = error or document.get("message")
    return sample(said.encode("utf-8", "replace") if isinstance(said, str) else body)


def _balance(document: Mapping[str, Any]) -> int | None:
    for name in ("credits_remaining", "credit_balance"):
        value = stated_credits(document.get(name))
        if value is not None:
            return value
    return None


def _retry_after(
    headers: Mapping[str, str], document: Mapping[str, Any], now: datetime
) -> float | None:
    """Seconds to wait: the header, else the body, else the reset of an older limit regime."""
    waits = (
        _header_wait(headers.get("retry-after"), now),
        _seconds(document.get("retry_after")),
        _seconds(mapping(document.get("error")).get("retry_after")),
        _reset_wait(headers.get("x-ratelimit-reset"), now),
    )
    return next((wait for wait in waits if wait is not None), None)


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _header_wait(value: str | None, now: datetime) -> float | None:
    if value is None or _seconds(value) is not None:
        return _seconds(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def _reset_wait(value: str | None, now: datetime) -> float | None:
    reset = _seconds(value)
    return None if reset is None else max(0.0, reset - now.timestamp())
