"""The data API's rules without a socket: routes, validation, envelopes and refusals.

Nothing here knows a world, a clock or a balance; the server brings those.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

JSON_TYPE = "application/json"
API_ROOT = "/api/v1/tiktok/"
USAGE_PATH = "/api/v1/usage"
DEFAULT_COUNT = 20
MAX_COUNT = 30


class Endpoint(StrEnum):
    """Endpoints the simulator answers; the value is how fault rules and records name them."""

    HASHTAG = "hashtag"
    HASHTAG_VIDEOS = "hashtag/videos"
    SEARCH_VIDEOS = "search/videos"
    PROFILE = "profile"
    VIDEO = "video"
    #: Free, and not below `API_ROOT`.
    USAGE = "usage"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a key of this plan may do."""

    name: str
    credits: int
    #: Calls in flight at once.
    concurrency: int


#: Published plans: credits granted and calls in flight.
PLANS: Mapping[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan("free", 50, 1),
        Plan("payg", 2_500, 1),
        Plan("project", 7_000, 5),
        Plan("bootstrap", 28_000, 10),
        Plan("startup", 85_000, 15),
        Plan("growth", 200_000, 50),
    )
}


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A valid request. Omitted parameters hold their default; unknown ones are gone."""

    endpoint: Endpoint
    params: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        """A text parameter, None when it was omitted."""
        value = self.params.get(name)
        return None if value is None else str(value)

    @property
    def cursor(self) -> str:
        """Cursor of the page asked for; "0" is the first."""
        return str(self.params.get("cursor", "0"))

    @property
    def count(self) -> int:
        """Page size asked for."""
        return int(self.params.get("count", DEFAULT_COUNT))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is not answered, with the error body."""

    status: int
    body: Mapping[str, Any]
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Data:
    """What goes under ``data``, as JSON bytes."""

    json: bytes


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such thing in the world."""


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A recorded answer that is not a plain success, given back as it was."""

    status: int
    #: An error object gets today's balance; bytes go out as they are.
    body: Mapping[str, Any] | bytes
    content_type: str = JSON_TYPE


Answered = Data | Missing | Verbatim


class Answers(Protocol):
    """What the server asks: a living world, a replay, or both."""

    def answer(self, at: datetime, call: ApiCall) -> Answered:
        """What the API would say at this instant; the same instant gives the same bytes."""

    def name_of(self, hashtag_id: str) -> str | None:
        """Name of a hashtag, for fault rules that name one."""


def error_body(code: str, message: str) -> dict[str, Any]:
    """The usual error: an object with code and message, and no ``data`` key."""
    return {"error": {"code": code, "message": message}}


def bad_request(message: str) -> Refusal:
    """A 400, which is never billed."""
    return Refusal(400, error_body("bad_request", message))


def unauthorized() -> Refusal:
    """A 401, which is never billed."""
    return Refusal(401, error_body("unauthorized", "Invalid or missing API key"))


def unknown_route(path: str) -> Refusal:
    """A 404 for a path the API does not have."""
    return Refusal(404, error_body("not_found", f"No such endpoint: {path[:200]}"))


def not_found() -> Refusal:
    """A 404 for an id or a name nobody has."""
    return Refusal(404, error_body("not_found", "Nothing was found for that id"))


def insufficient_credits(balance: int) -> Refusal:
    """A 402 as the provider words it."""
    body = {
        "error": "Insufficient credits",
        "message": "This call needs 1 credit and the balance does not cover it.",
        "credit_balance": balance,
        "billing_url": "https://dashboard.example.invalid/billing",
    }
    return Refusal(402, body)


def too_many_in_flight(plan: str, concurrency: int, in_flight: int) -> Refusal:
    """A 429: the limit is on calls in flight, not on calls per minute."""
    body = {
        "error": "Too many concurrent requests",
        "plan": plan,
        "concurrency": concurrency,
        "in_flight": in_flight,
        "retry_after": 1,
        "docs_url": "https://docs.example.invalid/rate-limits",
    }
    return Refusal(429, body, (("Retry-After", "1"),))


def bearer_key(authorization: str) -> str | None:
    """The key of an ``Authorization`` header; None when it is not a Bearer one."""
    scheme, _, key = authorization.strip().partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def endpoint_of(path: str) -> Endpoint | None:
    """The endpoint behind a path; None when there is none."""
    return _ROUTES.get(path)


def parse_call(endpoint: Endpoint, body: bytes) -> ApiCall | Refusal:
    """Validate a request body as the API does; unknown parameters are dropped silently."""
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return bad_request("The request body is not valid JSON")
    if not isinstance(given, dict):
        return bad_request("The request body must be a JSON object")
    present = {name: value for name, value in given.items() if value not in ("", None)}
    return _VALIDATORS[endpoint](endpoint, present)


