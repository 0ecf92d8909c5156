"""What goes wrong on purpose: a registry of faults and the rules that say when.

A scenario is a list of rules, from code or from a TOML or JSON file (``docs/simulator.md``). The
first rule that matches a call wins. Every fault is visible on the wire; nothing is mocked.
"""

from __future__ import annotations

import copy
import gzip
import json
import random
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tagtide.errors import ConfigError
from tagtide.simulator.protocol import (
    Answered,
    ApiCall,
    Data,
    Endpoint,
    error_body,
    insufficient_credits,
    to_json,
    too_many_in_flight,
)
from tagtide.simulator.wire import Delivery, Reply

_MIB = 1 << 20
#: Counter keys of both payload legs, for hashtags and for videos.
_COUNTERS = frozenset(
    {
        "viewCount", "videoCount", "view_count", "user_count", "use_count", "play_count",
        "digg_count", "comment_count", "share_count", "collect_count", "playCount", "diggCount",
        "commentCount", "shareCount", "collectCount", "follower_count", "followerCount",
    }
)  # fmt: skip
_STATS_KEYS = frozenset({"stats", "statsV2", "statistics", "authorStats"})
_LIST_KEYS = ("aweme_list", "itemList", "search_item_list")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """One fault and the calls it strikes; every condition that is given must hold.

    ``nth``, ``every`` and whole-number ``from``/``until`` count the calls that match the endpoint
    and the hashtag, from 1; instants compare with the world's time, the end excluded.
    """

    fault: str
    endpoint: str | None = None
    #: Name or id.
    hashtag: str | None = None
    nth: tuple[int, ...] = ()
    every: int | None = None
    since: int | datetime | None = None
    until: int | datetime | None = None
    probability: float = 1.0
    #: At most so many strikes.
    times: int | None = None
    #: Whether the call is billed; None takes the fault's default.
    billed: bool | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def charged(self) -> bool:
        """Whether the call costs a credit."""
        return FAULTS[self.fault].charged if self.billed is None else self.billed

    def apply(self, occasion: Occasion) -> Reply:
        """The broken reply."""
        return FAULTS[self.fault].apply(occasion)

    def option(self, name: str, default: Any) -> Any:
        """A knob of the fault."""
        return self.options.get(name, default)


