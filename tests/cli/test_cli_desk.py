"""`tagtide desk` and the exports of rights, as a person types them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Cli

from tagtide.clock import SystemClock
from tagtide.models import (
    Campaign,
    CampaignHashtag,
    CounterSource,
    Creator,
    Video,
    VideoCounters,
    VideoSeen,
)
from tagtide.ports import Changes, Sighting
from tagtide.storage.store import open_store

CODE = "#s3cret/code+=="
HOSTILE = "=HYPERLINK(1)\u202e\x1b[31m"


def video(number: int) -> str:
    return str(7_000_000_000_000_000_000 + number)


@pytest.fixture
def desk(cli: Cli, tmp_path: Path) -> Cli:
    """A database with a campaign and four videos, two of high priority."""

    async def fill() -> None:
        clock = SystemClock()
        store = await open_store(f"sqlite:///{tmp_path / 'tagtide.db'}", clock=clock)
        made = Campaign(name="Glow", hashtags=(CampaignHashtag(name="glow"),))
        campaign = await store.add_campaign(made)
        now = clock.now()
        sighting = Sighting(
            hashtag="glow",
            campaign_ids=(campaign.campaign_id,),
            read_at=now,
            videos=tuple(_seen(n) for n in range(1, 5)),
            run_id=None,
        )
        marks = tuple((campaign.campaign_id, video(n), now) for n in (1, 2))
        await store.commit(Changes(sightings=(sighting,), high_priority=marks))
        await store.aclose()

    asyncio.run(fill())
    return cli


def _seen(number: int) -> VideoSeen:
    name = f"user{number}"
    creator = Creator(creator_key=name, sec_uid=name, uid=None, username=name, nickname=None)
    counters = VideoCounters(
        view_count=1_000 * number,
        like_count=1,
        comment_count=1,
        share_count=1,
        save_count=None,
        source=CounterSource.STATS_V2,
    )
    made = Video(video_id=video(number), creator=creator, caption=HOSTILE, created_at=None)
    return VideoSeen(video=made, counters=counters)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def grant(desk: Cli, number: int, *options: str) -> dict[str, Any]:
    ran = desk("desk", "set", video(number), "granted", "--channel", "organic", *options, "--json")
    assert ran.code == 0, ran.err
    return ran.json  # type: ignore[no-any-return]


def test_the_list_shows_what_awaits_somebody(desk: Cli) -> None:
    shown = desk("desk", "list")
    assert shown.code == 0
    assert "@user1" in shown.out
    assert "@user3" not in shown.out
    assert "In all: 4 new; 2 new of high priority." in shown.out
    assert "\x1b" not in shown.out
    assert "\u202e" not in shown.out
    found = desk("desk", "list", "--all", "--sort", "views", "--json").json
    assert [line["video_id"] for line in found["videos"]] == [video(n) for n in (4, 3, 2, 1)]
    assert found["videos"][0]["engagement_rate"] == pytest.approx(3 / 4000)
    assert found["counts"]["new"] == 4


def test_pages_of_the_list(desk: Cli) -> None:
    first = desk("desk", "list", "--all", "--limit", "3", "--json").json
    rest = desk("desk", "list", "--all", "--limit", "3", "--cursor", first["next_cursor"], "--json")
    assert len(first["videos"]) == 3
    assert len(rest.json["videos"]) == 1
    assert rest.json["next_cursor"] is None
    assert desk("desk", "list", "--cursor", "nonsense").code == 2


def test_a_right_with_everything(desk: Cli) -> None:
    done = desk(
        "desk", "set", video(1), "granted", "--channel", "organic", "--channel", "spark",
        "--territory", "FR,DE", "--no-edits", "--fee", "150 EUR", "--expires", "90d",
        "--evidence", "yes!", "--evidence", "https://x.example/r", "--spark-code", CODE,
        "--spark-expires", "30d", "--note", "by mail", "--by", "Ann",
    )  # fmt: skip
    assert (done.code, done.out) == (0, f"{video(1)}: now granted.\n")
    shown = desk("desk", "show", video(1))
    assert "Granted. Cleared now for organic, spark." in shown.out
    assert "s3cret" not in shown.out
    assert "…+==" in shown.out
    found = desk("desk", "show", video(1), "--reveal", "--json").json
    (right,) = found["rights"]
    assert right["spark_code"] == CODE
    assert (right["fee_amount"], right["fee_currency"], right["is_paid"]) == ("150", "EUR", True)
    assert (right["territory"], right["edits"]) == (["FR", "DE"], False)
    assert (right["evidence"], right["evidence_url"]) == ("yes!", "https://x.example/r")
    assert found["history"][0]["by"] == "Ann"
    soon = desk("desk", "list", "--expiring", "40d", "--json").json["videos"]
    assert [line["video_id"] for line in soon] == [video(1)]


def test_what_is_refused_says_why_and_exits_with_1(desk: Cli) -> None:
    for words, said in (
        (("granted",), "To be granted it needs a right"),
        (("expired",), "A right expires by itself"),
        (("revoked",), "What is new cannot become revoked."),
        (("asked", "--channel", "organic"), "A right belongs to the state granted"),
    ):
        ran = desk("desk", "set", video(1), *words)
        assert (ran.code, ran.out) == (1, "")
        assert said in ran.err
        assert "Traceback" not in ran.err
    assert desk("desk", "set", video(1), "nonsense").code == 2
    assert desk("desk", "set", "nonsense", "asked").code == 2
    assert desk("desk", "set", "77", "asked").code == 1
    assert desk("desk", "undo", video(1)).code == 1
    wrong = desk("desk", "set", video(1), "granted", "--channel", "spark", "--spark-code", CODE)
    assert (wrong.code, "s3cret" in wrong.err) == (2, False)
    assert "30d, 60d, 90d, 365d" in wrong.err
    assert desk("desk", "show", video(1), "--json").json["history"] == []


def test_many_at_once_from_stdin(desk: Cli, typed: Callable[[str], None]) -> None:
    typed(f"{video(1)}\nhttps://www.tiktok.com/@user2/video/{video(2)} a note\n\n77\n")
    ran = desk("desk", "set", "-", "shortlisted", "--json")
    assert ran.code == 3
    outcomes = ran.json["outcomes"]
    assert [(o["done"], o["reason"]) for o in outcomes] == [
        (True, "moved"), (True, "moved"), (False, "not_found"),
    ]  # fmt: skip
    typed("77\n")
    assert desk("desk", "set", "-", "declined").code == 1
    typed("")
    assert desk("desk", "set", "-", "declined").code == 2
    typed(f"{video(1)}\n")
    assert desk("desk", "label", "-", "reel").code == 0
    assert len(desk("desk", "list", "--label", "reel", "--json").json["videos"]) == 1


def test_a_spark_code_need_not_be_on_the_command_line(
    desk: Cli, typed: Callable[[str], None]
) -> None:
    typed(f"{CODE}\n")
    grant(desk, 1, "--channel", "spark", "--spark-code", "-", "--spark-expires", "60d")
    found = desk("desk", "show", video(1), "--reveal", "--json").json
    assert found["rights"][0]["spark_code"] == CODE


def test_note_label_assign_undo(desk: Cli) -> None:
    assert desk("desk", "note", video(1), "she is away", "--by", "Ann").code == 0
    assert desk("desk", "label", video(1), "Reel", "summer").code == 0
    assert desk("desk", "label", video(1), "--remove", "reel").code == 0
    assert desk("desk", "assign", video(1), "Bob").code == 0
    found = desk("desk", "show", video(1), "--json").json
    assert (found["line"]["labels"], found["line"]["assignee"]) == (["summer"], "Bob")
    assert desk("desk", "list", "--assignee", "Bob", "--json").json["videos"][0]["version"] == 4
    assert desk("desk", "undo", video(1)).out == f"{video(1)}: undone.\n"
    assert desk("desk", "assign", video(1), "--nobody").code == 1
    assert desk("desk", "label", video(1)).code == 2


def test_the_request_is_text_to_copy_in_the_campaigns_wording(desk: Cli) -> None:
    ran = desk("desk", "ask", video(1), "--duration", "90d", "--fee", "two hoodies")
    assert ran.code == 0
    assert ran.out.startswith("Hi @user1, we love your video: https://www.tiktok.com/@user1/video/")
    assert "90 days. We would pay you: two hoodies." in ran.out
    assert desk("desk", "show", video(1), "--json").json["line"]["state"] == "new"
    wording = "Hey {creator}! {brand} asks. {{ok}}"
    assert desk("campaign", "edit", "Glow", "--request", wording).code == 0
    marked = desk("desk", "ask", video(1), "--mark", "--json").json
    assert marked["request"] == "Hey user1! Glow asks. {ok}"
    assert marked["outcome"]["state"] == "asked"
    kept = desk("desk", "show", video(1), "--json").json["history"][0]["data"]
    assert kept == {"request": marked["request"]}
    assert desk("campaign", "edit", "Glow", "--request", "{caption}").code == 2
    assert desk("campaign", "show", "Glow", "--json").json["request"] == wording


def test_rights_and_cleared_videos_go_out_safely(desk: Cli) -> None:
    grant(desk, 1, "--spark-code", CODE, "--spark-expires", "30d", "--evidence", "=1+1")
    grant(desk, 2)
    assert desk("desk", "set", video(2), "revoked").code == 0
    out = desk("export", "rights").out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["video_id"], row["status"], row["state"]) for row in rows] == [
        (video(1), "standing", "granted"), (video(2), "revoked", "revoked"),
    ]  # fmt: skip
    assert rows[0]["evidence"] == "'=1+1"
    assert "s3cret" not in out
    assert CODE in desk("export", "rights", "--with-spark-codes").out
    lines = desk("export", "rights", "--format", "jsonl").out.splitlines()
    assert json.loads(lines[0])["channels"] == ["organic"]
    cleared = desk("export", "videos", "--cleared", "organic", "--format", "jsonl").out
    assert [json.loads(line)["video_id"] for line in cleared.splitlines()] == [video(1)]
    assert desk("export", "videos", "--cleared", "ads").out.count("\n") == 1
    assert desk("export", "videos", "--cleared", "radio").code == 2
    assert desk("export", "rights", "--cleared", "organic").code == 2


def test_reminders_by_hand(desk: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grant(desk, 1, "--expires", "10d")
    assert desk("desk", "remind").out == "Glow: nothing to tell today\n"
    (tmp_path / "tagtide.toml").write_text(
        '[channels.crm]\nkind = "webhook"\nurl = "http://127.0.0.1:9/x"\nallow = ["127.0.0.0/8"]\n'
    )
    assert desk("desk", "remind").out == "Glow: 1 reminder\n"
    assert desk("desk", "remind", "--json").json == {"reminders": {"Glow": 0}}
    waiting = desk("deliveries", "list", "--json").json["deliveries"]
    assert len(waiting) == 1
