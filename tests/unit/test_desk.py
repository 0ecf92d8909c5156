"""The states of the desk, its history, and what is cleared."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tagtide.core.desk import (
    Clearance,
    Decision,
    DeskItem,
    DeskReason,
    DeskState,
    Evidence,
    Fee,
    Right,
    RightsChannel,
    Step,
    StepKind,
    assign,
    cleared,
    label,
    move,
    move_reason,
    note,
    replay,
    state_at,
    undo,
)
from tagtide.core.desk.parse import (
    masked,
    parse_channels,
    parse_end,
    parse_evidence,
    parse_fee,
    parse_label,
    parse_link,
    parse_name,
    parse_past,
    parse_span,
    parse_spark_code,
    parse_state,
    parse_territory,
)
from tagtide.core.desk.reminders import Cause, Due, reminder_payload, reminders
from tagtide.core.desk.request import RequestTerms, duration_words, parse_request, request_text
from tagtide.core.desk.words import refusal, step_words
from tagtide.errors import InvalidInput

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ORGANIC, SPARK, ADS = RightsChannel.ORGANIC, RightsChannel.SPARK, RightsChannel.ADS


def right(**changes: object) -> Right:
    values: dict[str, object] = {
        "channels": (ORGANIC,),
        "granted_at": NOON - DAY,
        "expires_at": NOON + 30 * DAY,
    }
    return Right(**values | changes)  # type: ignore[arg-type]


class Desk:
    """An item with its history, as a store keeps it."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.rights: list[Right] = []
        self.item = DeskItem()
        self.now = NOON

    def take(self, decision: Decision) -> DeskReason:
        if decision.step is not None:
            self.steps.append(decision.step)
            if decision.right is not None:
                self.rights.append(decision.right)
            self.item = decision.item
            assert replay(self.steps, self.rights) == self.item
        else:
            assert decision.item == self.item
        return decision.reason

    def move(self, to: DeskState, **options: object) -> DeskReason:
        return self.take(move(self.item, to, now=self.now, by="ann", **options))  # type: ignore[arg-type]

    def undo(self) -> DeskReason:
        return self.take(undo(self.item, self.steps, now=self.now, by="bob"))

    @property
    def state(self) -> DeskState:
        return state_at(self.item, self.now)


# --- the table ------------------------------------------------------------------------------------

N, S, A, G, D, E, R = DeskState
M, SAME, NOT, STAND, TIME = (
    DeskReason.MOVED,
    DeskReason.SAME_STATE,
    DeskReason.NOT_FROM_HERE,
    DeskReason.RIGHTS_STAND,
    DeskReason.ONLY_TIME_EXPIRES,
)
TABLE = {
    #   new   shortl. asked                  granted                 declined expired revoked
    N: (SAME, M, M, M, M, TIME, NOT),
    S: (M, SAME, M, M, M, TIME, NOT),
    A: (NOT, M, DeskReason.ASKED_AGAIN, M, M, TIME, NOT),
    G: (STAND, STAND, STAND, DeskReason.RIGHT_ADDED, STAND, TIME, M),
    D: (NOT, M, M, M, SAME, TIME, NOT),
    E: (NOT, M, M, M, M, TIME, NOT),
    R: (NOT, M, M, M, M, TIME, SAME),
}


@pytest.mark.parametrize("source", DeskState)
def test_every_pair_of_states_has_its_reason(source: DeskState) -> None:
    assert tuple(move_reason(source, target) for target in DeskState) == TABLE[source]


@pytest.mark.parametrize("reason", [r for row in TABLE.values() for r in row if r is not M])
def test_every_refusal_is_a_sentence(reason: DeskReason) -> None:
    if reason in {DeskReason.ASKED_AGAIN, DeskReason.RIGHT_ADDED}:
        return
    said = refusal(reason, DeskState.ASKED, DeskState.NEW)
    assert said[0].isupper()
    assert said.endswith(".")


# --- steps ----------------------------------------------------------------------------------------


