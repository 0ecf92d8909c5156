"""One creator on one page, against figures of a small world; one page however much there is."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from statistics import median

import pytest
from lab import START, Lab, lab
from small_world import Clip, SmallWorld, Tag, crowd

from report_examples import creator_report
from tagtide.core.messages import Chart
from tagtide.core.messages.creator import creator_blocks, creator_title
from tagtide.errors import InvalidInput, NotFound
from tagtide.renderers import render_html, render_markdown, render_pdf, render_text
from tagtide.services.creator_report import find_creator, read_creator
from tagtide.services.desk import DeskTarget, RightTyped, change, moving

Story = Callable[[Lab], Awaitable[None]]
DAY = timedelta(days=1)


def live(story: Story) -> None:
    async def lived() -> None:
        theirs = tuple(
            Clip(number=90 + n, created=START - n * DAY, views=5_000 * n, author="ann", likes=4 + n)
            for n in (1, 2, 3)
        )
        tags = {"a": Tag(feed=(*crowd(START - DAY, 15), *theirs)), "b": Tag(feed=theirs[:1])}
        async with lab(SmallWorld(START, tags=tags)) as bench:
            for name, tag in (("Spring", "a"), ("Autumn", "b")):
                campaign = await bench.add(name, own=[tag])
                await bench.collect(campaign)
            await story(bench)

    asyncio.run(lived())


def test_the_page_says_what_the_world_has() -> None:
    async def story(bench: Lab) -> None:
        found = await find_creator(bench.context, "@ANN")
        right = RightTyped(
            channels=("website", "spark"),
            territory="WORLD",
            spark_code="#s3cret/c4n4ry",
            spark_expires="10d",
            expires="30d",
            evidence=("never to be shown",),
        )
        target = DeskTarget(video=str(7_000_000_000_000_000_093), campaign="Spring")
        step = moving("granted", by="ann", text="private note", right=right)
        assert (await change(bench.context, target, step)).is_done
        report = await read_creator(bench.context, found.creator_key)
        body = json.loads(json.dumps(report.as_dict()))
        assert body["videos_held"] == 3
        assert body["total_views"] == 30_000
        rates = {v["video_id"][-2:]: v["engagement_rate"] for v in body["videos"]}
        assert rates == {"93": 0.09, "92": 0.08, "91": 0.07}
        pooled = (15_000 * 0.09 + 10_000 * 0.08 + 5_000 * 0.07) / 30_000
        assert body["engagement_rate"] == pytest.approx(pooled, abs=1e-6)
        spring = next(one for one in body["campaigns"] if one["campaign"] == "Spring")
        assert spring["videos"] == 3
        assert spring["crowd_median_rate"] == pytest.approx(
            median([0.04] * 15 + [0.07, 0.08, 0.09]), abs=1.5e-3
        )
        assert spring["engagement_rate_low"] < spring["engagement_rate"]
        assert spring["tier_median_rate"] is None  # nobody asked for followers
        (given,) = body["rights"]
        assert (given["status"], given["territory"]) == ("standing", ["WORLD"])
        assert given["channels"] == ["spark", "website"]
        shown = json.dumps(body) + render_text(creator_blocks(report))
        for secret in ("c4n4ry", "never to be shown", "private note"):
            assert secret not in shown
        assert "Followers: nobody asked TikTok" in shown

    live(story)


def test_one_campaign_is_that_campaign_alone() -> None:
    async def story(bench: Lab) -> None:
        autumn = await bench.store.campaign("Autumn")
        found = await find_creator(bench.context, "ann")
        body = (await read_creator(bench.context, found.creator_key, autumn)).as_dict()
        assert (body["videos_held"], body["total_views"]) == (1, 5_000)
        assert [one["campaign"] for one in body["campaigns"]] == ["Autumn"]
        other = await find_creator(bench.context, "user1")
        with pytest.raises(NotFound, match="holds no video"):
            await read_creator(bench.context, other.creator_key, autumn)
        with pytest.raises(NotFound, match="No creator with the handle @nobody"):
            await find_creator(bench.context, "@nobody")
        with pytest.raises(InvalidInput):
            await find_creator(bench.context, "@")

    live(story)


EVIL = "</bdi><script>alert(1)</script>[x](https://evil.example/)|`\x1b[2J\u202e\n# h ＃=1+1"


def test_strangers_words_stay_words_and_the_page_stays_one() -> None:
    report = creator_report(EVIL)
    blocks = creator_blocks(report)
    # Charts take their time, and hold no word of a stranger.
    words = [block for block in blocks if not isinstance(block, Chart)]
    page = render_html(words, creator_title(report), None)
    assert "<script" not in page
    assert 'href="https://evil' not in page
    text = render_text(blocks) + render_markdown(blocks)
    assert "\x1b" not in text
    assert "\u202e" not in text
    pdf = render_pdf(blocks, creator_title(report), report.as_of, None)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
