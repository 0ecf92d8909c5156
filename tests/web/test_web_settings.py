"""Settings: forms with every kind of input, two editors at once, who may see and change what."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from work_pages import DAY, NOW, desk

from tagtide.core.access import Need
from tagtide.core.campaign_version import campaign_version
from tagtide.models import CounterSource, HashtagReading, Job, Mute, Notification, Role, Rule
from tagtide.ports import Changes, QueueChange

FORM: dict[str, Any] = {
    "name": "Summer glow",
    "hashtags": "#Glow, https://www.tiktok.com/tag/dew\nSHINE",
    "competitors": "aura",
    "timezone": "Europe/Paris",
    "page_budget": "3",
    "credits_per_day": "",
    "schedule_track": "0 */3 * * *",
}


def wrong(text: str, field: str) -> list[str]:
    """What the page says beside a field."""
    return re.findall(rf'class="wrong" id="w-{field}-\d+">([^<]*)<', text)


def test_a_campaign_is_added_as_the_command_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            form = FORM | {"language": "de"}
            answer = await at.post("/settings/campaigns", **form, competitor_feeds="yes")
            assert answer.status_code == 303
            (stored,) = await at.app.store.campaigns()
            assert stored.language == "de"
            assert answer.headers["location"] == f"/settings/campaigns/{stored.campaign_id}?added=1"
            assert [h.name for h in stored.own()] == ["glow", "dew", "shine"]
            assert [(h.name, h.role, h.feed) for h in stored.competitors()] == [
                ("aura", Role.COMPETITOR, True)
            ]
            assert (stored.page_budget, stored.credits_per_day) == (3, None)
            assert stored.schedules == {Job.TRACK: "0 */3 * * *"}
            assert stored.created_at == NOW
            text = await at.get(answer.headers["location"])
            # In the zone of the campaign, in words, with the next three.
            assert (
                "Stored: every 3 hours (Europe/Paris); next 2 Mar 2026, 15:00, "
                "2 Mar 2026, 18:00, 2 Mar 2026, 21:00" in text
            )
            # Pressed twice: the same campaign, and no second one.
            again = await at.post("/settings/campaigns", **form, competitor_feeds="yes")
            assert again.headers["location"] == answer.headers["location"]
            # Another one under that name is refused, with what was typed.
            other = await at.post("/settings/campaigns", **FORM | {"page_budget": "9"})
            assert other.status_code == 409
            assert wrong(other.text, "name")
            assert 'value="9"' in other.text
            assert len(await at.app.store.campaigns()) == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "empty"),
        ("name", "a\u202eb", "invisible"),
        ("name", "x" * 90, "longer than 80"),
        ("hashtags", "", "at least one"),
        ("hashtags", "two words! #ok", "holds"),
        ("hashtags", "https://evil.example/tag/x", "not to TikTok"),
        ("hashtags", "<script>alert(1)</script>", "holds"),
        ("hashtags", "x" * 200, "longer than 150"),
        ("competitors", "glow", "both an own and a competitor"),
        ("timezone", "Paris", "Did you mean"),
        ("timezone", "../../etc/passwd", "not a time zone"),
        ("starts_on", "yesterday", "no date"),
        ("ends_on", "2026-13-01", "no date"),
        ("page_budget", "0", "at least 1"),
        ("page_budget", "2.5", "whole number"),
        ("page_budget", "9" * 30, "whole number"),
        ("page_budget", "٣", "whole number"),
        ("credits_per_day", "-1", "at least 0"),
        ("schedule_track", "every hour", "fields instead of five"),
        ("schedule_track", "* * * * *", "more often than every 5 minutes"),
        ("schedule_collect", "0 8 * * * Mars/Base", "not a time zone"),
        ("channels", "nowhere", "not configured"),
        ("numbers", "1:234", "none of the looks"),
        ("clock", "36h", "24h and 12h"),
        ("language", "tlh", "none of the languages"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, value: str, said: str
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            answer = await at.post("/settings/campaigns", **FORM | {field: value})
            assert answer.status_code == 422
            problems = wrong(answer.text, field)
            assert len(problems) == 1
            assert said in problems[0].replace("&#39;", "'")
            assert set(re.findall(r'id="w-([a-z_]+)-\d', answer.text)) == {field}
            if field != "name":
                assert 'value="Summer glow"' in answer.text
            if value.isascii() and value and "<" not in value:
                assert value.split(maxsplit=1)[0] in answer.text
            assert "<script>alert" not in answer.text
            assert await at.app.store.campaigns() == []

    asyncio.run(main())


def test_contradictions_are_all_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            typed = FORM | {
                "name": " ",
                "starts_on": "2026-05-01",
                "ends_on": "2026-04-01",
                "page_budget": "x",
                "hashtags": " ".join(f"no!{n}" for n in range(9)),
            }
            answer = await at.post("/settings/campaigns", **typed)
            assert "4 fields need a look" in answer.text
            assert wrong(answer.text, "ends_on") == [
                "The campaign would end before it starts (2026-05-01)."
            ]
            # Many of one kind are counted, not listed.
            assert wrong(answer.text, "hashtags")[-1] == "4 more cannot be used either."

    asyncio.run(main())


def test_of_two_editors_the_second_is_told_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            stored = await at.add()
            path = f"/settings/campaigns/{stored.campaign_id}"
            seen = re.search(r'name="seen" value="([0-9a-f]+)"', await at.get(path))
            assert seen
            mine = {"name": "Lumen", "hashtags": "glow", "competitors": "aura",
                    "timezone": "Europe/Paris", "seen": seen[1]}  # fmt: skip
            first = await at.post(path, **mine, page_budget="5")
            assert first.headers["location"] == f"{path}?saved=1"
            second = await at.post(path, **mine, page_budget="9")
            assert second.status_code == 409
            assert "Somebody has changed the campaign" in second.text
            assert "page_budget 5 -&gt; 9" in second.text
            assert 'value="9"' in second.text
            assert (await at.app.store.campaign("Lumen")).page_budget == 5
            # The same press twice is no quarrel.
            assert (await at.post(path, **mine, page_budget="5")).status_code == 303
            # Knowing what is stored, one may write over it.
            fresh = re.search(r'name="seen" value="([0-9a-f]+)"', second.text)
            assert fresh
            third = await at.post(path, **mine | {"seen": fresh[1]}, page_budget="9")
            assert third.status_code == 303
            assert (await at.app.store.campaign("Lumen")).page_budget == 9
            # A form that does not say what it rests on writes nothing.
            for blind in ("", "none", "0" * 32):
                answer = await at.post(path, **mine | {"seen": blind}, page_budget="1")
                assert answer.status_code == 409
            assert (await at.app.store.campaign("Lumen")).page_budget == 9

    asyncio.run(main())


def test_an_edit_keeps_what_its_form_does_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            stored = await at.add(channels=("gone", "team"))
            rules = replace(stored.rules, growth=0.9)
            hashtags = (replace(stored.hashtags[0], threshold=500), stored.hashtags[1])
            changed = replace(stored, rules=rules, hashtags=hashtags, request="May we, {creator}?")
            await at.app.store.replace_campaign(changed)
            path = f"/settings/campaigns/{stored.campaign_id}"
            assert "not configured any more" in await at.get(path)
            answer = await at.post(
                path,
                name="New name",
                hashtags="glow new",
                competitors="",
                timezone="Europe/Paris",
                channels=["gone", "team"],
                seen=campaign_version(changed),
            )
            assert answer.status_code == 303
            found = await at.app.store.campaign("New name")
            assert found.rules == rules
            assert [(h.name, h.threshold) for h in found.hashtags] == [
                ("glow", 500),
                ("new", None),
            ]
            assert found.channels == ("gone", "team")
            assert found.request == "May we, {creator}?"
            assert found.created_at == stored.created_at

    asyncio.run(main())


def test_a_campaign_is_removed_only_when_somebody_is_sure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            stored = await at.add()
            path = f"/settings/campaigns/{stored.campaign_id}/remove"
            assert (await at.post(path, sure="")).status_code == 422
            assert len(await at.app.store.campaigns()) == 1
            assert (await at.post(path, sure="yes")).status_code == 303
            assert await at.app.store.campaigns() == []
            assert (await at.post(path, sure="yes")).status_code == 404

    asyncio.run(main())


# --- rules ----------------------------------------------------------------------------------------


def rules_form(**changes: Any) -> dict[str, Any]:
    return {
        "new_videos": "200",
        "growth": "0.5",
        "enabled": ["new_videos", "growth", "viral_video", "statistical"],
    } | changes


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("new_videos", "0", "must be at least 1, not 0"),
        ("new_videos", "1.5", "must be a whole number"),
        ("new_videos", "", "must be a number"),
        ("new_videos", "1e9", "must be a number"),
        ("growth", "-0.5", "must be above 0"),
        ("growth", "nan", "must be a number"),
        ("growth", "1/0", "must be a number"),
        ("viral_factor", "1", "must be above 1"),
        ("resolve_below", "2", "at most 1"),
        ("false_alarms", "99", "must be at most 30"),
        ("rolling_weeks", "1", "must be at least 3"),
        ("growth_for_hours", "9999", "must be at most 336"),
        ("thresholds", "glow", "no hashtag with a number"),
        ("thresholds", "nobody 5", "does not have #nobody"),
        ("thresholds", "glow 0", "at least 1"),
        ("thresholds", "glow=x", "whole number"),
    ],
)
def test_a_wrong_rule_stands_beside_its_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, value: str, said: str
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            stored = await at.add()
            path = f"/settings/campaigns/{stored.campaign_id}/rules"
            typed = rules_form(seen=campaign_version(stored), **{field: value})
            answer = await at.post(path, **typed)
            assert answer.status_code == 422
            assert said in " ".join(wrong(answer.text, field))
            assert set(re.findall(r'id="w-([a-z_]+)-\d', answer.text)) == {field}
            assert await at.app.store.campaign("Lumen") == stored

    asyncio.run(main())


def test_rules_are_saved_with_thresholds_and_what_is_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            stored = await at.add()
            path = f"/settings/campaigns/{stored.campaign_id}/rules"
            typed = rules_form(
                seen=campaign_version(stored),
                new_videos="1,500",
                thresholds="#Glow = 500\n\naura 7",
                enabled=["growth"],
            )
            assert (await at.post(path, **typed)).status_code == 303
            found = await at.app.store.campaign("Lumen")
            assert found.rules.new_videos == 1500
            assert found.rules.enabled == (Rule.GROWTH,)
            assert {h.name: h.threshold for h in found.hashtags} == {"glow": 500, "aura": 7}
            # What no field was sent for stays as it was.
            assert found.rules.viral_factor == stored.rules.viral_factor
            second = await at.post(path, **typed | {"new_videos": "9"})
            assert second.status_code == 409
            assert "rules.new_videos 1500 -&gt; 9" in second.text

            hostile = await at.post(path, **typed | {"enabled": ["self", "<b>"]})
            assert hostile.status_code == 422

    asyncio.run(main())


async def tell_a_burst(app: Any) -> None:
    """A week of readings every six hours; the last but one gained 300 videos."""
    readings, videos = [], 1_000
    for step in range(28):
        videos += 300 if step == 26 else 5
        readings.append(
            HashtagReading(
                hashtag="glow",
                hashtag_id="1",
                read_at=NOW - timedelta(hours=6 * (28 - step)),
                view_count=1_000_000 + 1_000 * step,
                view_source=CounterSource.STATS_V2,
                view_unit=1,
                video_count=videos,
                video_source=CounterSource.STATS_V2,
                video_unit=1,
            )
        )
    await app.store.commit(Changes(readings=tuple(readings)))


def test_a_change_of_rules_is_tried_before_it_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch, level=Need.OPERATE) as at:
            stored = await at.add()
            base = f"/settings/campaigns/{stored.campaign_id}/rules"
            on = "&".join(f"enabled={rule}" for rule in rules_form()["enabled"])
            # Nothing was read yet.
            assert "Nothing changes" in await at.get(f"{base}/try?new_videos=3&{on}")
            await tell_a_burst(at.app)
            text = await at.get(f"{base}/try?new_videos=250&{on}")
            assert "would have fired 1 time in the last 60 days" in text
            assert "(as stored: 1 time)" in text
            assert "#glow gained 300 new videos" in text
            text = await at.get(f"{base}/try?new_videos=400&{on}")
            assert "would have fired 0 times in the last 60 days" in text
            # What is wrong stands beside its field; nothing is tried with it.
            text = await at.get(f"{base}/try?new_videos=-4&{on}")
            assert wrong(text, "new_videos")
            assert "would have fired" not in text
            assert await at.app.store.campaign("Lumen") == stored
            # An operator may try and not save, and is told so.
            assert "You can try values here; an admin can save them." in text
            assert (await at.post(base, **rules_form())).status_code == 403

    asyncio.run(main())


def test_presets_come_from_the_history_and_save_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            stored = await at.add()
            base = f"/settings/campaigns/{stored.campaign_id}/rules"
            text = await at.get(f"{base}/presets?rule=new_videos")
            assert "no preset can be found for it" in text
            await at.get(f"{base}/presets?rule=self", 422)
            await tell_a_burst(at.app)
            text = await at.get(f"{base}/presets?rule=new_videos")
            assert text.count(">Fill it in</a>") == 3
            link = re.search(r'href="([^"]*\?new_videos=\d+)">Fill it in', text)
            assert link
            value = link[1].partition("=")[2]
            assert f'value="{value}"' in await at.get(link[1])
            assert await at.app.store.campaign("Lumen") == stored

    asyncio.run(main())


# --- channels, mutes, the installation ------------------------------------------------------------


def test_channels_say_how_they_are_and_never_where_they_lead_to_viewers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        for level, sees in ((Need.READ, False), (Need.OPERATE, True), (Need.ADMIN, True)):
            async with desk(tmp_path, monkeypatch, level=level) as at:
                text = await at.get("/settings/channels")
                assert ("https://hooks.slack.com/***" in text) is sees
                assert ("crm.example" in text) is sees
                assert ("tagtide.toml" in text) is sees
                assert "verysecret" not in text
                assert "alsosecret" not in text
                assert ("Send a test" in text) is (level is Need.ADMIN)
                answer = await at.post("/settings/channels/team/test", back="/")
                if level is not Need.ADMIN:
                    assert answer.status_code == 403
                for page in ("/settings", "/settings/about", "/settings/schedules"):
                    assert "secret" not in await at.get(page)

    asyncio.run(main())


def test_a_test_message_says_what_became_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        from tagtide.errors import DeliveryError
        from tagtide.web import live

        sent: list[Notification] = []

        class Channel:
            name = "team"

            async def send(self, notification: Notification) -> None:
                sent.append(notification)
                if len(sent) > 1:
                    raise DeliveryError("It was <b>refused</b>.", hint="Set a new address.")

            async def aclose(self) -> None:
                """Nothing to close."""

        monkeypatch.setattr(live, "make_channel", lambda *_: Channel())
        async with desk(tmp_path, monkeypatch) as at:
            assert (await at.post("/settings/channels/team/test", back="/")).status_code == 303
            assert "The test message was accepted" in await at.get("/settings/channels")
            assert sent[0].kind == "test"
            await at.post("/settings/channels/team/test", back="/")
            text = await at.get("/settings/channels")
            assert "It was &lt;b&gt;refused&lt;/b&gt;." in text
            assert "Set a new address." in text
            unknown = await at.post("/settings/channels/nobody/test", back="/")
            assert unknown.status_code == 404

    asyncio.run(main())


def test_dead_letters_are_sent_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            message = Notification(
                notification_id="n1",
                channel="crm",
                alert_id=None,
                kind="firing",
                created_at=NOW - DAY,
                due_at=NOW,
                payload={},
            )
            await at.app.store.commit(Changes(notifications=(message,)))
            dead = QueueChange(channel="crm", fence=0, at=NOW, given_up=("n1",), reason="No.")
            assert await at.app.store.change_queue(dead)
            text = await at.get("/settings/channels")
            assert "0 waiting · 1 given up" in text
            assert "Send 1 once more" in text
            assert (await at.post("/settings/channels/crm/replay", back="/")).status_code == 303
            assert "1 waiting" in await at.get("/settings/channels")

    asyncio.run(main())


def test_a_mute_is_ended_by_an_operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        for level, status in ((Need.READ, 403), (Need.OPERATE, 303)):
            async with desk(tmp_path, monkeypatch, level=level) as at:
                stored = await at.add()
                mute = Mute(
                    mute_id="m/1?x",
                    created_at=NOW,
                    until=NOW + DAY,
                    by="<i>ben</i>",
                    reason="too loud",
                    campaign_id=stored.campaign_id,
                    hashtag="glow",
                )
                await at.app.store.add_mute(replace(mute, mute_id="m1"))
                text = await at.get("/settings/mutes")
                assert "&lt;i&gt;ben&lt;/i&gt;" in text
                assert ("End it" in text) is (status == 303)
                answer = await at.post("/settings/mutes/m1/end", back="/")
                assert answer.status_code == status
                left = await at.app.store.mutes(NOW)
                assert len(left) == (0 if status == 303 else 1)

    asyncio.run(main())


def test_every_page_of_the_settings_is_in_its_navigation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            await at.add()
            for page in ("", "/channels", "/schedules", "/mutes", "/about"):
                text = await at.get(f"/settings{page}")
                assert f'<a href="/settings{page}" aria-current="page">' in text
            assert "SQLite" in text
            assert "tagtide db backup" in text

    asyncio.run(main())