def test_a_grant_needs_a_right_with_a_channel_and_a_future() -> None:
    desk = Desk()
    assert desk.move(G) is DeskReason.NEEDS_RIGHT
    assert desk.move(G, right=right(channels=())) is DeskReason.NEEDS_RIGHT
    assert desk.move(G, right=right(expires_at=NOON)) is DeskReason.NEEDS_RIGHT
    assert desk.move(G, right=right(granted_at=NOON + DAY)) is DeskReason.NEEDS_RIGHT
    assert desk.steps == []
    assert desk.move(G, right=right()) is DeskReason.MOVED
    (given,) = desk.item.rights
    assert (given.number, given.recorded_by, given.recorded_at) == (1, "ann", NOON)


def test_a_right_comes_only_with_a_grant() -> None:
    assert Desk().move(A, right=right()) is DeskReason.RIGHT_WITHOUT_GRANT


def test_what_is_granted_expires_by_itself_and_can_be_asked_for_again() -> None:
    desk = Desk()
    desk.move(G, right=right(expires_at=NOON + DAY))
    desk.now = NOON + DAY - timedelta(microseconds=1)
    assert desk.state is G
    desk.now = NOON + DAY
    assert desk.state is E
    assert desk.move(A) is DeskReason.MOVED
    assert desk.steps[-1].from_state is E
    assert desk.item.asked_at == desk.now


def test_several_rights_end_one_by_one() -> None:
    desk = Desk()
    desk.move(G, right=right())
    assert desk.move(G, right=right(channels=(ADS,), expires_at=None)) is DeskReason.RIGHT_ADDED
    assert desk.move(R, revoked=[3]) is DeskReason.NO_SUCH_RIGHT
    desk.now += DAY
    assert desk.move(R, revoked=[1]) is DeskReason.RIGHT_REVOKED
    assert desk.state is G
    assert cleared(desk.item, ORGANIC, desk.now).reason is Clearance.REVOKED
    assert cleared(desk.item, ADS, desk.now).is_cleared
    assert desk.move(R) is DeskReason.MOVED
    assert desk.state is R
    assert cleared(desk.item, ADS, desk.now).reason is Clearance.REVOKED
    assert cleared(desk.item, ADS, desk.now - timedelta(seconds=1)).is_cleared


def test_asking_again_counts_from_the_new_request() -> None:
    desk = Desk()
    desk.move(A)
    desk.now += 5 * DAY
    assert desk.move(A) is DeskReason.ASKED_AGAIN
    assert (desk.item.asked_in, desk.item.asked_at) == (2, desk.now)
    desk.move(D)
    assert (desk.item.asked_in, desk.item.asked_at) == (None, None)


def test_notes_labels_and_assignees_leave_the_state_alone() -> None:
    desk = Desk()
    desk.move(A)
    assert desk.take(note(desk.item, "she is on holiday", now=NOON, by="ann")) is DeskReason.NOTED
    assert desk.take(note(desk.item, "", now=NOON, by="ann")) is DeskReason.NOTHING_CHANGES
    both = label(desk.item, add=["summer", "reel"], now=NOON, by="ann")
    assert desk.take(both) is DeskReason.LABELLED
    again = label(desk.item, add=["reel"], remove=["nope"], now=NOON, by="ann")
    assert desk.take(again) is DeskReason.NOTHING_CHANGES
    desk.take(label(desk.item, add=["x"], remove=["reel", "x"], now=NOON, by="ann"))
    assert desk.item.labels == ("summer",)
    assert desk.take(assign(desk.item, "bob", now=NOON, by="ann")) is DeskReason.ASSIGNED
    assert desk.take(assign(desk.item, "bob", now=NOON, by="ann")) is DeskReason.NOTHING_CHANGES
    assert (desk.state, desk.item.assignee, desk.item.asked_in) == (A, "bob", 1)


def test_undo_goes_back_step_by_step_and_writes_each_down() -> None:
    desk = Desk()
    before = []
    for to, options in ((S, {}), (A, {}), (G, {"right": right()}), (R, {})):
        before.append(desk.item)
        desk.move(to, **options)
    assert desk.undo() is DeskReason.UNDONE
    assert desk.state is G
    assert cleared(desk.item, ORGANIC, NOON).is_cleared
    desk.undo()
    assert (desk.state, desk.item.asked_in) == (A, 2)
    assert cleared(desk.item, ORGANIC, NOON).reason is Clearance.NO_RIGHT
    assert desk.item.rights[0].is_withdrawn
    desk.undo()
    desk.undo()
    assert desk.state is N
    assert desk.undo() is DeskReason.NOTHING_TO_UNDO
    assert [step.number for step in desk.steps] == [*range(1, 9)]
    assert [step.data["undoes"] for step in desk.steps[4:]] == [4, 3, 2, 1]
    assert "taken back" in step_words(desk.steps[0], is_undone=True)


# --- cleared --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "channel", "at", "territory", "reason"),
    [
        ({}, ORGANIC, NOON, None, Clearance.CLEARED),
        ({"expires_at": None}, ORGANIC, NOON + 9_999 * DAY, None, Clearance.CLEARED),
        ({}, ADS, NOON, None, Clearance.OTHER_CHANNEL),
        ({}, ORGANIC, NOON - 2 * DAY, None, Clearance.NOT_YET),
        ({}, ORGANIC, NOON + 30 * DAY, None, Clearance.EXPIRED),
        ({"revoked_at": NOON}, ORGANIC, NOON, None, Clearance.REVOKED),
        ({"revoked_at": NOON}, ORGANIC, NOON - timedelta(seconds=1), None, Clearance.CLEARED),
        ({}, ORGANIC, NOON, "FR", Clearance.TERRITORY_UNKNOWN),
        ({"territory": ("DE",)}, ORGANIC, NOON, "FR", Clearance.OTHER_TERRITORY),
        ({"territory": ("EU",)}, ORGANIC, NOON, "FR", Clearance.CLEARED),
        ({"territory": ("EU",)}, ORGANIC, NOON, "CH", Clearance.OTHER_TERRITORY),
        ({"territory": ("WORLD",)}, ORGANIC, NOON, "CH", Clearance.CLEARED),
        ({"territory": ("FR",)}, ORGANIC, NOON, "EU", Clearance.OTHER_TERRITORY),
        ({"channels": (SPARK,)}, SPARK, NOON, None, Clearance.NO_SPARK_CODE),
        ({"channels": (SPARK,), "spark_code": "#abcd"}, SPARK, NOON, None, Clearance.NO_SPARK_CODE),
        ({"is_withdrawn": True}, ORGANIC, NOON, None, Clearance.NO_RIGHT),
    ],
)  # fmt: skip
def test_cleared_says_why(
    changes: dict[str, object],
    channel: RightsChannel,
    at: datetime,
    territory: str | None,
    reason: Clearance,
) -> None:
    item = DeskItem(state=G, rights=(right(**changes),))
    assert cleared(item, channel, at, territory).reason is reason


def test_a_spark_code_ends_before_the_right_does() -> None:
    ends = NOON + 10 * DAY
    one = right(channels=(SPARK, ORGANIC), spark_code="#abcdef", spark_expires_at=ends)
    item = DeskItem(state=G, rights=(one,))
    assert cleared(item, SPARK, NOON).until == ends
    assert cleared(item, ORGANIC, NOON).until == one.expires_at
    assert cleared(item, SPARK, ends).reason is Clearance.SPARK_CODE_EXPIRED


def test_the_right_that_lasts_longest_is_named() -> None:
    rights = (right(number=1), right(number=2, expires_at=NOON + 90 * DAY), right(number=3))
    assert cleared(DeskItem(rights=rights), ORGANIC, NOON).right == rights[1]
    forever = (*rights, right(number=4, expires_at=None))
    answer = cleared(DeskItem(rights=forever), ORGANIC, NOON)
    assert (answer.right, answer.until) == (forever[3], None)


def test_no_code_shows_when_a_right_is_printed() -> None:
    one = right(spark_code="#s3cret-code")
    assert "s3cret" not in repr(one)
    assert "s3cret" not in repr(DeskItem(rights=(one,)))
    assert masked("#s3cret-code") == "…ode"
    assert masked(None) is None


# --- what is typed --------------------------------------------------------------------------------


def test_channels_are_a_closed_list() -> None:
    assert parse_channels(["spark,Organic", "organic"]) == (ORGANIC, SPARK)
    assert parse_channels([]) == ()
    with pytest.raises(InvalidInput, match="webiste") as caught:
        parse_channels(["webiste"])
    assert caught.value.hint == "Did you mean website?"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (None, ()),
        ("", ()),
        ("world", ("WORLD",)),
        ("fr, de", ("FR", "DE")),
        ("EU gb", ("EU", "GB")),
        ("FR FR", ("FR",)),
    ],
)
def test_territories(text: str | None, codes: tuple[str, ...]) -> None:
    assert parse_territory(text) == codes


@pytest.mark.parametrize("text", ["France", "F", "F1", "\u202efr"])
def test_no_territory(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_territory(text)


def test_an_end_is_a_span_a_day_to_its_end_or_an_instant() -> None:
    assert parse_end("90d", NOON) == NOON + 90 * DAY
    assert parse_end("1y", NOON) == NOON + 365 * DAY
    paris = parse_end("2026-06-30", NOON, "Europe/Paris")
    assert paris == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert parse_end("2026-06-30T10:00+01:00", NOON) == datetime(2026, 6, 30, 9, tzinfo=UTC)
    for wrong in ("soon", "", "2026-02-28", "0d", "99999y", "2026-13-01", "9999-12-31"):
        with pytest.raises(InvalidInput):
            parse_end(wrong, NOON)


def test_spans_and_the_past() -> None:
    assert parse_span("2w") == 14 * DAY
    assert parse_past("2026-03-01", NOON) == NOON - timedelta(hours=12)
    for wrong in ("2026-03-02", "x"):
        with pytest.raises(InvalidInput):
            parse_past(wrong, NOON)
    with pytest.raises(InvalidInput):
        parse_span("fortnight")


@pytest.mark.parametrize(
    ("text", "fee"),
    [
        ("150 EUR", Fee(amount="150", currency="EUR")),
        ("usd 99.50", Fee(amount="99.50", currency="USD")),
        ("99,50 eur", Fee(amount="99.50", currency="EUR")),
        ("0", Fee(amount="0")),
        ("two\nhoodies", Fee(note="two hoodies")),
    ],
)
def test_fees(text: str, fee: Fee) -> None:
    assert parse_fee(text) == fee


@pytest.mark.parametrize(
    "text", ["", "150", "1,500 EUR", "1.500 EUR", "1.500,00 EUR", "9" * 20 + " EUR"]
)
def test_a_fee_that_could_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_fee(text)


def test_evidence_is_words_or_an_address_or_both() -> None:
    link = "https://www.tiktok.com/@a/video/1"
    assert parse_evidence([]) is None
    assert parse_evidence(["yes, go ahead", link], NOON) == Evidence(
        text="yes, go ahead", url=link, at=NOON
    )
    assert parse_evidence(["see https://x.example for it"]) == Evidence(
        text="see https://x.example for it"
    )
    with pytest.raises(InvalidInput):
        parse_evidence([], NOON)
    with pytest.raises(InvalidInput):
        parse_evidence([link, link])


@pytest.mark.parametrize(
    "link",
    [
        "http://x.example", "javascript://x", "https://a@b.example", "https://", "https://[x",
        'https://x.example/"onload', "https://x.example/\u202e", "https://x.example/" + "a" * 2_000,
    ],
)  # fmt: skip
def test_addresses_that_are_no_evidence(link: str) -> None:
    with pytest.raises(InvalidInput):
        parse_link(link)


def test_a_spark_code_is_one_word_and_is_never_repeated() -> None:
    assert parse_spark_code(" #Ab/c+d== ") == "#Ab/c+d=="
    for wrong in ("#a b c d e", "short", "#abc\u202edef", "x" * 501):
        with pytest.raises(InvalidInput) as caught:
            parse_spark_code(wrong)
        assert wrong not in f"{caught.value} {caught.value.hint}"


def test_labels_and_names() -> None:
    assert parse_label("  Summer   Glow ") == "summer glow"
    assert parse_name(" Ann  Lee ") == "Ann Lee"
    for wrong in ("", "x" * 41, "a\u202eb"):
        with pytest.raises(InvalidInput):
            parse_label(wrong)
    for wrong in ("", "x" * 101, "a\u200bb"):
        with pytest.raises(InvalidInput):
            parse_name(wrong)


def test_states_by_name() -> None:
    assert parse_state(" Granted ") is G
    with pytest.raises(InvalidInput) as caught:
        parse_state("grantet")
    assert caught.value.hint == "Did you mean granted?"


# --- the request ----------------------------------------------------------------------------------

HOSTILE = "an\u202en{link}\n\x1b[31m"


ASKED_FOR = RequestTerms()


def request(wording: str | None, terms: RequestTerms = ASKED_FOR, creator: str = "ann") -> str:
    return request_text(
        wording, terms, creator=creator, url="https://www.tiktok.com/@ann/video/7", campaign="Glow"
    )


def test_the_request_says_what_is_asked_for() -> None:
    text = request(None)
    assert text.startswith("Hi @ann, we love your video: https://www.tiktok.com/@ann/video/7\n")
    assert (
        "Glow use it on our social media accounts? Where: worldwide. For how long: 12 months."
        in text
    )
    terms = RequestTerms(
        channels=(SPARK, ADS), territory=("FR", "DE"), duration=90 * DAY, fee=parse_fee("150 EUR")
    )
    assert request("{channels}|{territory}|{duration}|{paid}|{brand}", terms) == (
        "Spark Ads with your post and paid ads|FR, DE|90 days|We would pay you: 150 EUR.|Glow"
    )


def test_a_name_puts_neither_a_line_nor_a_placeholder_into_the_request() -> None:
    assert request("Hi {creator}!\nBye", creator=HOSTILE) == "Hi ann{link} [31m!\nBye"


def test_no_other_placeholder_and_no_other_address() -> None:
    for wording in ("{caption}", "{creator.x}", "{creator!r}", "{", "{0}"):
        with pytest.raises(InvalidInput):
            parse_request(wording)
    text = request_text(
        "{link}", RequestTerms(), creator="a", url="https://evil.example", campaign="x"
    )
    assert text == "–"


def test_durations() -> None:
    assert [duration_words(d) for d in (None, DAY, 90 * DAY, 730 * DAY)] == [
        "without an end", "1 day", "90 days", "24 months",
    ]  # fmt: skip
    paid = [request("{paid}", RequestTerms(is_paid=value)) for value in (None, True, False)]
    assert paid == ["", "We would pay you for it.", "There is no payment for it."]


# --- reminders ------------------------------------------------------------------------------------

WEEK = 7 * DAY


def due(at: datetime, cause: Cause = Cause.RIGHT_ENDS, video: str = "7", number: int = 1) -> Due:
    return Due(cause=cause, video_id=video, author_username="ann", number=number, at=at)


@pytest.mark.parametrize(
    ("left", "stage"),
    [
        (15 * DAY, None), (14 * DAY, 14), (4 * DAY, 14), (3 * DAY, 3), (timedelta(minutes=1), 3),
        (timedelta(), None), (-DAY, None),
    ],
)  # fmt: skip
def test_an_end_is_told_in_two_stages(left: timedelta, stage: int | None) -> None:
    found = reminders([due(NOON + left)], frozenset(), NOON, WEEK)
    assert [r.stage for r in found] == ([] if stage is None else [stage])


def test_a_request_is_told_once_when_it_has_waited() -> None:
    asked = due(NOON - WEEK, Cause.UNANSWERED)
    (one,) = reminders([asked], frozenset(), NOON, WEEK)
    assert reminders([asked], frozenset({one.key}), NOON + WEEK, WEEK) == []
    assert reminders([replace(asked, number=4)], frozenset({one.key}), NOON, WEEK) != []
    assert reminders([due(NOON - 6 * DAY, Cause.UNANSWERED)], frozenset(), NOON, WEEK) == []


def test_ends_come_before_requests_and_the_message_holds_no_code() -> None:
    found = reminders(
        [
            due(NOON - 9 * DAY, Cause.UNANSWERED),
            due(NOON + 3 * DAY, Cause.SPARK_CODE_ENDS, "8"),
            due(NOON + DAY, video="9"),
        ],
        frozenset(),
        NOON,
        WEEK,
    )
    assert [r.due.video_id for r in found] == ["9", "8", "7"]
    payload = reminder_payload(found, "Glow", "UTC", NOON)
    assert [item["reason"] for item in payload["items"]] == [
        "The right of @ann ends on 2 Mar 2026, in 1 day.",
        "The Spark code of @ann ends on 4 Mar 2026, in 3 days.",
        "@ann was asked on 20 Feb 2026 and has not answered for 9 days.",
    ]


def test_a_step_in_words() -> None:
    step = Step(
        number=3, at=NOON, by="ann", kind=StepKind.ASSIGN, from_state=N, to_state=N,
        data={"assignee": "b\u202eob"},
    )  # fmt: skip
    assert step_words(step) == "assigned to bob"