def _hashtag(endpoint: Endpoint, given: Mapping[str, Any]) -> ApiCall | Refusal:
    return _one_of(endpoint, given, "hashtag_id", "hashtag_name")


def _profile(endpoint: Endpoint, given: Mapping[str, Any]) -> ApiCall | Refusal:
    return _one_of(endpoint, given, "sec_user_id", "username")


def _one_of(
    endpoint: Endpoint, given: Mapping[str, Any], winner: str, other: str
) -> ApiCall | Refusal:
    for name in (winner, other):
        if name in given:
            problem = _text_problem(given, name)
            return problem or ApiCall(endpoint, {name: given[name]})
    return bad_request(f"Either '{other}' or '{winner}' is required")


def _video(endpoint: Endpoint, given: Mapping[str, Any]) -> ApiCall | Refusal:
    problem = _required(given, "video_id")
    return problem or ApiCall(endpoint, {"video_id": given["video_id"]})


def _hashtag_videos(endpoint: Endpoint, given: Mapping[str, Any]) -> ApiCall | Refusal:
    problem = _required(given, "hashtag_id") or _page_problem(given)
    return problem or ApiCall(endpoint, {"hashtag_id": given["hashtag_id"], **_page(given)})


def _search_videos(endpoint: Endpoint, given: Mapping[str, Any]) -> ApiCall | Refusal:
    problem = (
        _required(given, "keyword")
        or _page_problem(given)
        or _choice_problem(given, "sort_type", ("0", "1"))
        or _choice_problem(given, "publish_time", ("0", "1", "7", "30", "90", "180"))
    )
    if problem:
        return problem
    if len(given["keyword"]) > 500:
        return bad_request("'keyword' must have at most 500 characters")
    extra = {name: given.get(name, "0") for name in ("sort_type", "publish_time")}
    return ApiCall(endpoint, {"keyword": given["keyword"], **extra, **_page(given)})


def _page(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"cursor": given.get("cursor", "0"), "count": given.get("count", DEFAULT_COUNT)}


def _required(given: Mapping[str, Any], name: str) -> Refusal | None:
    if name not in given:
        return bad_request(f"The '{name}' field is required")
    return _text_problem(given, name)


def _text_problem(given: Mapping[str, Any], name: str) -> Refusal | None:
    if not isinstance(given[name], str):
        return bad_request(f"'{name}' must be a string")
    return None


def _page_problem(given: Mapping[str, Any]) -> Refusal | None:
    cursor = given.get("cursor", "0")
    if not isinstance(cursor, str):
        return bad_request("'cursor' must be a string")
    if len(cursor) > 18 or not (cursor.isascii() and cursor.isdigit()):
        return bad_request("'cursor' is not a cursor of this endpoint")
    count = given.get("count", DEFAULT_COUNT)
    if isinstance(count, bool) or not isinstance(count, int):
        return bad_request("'count' must be an integer")
    if not 1 <= count <= MAX_COUNT:
        return bad_request(f"'count' must be between 1 and {MAX_COUNT}")
    return None


def _choice_problem(
    given: Mapping[str, Any], name: str, choices: tuple[str, ...]
) -> Refusal | None:
    value = given.get(name, choices[0])
    if isinstance(value, str) and value in choices:
        return None
    return bad_request(f"'{name}' must be one of {', '.join(choices)}")


_ROUTES: Mapping[str, Endpoint] = {
    USAGE_PATH if endpoint is Endpoint.USAGE else API_ROOT + endpoint.value: endpoint
    for endpoint in Endpoint
}

_Validator = Callable[[Endpoint, Mapping[str, Any]], ApiCall | Refusal]

_VALIDATORS: Mapping[Endpoint, _Validator] = {
    Endpoint.HASHTAG: _hashtag,
    Endpoint.HASHTAG_VIDEOS: _hashtag_videos,
    Endpoint.SEARCH_VIDEOS: _search_videos,
    Endpoint.PROFILE: _profile,
    Endpoint.VIDEO: _video,
}


def envelope(
    data: bytes, *, response_time: int, credits_used: int, credits_remaining: int
) -> bytes:
    """A success as bytes, around ``data`` that is JSON already."""
    tail = (
        f',"response_time":{response_time},"credits_used":{credits_used},'
        f'"credits_remaining":{credits_remaining}}}'
    )
    return b'{"data":' + data + tail.encode()


def to_json(value: Any) -> bytes:
    """Compact UTF-8 JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )
