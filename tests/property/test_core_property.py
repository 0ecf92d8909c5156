"""Invariants of the pure part: no alert from ignorance, and every slot of every zone."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tagtide.core.alerts import AlertAction, decide_alert
from tagtide.core.names import parse_hashtag
from tagtide.core.rounding import delta_bounds, display_unit, step_bounds
from tagtide.core.rules import RuleState, Verdict, judge_growth, judge_new_videos
from tagtide.core.schedule import Schedule
from tagtide.core.velocity import changes_between, gains_between, measure_change
from tagtide.errors import InvalidInput
from tagtide.models import (
    Alert,
    AlertState,
    CounterSource,
    HashtagLevel,
    HashtagReading,
    Rule,
    RuleSettings,
    Status,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
FIRST = datetime(2006, 1, 1, tzinfo=UTC)
RULES = RuleSettings()
THRESHOLD = 200
WINDOW = 6.0

spans = st.floats(0.1, 24 * 60, allow_nan=False)
counts = st.integers(0, 10**12)


def reading(
    hours: float,
    videos: int | None,
    views: int | None = None,
    unit: int = 1,
    source: CounterSource = CounterSource.STATS_V2,
) -> HashtagReading:
    return HashtagReading(
        hashtag="glow",
        hashtag_id="1",
        read_at=START + timedelta(hours=hours),
        view_count=views,
        view_source=source,
        view_unit=unit,
        video_count=videos,
        video_source=source,
        video_unit=unit,
    )


def verdicts(now: HashtagReading, then: HashtagReading, *earlier: HashtagReading) -> list[Verdict]:
    """Rules A and B; B for counters only."""
    change = measure_change(now, then, earlier)
    return [
        judge_new_videos(change, THRESHOLD, WINDOW),
        judge_growth(change, now, then, None, None, RULES),
    ]


def fires(*readings: HashtagReading) -> bool:
    then, now = readings[-2:]
    return any(v.state is RuleState.FIRES for v in verdicts(now, then, *readings[:-2]))


def decides_nothing(*readings: HashtagReading) -> bool:
    then, now = readings[-2:]
    return all(v.state is RuleState.UNJUDGED for v in verdicts(now, then, *readings[:-2]))


# --- no alert from ignorance ----------------------------------------------------------------------


@given(counts, counts, spans)
def test_an_unknown_counter_neither_raises_nor_clears(value: int, later: int, hours: float) -> None:
    known, unknown = reading(0, value, value), reading(hours, None)
    assert decides_nothing(known, unknown)
    assert decides_nothing(reading(0, None), reading(hours, value, value))
    # After the hole the change is measured from before it, over the whole time.
    back = reading(2 * hours, later, later)
    assert fires(known, unknown, back) == fires(known, back)


@given(st.integers(20, 10**12), st.integers(1, 10**12), spans)
def test_a_fall_and_the_way_back_are_no_news(level: int, fall: int, hours: float) -> None:
    low = max(0, level - fall)
    before, fallen = reading(0, level, level), reading(hours, low, low)
    back = reading(2 * hours, level, level)
    assert decides_nothing(before, fallen)
    assert not fires(before, fallen, back)
    assert not fires(
        before,
        fallen,
        replace(fallen, read_at=back.read_at),
        replace(back, read_at=back.read_at + timedelta(hours=hours)),
    )


@given(st.integers(1, 10**9), st.floats(0, 33), st.integers(0, 10**9), spans)
def test_one_low_read_makes_no_news_out_of_a_constant_rate(
    level: int, rate: float, low: int, hours: float
) -> None:
    """Constant growth below the threshold, one answer of 0 or of anything below the level."""
    values = (level, min(low, level - 1), level + int(2 * rate * hours))
    first, fallen, now = (reading(hours * i, value) for i, value in enumerate(values))
    change = measure_change(now, fallen, [first])
    assert judge_new_videos(change, THRESHOLD, WINDOW).state is not RuleState.FIRES
    assert decides_nothing(reading(-1, 0, 0), now)


@given(st.integers(0, 10**9), st.floats(0, 30), st.floats(4, 30), st.integers(2, 3))
def test_a_stale_answer_makes_no_news_out_of_a_constant_rate(
    level: int, rate: float, hours: float, stale_at: int
) -> None:
    """Constant growth below the threshold; one answer, once the rate is known, from a cache."""
    assume(rate * hours < THRESHOLD * max(1, hours / WINDOW))
    assume(level > 2 * THRESHOLD)
    values = [level + round(rate * hours * i) for i in range(5)]
    values[stale_at] = values[stale_at - 1]
    series = [reading(hours * i, value) for i, value in enumerate(values)]
    for end in range(2, 6):
        change = measure_change(series[end - 1], series[end - 2], series[: end - 2])
        assert judge_new_videos(change, THRESHOLD, WINDOW).state is not RuleState.FIRES


@given(st.integers(10_000, 10**12), spans)
def test_one_step_of_a_rounded_counter_is_no_news(value: int, hours: float) -> None:
    shown = value - value % 100_000_000 if value >= 10**9 else value - value % 100_000
    assume(shown >= 1_000_000)
    unit = display_unit(shown)
    readings = [
        reading(at, shown + step, shown + step, unit, CounterSource.STATS)
        for at, step in ((0, 0), (hours, unit))
    ]
    assert not fires(*readings)
    assert not fires(
        *[replace(r, read_at=START + (readings[1].read_at - r.read_at)) for r in reversed(readings)]
    )


numbers = st.one_of(st.none(), st.integers(0, 3), st.integers(0, 10**12), st.just(2**62))
levels = st.builds(
    HashtagLevel,
    hashtag_id=st.sampled_from([None, "1", "2"]),
    read_at=st.just(START),
    view_count=numbers,
    view_source=st.sampled_from([None, CounterSource.STATS, CounterSource.STATS_V2]),
    view_unit=st.sampled_from([1, 100, 100_000]),
    video_count=numbers,
    video_source=st.sampled_from([None, CounterSource.STATS, CounterSource.STATS_V2]),
    video_unit=st.sampled_from([1, 100, 100_000]),
)


@given(levels, levels, st.floats(-0.2, 0.2))
def test_the_short_ways_of_pages_say_what_the_whole_history_says(
    then: HashtagLevel, now: HashtagLevel, part: float
) -> None:
    """A page compares two readings of each of a thousand hashtags."""
    if then.view_count is not None and abs(part) > 0.1:
        now = now._replace(view_count=max(0, int(then.view_count * (1 + part / 2))))
    now = now._replace(read_at=START + timedelta(hours=7))
    earlier, current = (HashtagReading(hashtag="glow", **one._asdict()) for one in (then, now))
    # With earlier readings it follows each counter from the first on.
    whole = measure_change(current, earlier, [earlier])
    assert changes_between(then, now) == (whole.views, whole.videos)
    assert gains_between(then, now) == (whole.new_views, whole.new_videos)
    assert measure_change(current, earlier) == whole


@given(
    st.integers(0, 10**9),
    st.floats(0, (THRESHOLD - 1) / WINDOW),
    st.lists(spans, min_size=1, max_size=6),
)
def test_a_constant_rate_below_the_threshold_never_fires_whatever_the_gaps(
    level: int, per_hour: float, gaps: list[float]
) -> None:
    hours, series = 0.0, [reading(0, level)]
    for gap in gaps:
        hours += gap
        series.append(reading(hours, level + int(per_hour * hours)))
    for then, now in pairwise(series):
        change = measure_change(now, then)
        assert judge_new_videos(change, THRESHOLD, WINDOW).state is not RuleState.FIRES


def test_a_baseline_of_twelve_hours_raises_nothing_at_150_per_six_hours() -> None:
    """A schedule that jitters by seconds reads 12 h old baselines; the growth is constant."""
    change = measure_change(reading(12, 5_300), reading(0, 5_000))
    verdict = judge_new_videos(change, THRESHOLD, WINDOW)
    assert change.new_videos == 300
    assert (verdict.state, verdict.threshold) == (RuleState.HOLDS, 400)


@given(
    st.sampled_from([s for s in Status if s is not Status.OK]),
    st.sampled_from(list(RuleState)),
    st.one_of(st.none(), st.floats(0, 10**9)),
    st.booleans(),
    st.booleans(),
)
def test_a_run_that_is_not_ok_changes_no_alert(
    status: Status, state: RuleState, value: float | None, is_open: bool, expired: bool
) -> None:
    decision = decide(
        Verdict(rule=Rule.NEW_VIDEOS, state=state, value=value, threshold=200, reason="r"),
        ALERT if is_open else None,
        status,
        expired,
    )
    assert decision.alert is None
    assert decision.action is (AlertAction.KEEP if is_open else AlertAction.NONE)


ALERT = Alert(
    alert_id="a",
    fingerprint="f",
    campaign_id=1,
    rule=Rule.NEW_VIDEOS,
    hashtag="glow",
    video_id=None,
    state=AlertState.FIRING,
    opened_at=START,
    updated_at=START,
    resolved_at=None,
    value=250,
    threshold=200,
    peak=250,
    reason="r",
    url="u",
)


def decide(
    verdict: Verdict, alert: Alert | None, status: Status = Status.OK, expired: bool = False
):
    return decide_alert(
        verdict,
        alert,
        now=START,
        alert_id="a",
        campaign_id=1,
        hashtag="glow",
        video_id=None,
        url="u",
        run_status=status,
        expired=expired,
    )


@given(st.lists(st.tuples(st.sampled_from(list(RuleState)), st.integers(1, 10**6)), max_size=30))
def test_episodes_alternate_and_messages_only_grow(
    steps: list[tuple[RuleState, int]],
) -> None:
    """Raised only when none is open, resolved only when clear, told again only when doubled."""
    alert: Alert | None = None
    told = 0
    for state, value in steps:
        is_open = alert is not None and alert.state is AlertState.FIRING
        verdict = Verdict(rule=Rule.NEW_VIDEOS, state=state, value=value, threshold=200, reason="r")
        decision = decide(verdict, alert)
        if decision.action is AlertAction.RAISE:
            assert not is_open
            told = value
        elif decision.action is AlertAction.RESOLVE:
            assert is_open
            assert state is RuleState.CLEAR
        elif decision.action is AlertAction.UPDATE:
            assert value >= 2 * told
            told = value
        alert = decision.alert or alert
        if decision.alert is not None:
            assert decision.alert.peak >= decision.alert.value


# --- names and rounding ---------------------------------------------------------------------------


def parsed_or_none(text: str) -> str | None:
    try:
        return parse_hashtag(text)
    except InvalidInput as refused:
        said = str(refused)
    assert not {unicodedata.category(char) for char in said} & {"Cc", "Cf", "Cs"}
    return None


@given(st.text(st.characters(categories=["L", "N", "M", "So", "Cf", "Pc", "Zs"]), max_size=40))
def test_a_stored_name_is_its_own_stored_name(text: str) -> None:
    name = parsed_or_none(text)
    assume(name is not None)
    assert parse_hashtag(name) == name
    assert parse_hashtag(f"https://www.tiktok.com/tag/{name}") == name
    assert name.isprintable() or "\u200c" in name or "\u200d" in name or name > "\U0001f000"


@given(counts, counts)
def test_the_true_change_lies_within_the_bounds(before: int, gain: int) -> None:
    """Whether the display cuts or rounds."""
    after = before + gain
    for shown in (_cut, _nearest):
        then, now = shown(before), shown(after)
        low, high = delta_bounds(now - then, _unit(before), _unit(after))
        assert low - 1 <= gain <= high + 1
        bounds = step_bounds(now, _unit(after))
        assert bounds[0] <= after <= bounds[1]


def _unit(value: int) -> int:
    for limit, unit in ((10_000, 1), (10**6, 100), (10**9, 10**5)):
        if value < limit:
            return unit
    return 10**8


def _cut(value: int) -> int:
    return value - value % _unit(value)


def _nearest(value: int) -> int:
    return (value + _unit(value) // 2) // _unit(value) * _unit(value)


# --- schedules against a walk of every minute -----------------------------------------------------

ZONES = """
    Africa/Cairo Africa/Casablanca Africa/Johannesburg America/Adak America/Anchorage
    America/Asuncion America/Caracas America/Chicago America/Havana America/Los_Angeles
    America/New_York America/Nuuk America/Phoenix America/Santiago America/Sao_Paulo
    America/St_Johns Antarctica/Casey Antarctica/Troll Asia/Amman Asia/Beirut Asia/Gaza
    Asia/Kathmandu Asia/Kolkata Asia/Pyongyang Asia/Tehran Asia/Tokyo Atlantic/Azores
    Australia/Adelaide Australia/Eucla Australia/Lord_Howe Europe/Dublin Europe/Istanbul
    Europe/London Europe/Moscow Europe/Paris Europe/Volgograd Pacific/Apia Pacific/Auckland
    Pacific/Chatham Pacific/Easter UTC
"""
ALL_ZONES = ZONES.split()
EXPRESSIONS = [
    *("0 8 * * *", "30 2 * * *", "15 0 * * *", "0 0 * * *", "45 1,2,3 * * *", "0 */6 * * *"),
    *("*/15 * * * *", "20 * * * *", "*/30 1-3 * * *", "5,35 */2 * * *", "0 9 * * 1"),
    *("59 23 * * 0", "0 2 * * 0,6", "30 0 1,15 * *", "*/20 0,23 * * *"),
]


@cache
def changes(zone: str) -> list[datetime]:
    """Instants, to the hour, before which the offset of a zone changes; 2005 to 2030."""
    found, place = [], ZoneInfo(zone)
    day = datetime(2005, 1, 1, tzinfo=UTC)
    while day.year < 2031:
        following = day + timedelta(days=1)
        if day.astimezone(place).utcoffset() != following.astimezone(place).utcoffset():
            found.append(day)
        day = following
    return found or [datetime(2020, 2, 28, tzinfo=UTC)]


def oracle(expression: str, zone: str, start: datetime, minutes: int) -> list[datetime]:
    """Slots in (start, start + minutes] by walking every minute and every skipped minute."""
    minute, hour, *_ = fields = expression.split()
    is_fixed = not minute.startswith("*") and not hour.startswith("*")
    sets = [_values(f, limits) for f, limits in zip(fields, _LIMITS, strict=True)]
    is_both = fields[2].startswith("*") or fields[4].startswith("*")

    def matches(wall: datetime) -> bool:
        day, weekday = wall.day in sets[2], wall.isoweekday() % 7 in sets[4]
        return (
            wall.minute in sets[0]
            and wall.hour in sets[1]
            and wall.month in sets[3]
            and (day and weekday if is_both else day or weekday)
        )

    place, slots = ZoneInfo(zone), []
    shown = start - timedelta(days=1)
    seen_until = max(
        (shown + timedelta(minutes=m)).astimezone(place).replace(tzinfo=None)
        for m in range(0, 24 * 60 + 1, 10)
    )
    seen_until = max(seen_until, start.astimezone(place).replace(tzinfo=None))
    for step in range(1, minutes + 1):
        instant = start + timedelta(minutes=step)
        wall = instant.astimezone(place).replace(tzinfo=None)
        if not is_fixed:
            due = matches(wall)
        else:
            due = False
            while seen_until < wall:
                seen_until += timedelta(minutes=1)
                due = matches(seen_until) or due
        if due:
            slots.append(instant)
    return slots


_LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


def _values(field: str, limits: tuple[int, int]) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        body, _, step = part.partition("/")
        low, _, high = body.partition("-")
        first = limits[0] if body == "*" else int(low)
        last = limits[1] if body == "*" else int(high or low)
        found.update(range(first, last + 1, int(step or 1)))
    return found


def test_slots_agree_with_a_walk_of_every_minute_in_every_zone() -> None:
    chance = random.Random(20260301)
    for case in range(2_000):
        zone = ALL_ZONES[case % len(ALL_ZONES)]
        expression = chance.choice(EXPRESSIONS)
        near = chance.choice(changes(zone))
        start = near + timedelta(minutes=chance.randrange(-6 * 60, 26 * 60))
        schedule = Schedule.parse(expression, zone)
        end = start + timedelta(hours=8)
        assert schedule.slots_between(start, end) == oracle(expression, zone, start, 8 * 60), (
            expression,
            zone,
            start,
        )


@settings(max_examples=60)
@given(
    st.sampled_from(EXPRESSIONS),
    st.sampled_from(ALL_ZONES),
    st.integers(0, 22 * 366 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes)),
)
def test_next_and_previous_are_each_others_inverse(
    expression: str, zone: str, instant: datetime
) -> None:
    schedule = Schedule.parse(expression, zone)
    following = schedule.next_after(instant)
    assert following > instant
    assert schedule.previous_at_or_before(following) == following
    newest = schedule.previous_at_or_before(instant)
    assert newest is not None
    assert newest <= instant
    assert schedule.next_after(newest) == following