@dataclass(frozen=True, slots=True)
class Occasion:
    """A call that is about to go wrong, and what it would have been."""

    rule: FaultRule
    call: ApiCall
    #: (call, how long ago) to what the world says.
    answer: Callable[[ApiCall, timedelta], Answered]
    #: Answer to reply, with envelope.
    wrap: Callable[[Answered], Reply]
    credits_remaining: int

    def honest(self, ago: timedelta = timedelta(0)) -> Answered:
        """What should have been said."""
        return self.answer(self.call, ago)

    def reply(self) -> Reply:
        """The reply that should have been given."""
        return self.wrap(self.honest())


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong."""

    doc: str
    #: Whether the provider would bill it (the upstream fetch was complete).
    charged: bool
    apply: Callable[[Occasion], Reply]


FAULTS: dict[str, Fault] = {}


# --- statuses -------------------------------------------------------------------------------------


def _status(
    status: int,
    code: str,
    doc: str,
    *,
    headers: Callable[[FaultRule], dict[str, str]] | None = None,
) -> None:
    def apply(occasion: Occasion) -> Reply:
        message = occasion.rule.option("message", doc)
        body = to_json(error_body(code, message))
        extra = headers(occasion.rule) if headers else {}
        return Reply(status, body, tuple(extra.items()))

    FAULTS[f"status_{status}"] = Fault(f"{status}: {doc}", charged=False, apply=apply)


_status(400, "bad_request", "the request is refused as malformed")
_status(401, "unauthorized", "the key is not accepted")
_status(403, "forbidden", "the key lacks permission")
_status(410, "gone", "the endpoint was retired")
_status(422, "unprocessable", "the request is refused by validation")
_status(500, "internal_error", "an error inside the provider")
_status(503, "unavailable", "the upstream is not available")
_status(504, "gateway_timeout", "the upstream did not answer in time")


def _fault(
    name: str, doc: str, *, charged: bool
) -> Callable[[Callable[[Occasion], Reply]], Callable[[Occasion], Reply]]:
    def register(apply: Callable[[Occasion], Reply]) -> Callable[[Occasion], Reply]:
        FAULTS[name] = Fault(doc, charged, apply)
        return apply

    return register


@_fault("status_402", "402: out of credits, with credit_balance and billing_url", charged=False)
def _status_402(_: Occasion) -> Reply:
    return Reply(402, to_json(insufficient_credits(0).body))


@_fault("status_404", "404 with the balance in the body; some are billed", charged=False)
def _status_404(occasion: Occasion) -> Reply:
    body = {
        "error": "Nothing found for that id.",
        "credits_used": int(occasion.rule.charged),
        "credits_remaining": occasion.credits_remaining,
    }
    return Reply(404, to_json(body))


def _rate_limited(headers: tuple[tuple[str, str], ...]) -> Reply:
    return Reply(429, to_json(too_many_in_flight("project", 5, 6).body), headers)


@_fault("status_429", "429 with Retry-After (option seconds, default 1)", charged=False)
def _status_429(occasion: Occasion) -> Reply:
    return _rate_limited((("Retry-After", str(occasion.rule.option("seconds", 1))),))


@_fault("status_429_reset", "429 with X-RateLimit-Reset only (option at, unix s)", charged=False)
def _status_429_reset(occasion: Occasion) -> Reply:
    at = occasion.rule.option("at", 0)
    return _rate_limited((("X-RateLimit-Limit", "5"), ("X-RateLimit-Reset", str(at))))


@_fault("status_429_bare", "429 with neither header", charged=False)
def _status_429_bare(_: Occasion) -> Reply:
    return Reply(429, to_json(error_body("rate_limit_exceeded", "Rate limit exceeded.")))


@_fault("status_502_html", "502 with an HTML page of a proxy", charged=False)
def _status_502(_: Occasion) -> Reply:
    return Reply(502, _HTML, content_type="text/html")


@_fault("redirect", "302 to another address (option location)", charged=False)
def _redirect(occasion: Occasion) -> Reply:
    location = occasion.rule.option("location", "http://elsewhere.example.invalid/")
    return Reply(302, b"", (("Location", str(location)),))


# --- the connection -------------------------------------------------------------------------------


@_fault("refuse", "the connection is closed before a byte is answered", charged=False)
def _refuse(_: Occasion) -> Reply:
    return Reply(0, b"", delivery=Delivery.CLOSE)


@_fault("reset", "the request is read, then the connection is reset (RST)", charged=True)
def _reset(_: Occasion) -> Reply:
    return Reply(0, b"", delivery=Delivery.RESET)


@_fault("reset_mid_body", "the connection is reset after half of the body", charged=True)
def _reset_mid_body(occasion: Occasion) -> Reply:
    return replace(occasion.reply(), delivery=Delivery.RESET_MID_BODY)


@_fault("timeout", "no answer until the peer closes", charged=True)
def _timeout(_: Occasion) -> Reply:
    return Reply(0, b"", delivery=Delivery.NEVER)


@_fault("drip", "the body comes drop by drop (option bytes_per_second, default 100)", charged=True)
def _drip(occasion: Occasion) -> Reply:
    rate = int(occasion.rule.option("bytes_per_second", 100))
    return replace(occasion.reply(), delivery=Delivery.DRIP, bytes_per_second=rate)


# --- bodies that are not what they should be ------------------------------------------------------

_HTML = b"<!doctype html><html><head><title>502</title></head><body>Bad gateway</body></html>"


@_fault("truncated_json", "200, whole by its length, but the JSON stops half-way", charged=True)
def _truncated(occasion: Occasion) -> Reply:
    reply = occasion.reply()
    return replace(reply, body=reply.body[: len(reply.body) // 2])


@_fault("html_200", "200 with an HTML page", charged=True)
def _html_200(_: Occasion) -> Reply:
    return Reply(200, _HTML, content_type="text/html")


@_fault("empty_200", "200 with no body", charged=True)
def _empty_200(_: Occasion) -> Reply:
    return Reply(200, b"")


@_fault("json_list_200", "200 with a JSON list instead of an object", charged=True)
def _json_list(_: Occasion) -> Reply:
    return Reply(200, b"[]")


@_fault("wrong_content_type", "the right body labelled text/plain", charged=True)
def _wrong_type(occasion: Occasion) -> Reply:
    return replace(occasion.reply(), content_type="text/plain")


@_fault("invalid_utf8", "bytes in the body that are not UTF-8", charged=True)
def _invalid_utf8(occasion: Occasion) -> Reply:
    body = occasion.reply().body
    return Reply(200, body[:-1] + b',"note":"\xff\xfe\xc3("}')


@_fault("bom", "a byte order mark before the JSON", charged=True)
def _bom(occasion: Occasion) -> Reply:
    reply = occasion.reply()
    return replace(reply, body=b"\xef\xbb\xbf" + reply.body)


@_fault("huge_body", "a body of many MiB (option mib, default 32)", charged=True)
def _huge_body(occasion: Occasion) -> Reply:
    size = int(occasion.rule.option("mib", 32)) * _MIB
    return occasion.wrap(Data(b'{"filler":"' + b"x" * size + b'"}'))


@_fault("gzip_bomb", "a small gzip body that unpacks to many MiB (option mib, 128)", charged=True)
def _gzip_bomb(occasion: Occasion) -> Reply:
    size = int(occasion.rule.option("mib", 128)) * _MIB
    packed = gzip.compress(b'{"data":"' + bytes(size) + b'"}', mtime=0)
    return Reply(200, packed, (("Content-Encoding", "gzip"),))


@_fault("deep_json", "arrays nested many levels deep (option depth, default 100000)", charged=True)
def _deep_json(occasion: Occasion) -> Reply:
    depth = int(occasion.rule.option("depth", 100_000))
    return occasion.wrap(Data(b'{"nested":' + b"[" * depth + b"]" * depth + b"}"))


@_fault("long_integer", "counters of many digits (option digits, default 5000)", charged=True)
def _long_integer(occasion: Occasion) -> Reply:
    digits = "9" * int(occasion.rule.option("digits", 5_000))
    return _with_literal(occasion, digits)


@_fault("nan", "counters that are NaN, which is not JSON", charged=True)
def _nan(occasion: Occasion) -> Reply:
    return _with_literal(occasion, "NaN")


def _with_literal(occasion: Occasion, literal: str) -> Reply:
    # json.dumps cannot be told to write these, so a mark is replaced in the text.
    marked = _changed(occasion, lambda data: _map_counters(data, lambda _: "\u0000literal"))
    return replace(marked, body=marked.body.replace(b'"\\u0000literal"', literal.encode()))


@_fault("many_items", "an array of a million items (option items)", charged=True)
def _many_items(occasion: Occasion) -> Reply:
    count = int(occasion.rule.option("items", 1_000_000))
    rows = b"{}" + b",{}" * (count - 1)
    return occasion.wrap(Data(b'{"aweme_list":[' + rows + b'],"cursor":20,"has_more":1}'))


# --- data that lie --------------------------------------------------------------------------------

_Change = Callable[[Any], Any]


def _changed(occasion: Occasion, change: _Change) -> Reply:
    answered = occasion.honest()
    if not isinstance(answered, Data):
        return occasion.wrap(answered)
    return occasion.wrap(Data(to_json(change(json.loads(answered.json)))))


def _data_fault(name: str, doc: str, change: _Change) -> None:
    FAULTS[name] = Fault(doc, charged=True, apply=lambda occasion: _changed(occasion, change))


def _map_counters(value: Any, change: Callable[[int], Any]) -> Any:
    if isinstance(value, dict):
        return {
            key: _new_counter(item, change) if key in _COUNTERS else _map_counters(item, change)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_map_counters(item, change) for item in value]
    return value


def _new_counter(value: Any, change: Callable[[int], Any]) -> Any:
    # statsV2 states numbers as text; the lie keeps the form.
    try:
        changed = change(int(value))
    except (TypeError, ValueError):
        return value
    return str(changed) if isinstance(value, str) and isinstance(changed, int) else changed


def _map_stats(value: Any, change: Callable[[dict[str, Any], str], None]) -> Any:
    """Copy a payload and change every statistics object in its parent."""
    fresh = copy.deepcopy(value)
    for parent in _objects(fresh):
        for key in [key for key in parent if key in _STATS_KEYS or key == "ch_info"]:
            change(parent, key)
    return fresh


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in list(value.values()):
            yield from _objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from _objects(item)


def _int32(value: int) -> int:
    # A real wrapped counter: 2.45 G read as -1,844,967,296.
    big = max(value, 2_450_000_000)
    return (big + 2**31) % 2**32 - 2**31


def _rename(parent: dict[str, Any], key: str) -> None:
    parent[f"{key}_v9"] = parent.pop(key)


def _renamed(data: Any) -> Any:
    fresh = _map_stats(data, _rename)
    for key in _LIST_KEYS:
        if key in fresh:
            _rename(fresh, key)
    return fresh


def _rounded_only(data: Any) -> Any:
    return _map_stats(data, lambda parent, key: parent.pop(key) if key == "statsV2" else None)


def _zero_video_count(data: Any) -> Any:
    fresh = copy.deepcopy(data)
    for holder in _objects(fresh):
        if "videoCount" in holder:
            holder["videoCount"] = type(holder["videoCount"])(0)
    return fresh


def _null(parent: dict[str, Any], key: str) -> None:
    parent[key] = None


def _other_id(data: Any) -> Any:
    fresh = copy.deepcopy(data)
    for holder in _objects(fresh):
        challenge = holder.get("challenge")
        if isinstance(challenge, dict) and "id" in challenge:
            challenge["id"] = str(challenge["id"])[::-1].replace("0", "1")
        elif "cid" in holder and "cha_name" in holder:
            holder["cid"] = str(holder["cid"])[::-1].replace("0", "1")
    return fresh


def _extra(data: Any) -> Any:
    novelty = {"experimentKey": "ab_17", "futureField": {"nested": [1, 2, 3]}, "emptyList": []}
    return {**data, **novelty, "statusMsg": ""}


def _wrong_types(data: Any) -> Any:
    fresh = _map_counters(data, lambda value: {"value": value})
    for key in _LIST_KEYS:
        if key in fresh:
            fresh[key] = {str(i): item for i, item in enumerate(fresh[key])}
    return fresh


_data_fault("wrong_types", "counters are objects, lists are objects", _wrong_types)
_data_fault("renamed_fields", "statistics and lists under unknown names", _renamed)
_data_fault(
    "missing_stats", "no statistics at all", lambda d: _map_stats(d, lambda p, k: p.pop(k) and None)
)
_data_fault("null_stats", "statistics are null", lambda d: _map_stats(d, _null))
_data_fault("null_counters", "every counter is null", lambda d: _map_counters(d, lambda _: None))
_data_fault(
    "negative_counters", "counters below zero", lambda d: _map_counters(d, lambda v: -max(v, 1))
)
_data_fault("int32_wrap", "counters wrapped at 32 bits", lambda d: _map_counters(d, _int32))
_data_fault("zero_video_count", "videoCount 0 beside large views", _zero_video_count)
_data_fault("rounded_only", "only the rounded stats, no statsV2", _rounded_only)
_data_fault("counter_reset", "counters start again from 0", lambda d: _map_counters(d, lambda _: 0))
_data_fault(
    "counter_drop", "counters fall by 40 %", lambda d: _map_counters(d, lambda v: v * 6 // 10)
)
_data_fault("hashtag_id_change", "another id under the same name", _other_id)
_data_fault("extra_fields", "fields nobody has seen before; everything else is right", _extra)


# --- pages ----------------------------------------------------------------------------------------


def _page_fault(name: str, doc: str, change: Callable[[dict[str, Any], Occasion], None]) -> None:
    def apply(occasion: Occasion) -> Reply:
        def edit(data: Any) -> Any:
            if any(isinstance(data.get(key), list) for key in _LIST_KEYS):
                change(data, occasion)
            return data

        return _changed(occasion, edit)

    FAULTS[name] = Fault(doc, charged=True, apply=apply)


def _list_key(page: Mapping[str, Any]) -> str:
    return next(key for key in _LIST_KEYS if key in page)


def _more_key(page: Mapping[str, Any]) -> str:
    return "hasMore" if "itemList" in page else "has_more"


def _twice(page: dict[str, Any], _: Occasion) -> None:
    key = _list_key(page)
    page[key] = [item for item in page[key] for _ in range(2)]


def _first_page_items(occasion: Occasion) -> list[Any]:
    first = replace(occasion.call, params={**occasion.call.params, "cursor": "0"})
    answered = occasion.answer(first, timedelta(0))
    data = json.loads(answered.json) if isinstance(answered, Data) else {}
    return next((list(data[key]) for key in _LIST_KEYS if key in data), [])


def _seen_before(page: dict[str, Any], occasion: Occasion) -> None:
    if occasion.call.cursor != "0":
        key = _list_key(page)
        page[key] = _first_page_items(occasion)[: max(1, len(page[key]) // 2)] + page[key]


def _stuck(page: dict[str, Any], occasion: Occasion) -> None:
    page["cursor"] = occasion.call.cursor
    page[_more_key(page)] = True


def _forever(page: dict[str, Any], occasion: Occasion) -> None:
    page["cursor"] = int(occasion.call.cursor) + occasion.call.count
    page[_more_key(page)] = True
    if not page[_list_key(page)]:
        page[_list_key(page)] = _first_page_items(occasion)


def _emptied(page: dict[str, Any], _: Occasion) -> None:
    page[_list_key(page)] = []
    page[_more_key(page)] = True


def _reversed(page: dict[str, Any], _: Occasion) -> None:
    page[_list_key(page)].reverse()


_page_fault("duplicates_in_page", "every video twice on one page", _twice)
_page_fault("duplicates_across_pages", "later pages repeat videos of the first", _seen_before)
_page_fault("cursor_stuck", "the cursor never moves and has_more stays true", _stuck)
_page_fault("has_more_forever", "the feed never ends; it starts again from the top", _forever)
_page_fault("empty_page", "no videos, but has_more", _emptied)
_page_fault("out_of_order", "the page in the opposite order", _reversed)


@_fault("page2_fails", "the first page is right, every later one is a 500", charged=True)
def _page2_fails(occasion: Occasion) -> Reply:
    if occasion.call.cursor == "0":
        return occasion.reply()
    return Reply(500, to_json(error_body("internal_error", "an error inside the provider")))


@_fault("stale", "the answer of some hours ago (option hours, default 6)", charged=True)
def _stale(occasion: Occasion) -> Reply:
    ago = timedelta(hours=float(occasion.rule.option("hours", 6)))
    return occasion.wrap(occasion.honest(ago))


@_fault("stale_repeat", "the same data as when the rule first struck, every time", charged=True)
def _stale_repeat(occasion: Occasion) -> Reply:
    kept: dict[str, Answered] = occasion.rule.option("_kept", {})
    key = f"{occasion.call.endpoint} {sorted(occasion.call.params.items())}"
    if key not in kept:
        kept[key] = occasion.honest()
    return occasion.wrap(kept[key])


# --- when -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Counted:
    rule: FaultRule
    chance: random.Random
    matched: int = 0
    struck: int = 0

    def strikes(self, call: ApiCall, hashtag: str | None, at: datetime) -> bool:
        if not _is_meant(self.rule, call, hashtag):
            return False
        self.matched += 1
        # Drawn for every matching call, so that one condition does not shift the next draw.
        lucky = self.chance.random() < self.rule.probability
        struck = lucky and self._is_due(at)
        self.struck += struck
        return struck

    def _is_due(self, at: datetime) -> bool:
        rule, n = self.rule, self.matched
        if rule.times is not None and self.struck >= rule.times:
            return False
        if rule.nth and n not in rule.nth:
            return False
        if rule.every is not None and n % rule.every:
            return False
        return _has_begun(rule.since, n, at) and not _has_ended(rule.until, n, at)


def _is_meant(rule: FaultRule, call: ApiCall, hashtag: str | None) -> bool:
    if rule.endpoint is not None and rule.endpoint != call.endpoint:
        return False
    wanted = rule.hashtag
    return wanted is None or wanted in {hashtag, call.text("hashtag_id"), call.text("keyword")}


def _has_begun(since: int | datetime | None, n: int, at: datetime) -> bool:
    if since is None:
        return True
    return n >= since if isinstance(since, int) else at >= since


def _has_ended(until: int | datetime | None, n: int, at: datetime) -> bool:
    if until is None:
        return False
    return n > until if isinstance(until, int) else at >= until


class FaultPlan:
    """Rules in order; the first that strikes wins. Chance is seeded, so a run can be repeated."""

    def __init__(self, rules: Sequence[FaultRule] = (), *, seed: int = 0) -> None:
        self._counted = [
            _Counted(_with_memory(rule), random.Random(f"fault:{seed}:{i}"))
            for i, rule in enumerate(rules)
        ]

    def match(self, call: ApiCall, hashtag: str | None, at: datetime) -> FaultRule | None:
        """The rule that strikes this call, counting it; None when it goes well."""
        for counted in self._counted:
            if counted.strikes(call, hashtag, at):
                return counted.rule
        return None


def _with_memory(rule: FaultRule) -> FaultRule:
    if rule.fault not in FAULTS:
        raise ConfigError(f"There is no fault '{rule.fault}'.", hint=_fault_names())
    return replace(rule, options={**rule.options, "_kept": {}})


def _fault_names() -> str:
    return "Known faults: " + ", ".join(sorted(FAULTS))


# --- files ----------------------------------------------------------------------------------------

_CONDITIONS = frozenset(
    {
        "fault", "endpoint", "hashtag", "nth", "every", "from", "until", "probability", "times",
        "charged",
    }
)  # fmt: skip


def load_scenario(path: Path) -> FaultPlan:
    """Read a scenario file, TOML or JSON. Raises `ConfigError` for what cannot be used."""
    try:
        text = path.read_text(encoding="utf-8")
        given = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"The scenario {path} cannot be read: {error}.") from error
    return scenario(given)


def scenario(given: Any) -> FaultPlan:
    """Make a plan of ``{"seed": n, "rules": [...]}``. Raises `ConfigError`."""
    rules = given.get("rules") if isinstance(given, dict) else None
    if not isinstance(rules, list):
        raise ConfigError("A scenario needs a list 'rules'.")
    seed = given.get("seed", 0)
    return FaultPlan([_rule(i, row) for i, row in enumerate(rules, start=1)], seed=seed)


def _rule(number: int, row: Any) -> FaultRule:
    try:
        return _parsed_rule(row)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"Rule {number} of the scenario cannot be used: {error}.") from error


def _parsed_rule(row: Mapping[str, Any]) -> FaultRule:
    nth = row.get("nth", ())
    return FaultRule(
        fault=_fault_name(row["fault"]),
        endpoint=None if row.get("endpoint") is None else Endpoint(row["endpoint"]).value,
        hashtag=row.get("hashtag"),
        nth=(nth,) if isinstance(nth, int) else tuple(nth),
        every=row.get("every"),
        since=_bound(row.get("from")),
        until=_bound(row.get("until")),
        probability=float(row.get("probability", 1.0)),
        times=row.get("times"),
        billed=row.get("charged"),
        options={key: value for key, value in row.items() if key not in _CONDITIONS},
    )


def _fault_name(given: Any) -> str:
    name = f"status_{given}" if str(given).isdigit() else str(given)
    name = "status_502_html" if name == "status_502" else name
    if name not in FAULTS:
        raise ValueError(f"there is no fault '{given}'. {_fault_names()}")
    return name


def _bound(value: Any) -> int | datetime | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if value is None or isinstance(value, int):
        return value
    raise ValueError(f"'{value}' is neither a call number nor an instant")
