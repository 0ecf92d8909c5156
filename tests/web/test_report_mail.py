"""A report from its job to a mailbox and a chat, its picture, its link, and the way out of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from io import StringIO
from pathlib import Path
from typing import Any, cast
from unittest import mock

import httpx2
import pytest
import structlog
from test_web_campaigns import see, seen
from test_web_pages import NOW, reading, tell_a_story

from mail_server import Letter, MailServer, serving
from tagtide.bootstrap import App, open_app
from tagtide.channels.slack.blocks import message as slack_message
from tagtide.channels.teams.card import encode as teams_card
from tagtide.clock import SimulatedClock
from tagtide.core.access import Scope
from tagtide.core.messages.notice import Look
from tagtide.errors import InvalidInput, NotFound, RenderingFailed
from tagtide.jobs import Health
from tagtide.models import Campaign, CampaignHashtag, DeliveryState
from tagtide.ports import Changes, Subscription
from tagtide.renderers import files as report_files
from tagtide.services import report_messages
from tagtide.services.accounts import make_token
from tagtide.services.deliver import deliver_channel
from tagtide.services.report import report_daily
from tagtide.services.report_messages import send_now
from tagtide.services.subscriptions import Wanted, broken_because, change, subscribe
from tagtide.settings import load
from tagtide.web import make_app

PUBLIC = "https://tagtide.example.com"
PNG = b"\x89PNG\r\n\x1a\n"
ANA = "ana.secretperson@ours.test"


@dataclass
class Lab:
    app: App
    clock: SimulatedClock
    mail: MailServer
    web: httpx2.AsyncClient
    campaign: Campaign
    operator: dict[str, str]
    viewer: dict[str, str]

    async def add(self, kind: str = "campaign", channel: str = "mail", **more: Any) -> Subscription:
        wanted = Wanted(person="Ana <b>", kind=kind, channel=channel, **more)
        return await subscribe(self.app.context, self.campaign, wanted, by="test")

    async def delivered(self, name: str = "mail") -> list[Letter]:
        before = len(self.mail.letters)
        await deliver_channel(self.app.context, self.app.channels[name], settle=False)
        return self.mail.letters[before:]


@asynccontextmanager
async def lab(folder: Path, *, public: bool = True, **settings: str) -> AsyncIterator[Lab]:
    async with serving(MailServer(offers=())) as mail:
        environ = {
            "TAGTIDE_DATABASE_URL": f"sqlite:///{folder}/tagtide.db",
            "TAGTIDE_API_URL": "http://127.0.0.1:9",
            "TAGTIDE_CHANNELS__MAIL__KIND": "email",
            "TAGTIDE_CHANNELS__MAIL__HOST": "127.0.0.1",
            "TAGTIDE_CHANNELS__MAIL__PORT": str(mail.port),
            "TAGTIDE_CHANNELS__MAIL__SECURITY": "none",
            "TAGTIDE_CHANNELS__MAIL__FROM": "tagtide@ours.test",
            "TAGTIDE_CHANNELS__MAIL__TO": "team@ours.test,lead@ours.test",
            "TAGTIDE_CHANNELS__ROOM__KIND": "slack",
            "TAGTIDE_CHANNELS__ROOM__URL": "https://hooks.example.com/x",
            **({"TAGTIDE_WEB__PUBLIC_URL": f"{PUBLIC}/"} if public else {}),
            **settings,
        }
        clock = SimulatedClock(NOW)
        async with open_app(load(environ=environ, cwd=folder), clock=clock) as app:
            secrets = {}
            for scope in (Scope.READ, Scope.OPERATE):
                _, secret = await make_token(app.accounts, scope.value, scope, by="test")
                secrets[scope] = {"Authorization": f"Bearer {secret}"}
            campaign = await told(app)
            transport = httpx2.ASGITransport(app=make_app(app, Health()))
            async with httpx2.AsyncClient(transport=transport, base_url=PUBLIC) as web:
                yield Lab(
                    app,
                    clock,
                    mail,
                    web,
                    campaign,
                    secrets[Scope.OPERATE],
                    secrets[Scope.READ],
                )


async def told(app: App) -> Campaign:
    """A campaign that has grown for a week, with videos by strangers."""
    campaign = await tell_a_story(app)
    week = [reading("glow", NOW - timedelta(days=d), 10**6 - d * 10**4, 400 - d) for d in (7, 3, 2)]
    await app.store.commit(Changes(readings=tuple(week)))
    hostile = "<img src=x> https://evil.example *now* <!channel>"
    await see(app, campaign, *(seen(n, 5_000 * n, caption=hostile) for n in range(1, 13)))
    return campaign


def run(folder: Path, story: Callable[[Lab], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with lab(folder, **options) as here:
            await story(here)

    asyncio.run(main())


def parsed(letter: Letter) -> EmailMessage:
    return cast("EmailMessage", message_from_bytes(letter.content, policy=modern))


def parts_of(letter: Letter) -> dict[str, list[EmailMessage]]:
    found: dict[str, list[EmailMessage]] = {}
    for part in parsed(letter).walk():
        found.setdefault(part.get_content_type(), []).append(cast("EmailMessage", part))
    return found


def test_a_mail_brings_its_charts_and_files_and_the_same_at_every_attempt(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        one = await lab.add(files=("xlsx", "pdf"), to=ANA)
        await send_now(lab.app.context, one.subscription_id)
        lab.mail.instead["end"] = b"451 later"
        assert await lab.delivered() == []
        del lab.mail.instead["end"]
        # The report of the day is another by now; the message stays what it was.
        await see(lab.app, lab.campaign, seen(99, 9_000_000, caption="later"))
        lab.clock.advance(timedelta(minutes=5))
        (letter,) = await lab.delivered()
        first, second = lab.mail.offered
        assert first.content == second.content
        assert letter.recipients == [ANA]
        mail, parts = parsed(letter), parts_of(letter)
        assert mail["to"] == ANA
        assert mail["subject"] == "Campaign report: Lumen"
        assert [p.get_content_type() for p in mail.iter_parts()] == [
            "multipart/alternative",
            "application/pdf",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ]
        (pdf,), (xlsx,) = parts["application/pdf"], parts[report_messages._MEDIA["xlsx"]]
        assert pdf.get_content().startswith(b"%PDF-")
        assert xlsx.get_content().startswith(b"PK")
        name = f"tagtide-1-campaign-{NOW.date()}"
        assert [p.get_filename() for p in (pdf, xlsx)] == [f"{name}.pdf", f"{name}.xlsx"]
        (html,), pictures = parts["text/html"], parts["image/png"]
        shown = re.findall(r"<img src='cid:([^']+)' alt='([^']+)'", html.get_content())
        assert [f"<{cid}>" for cid, _ in shown] == [p["content-id"] for p in pictures]
        assert len(pictures) == 2
        for picture, (_, alt) in zip(pictures, shown, strict=True):
            assert picture.get_content().startswith(PNG)
            assert picture.get_content_disposition() == "inline"
            assert alt
        # Nothing is loaded from elsewhere, and nothing of a stranger's is a link.
        assert re.findall(r"src='(?!cid:)|src=\"", html.get_content()) == []
        links = re.findall(r"href='([^']+)'", html.get_content())
        assert all(link.startswith(f"{PUBLIC}/") for link in links)
        text = parts["text/plain"][0].get_content()
        assert "new videos since" in text
        assert "Attached: tagtide-1-campaign" in text

    run(tmp_path, story)


def test_one_click_stops_it_and_a_look_does_not(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        one, other = [await lab.add("daily", files=(), to=to) for to in (ANA, None)]
        for each in (one, other):
            await send_now(lab.app.context, each.subscription_id)
        letters = await lab.delivered()
        mails = {letter.recipients[0]: parsed(letter) for letter in letters}
        assert mails[ANA]["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        link = mails[ANA]["list-unsubscribe"].strip("<>")
        assert re.fullmatch(rf"{PUBLIC}/unsubscribe/[0-9a-f]{{32}}", link)
        assert link != mails["team@ours.test"]["list-unsubscribe"].strip("<>")
        # Programs look at links; nothing ends by that.
        for _ in range(2):
            page = await lab.web.get(link)
            assert page.status_code == 200
            assert "Daily report of <bdi>Lumen" in page.text
            assert page.headers["x-robots-tag"] == "noindex, nofollow"
            assert page.headers["cache-control"] == "private, no-store"
            assert ANA not in page.text
        assert len(await lab.app.store.subscriptions()) == 2
        # What a mail program sends: no origin, no cookie, a form of either kind.
        click = {"List-Unsubscribe": "One-Click"}
        never = await lab.web.post(f"{PUBLIC}/unsubscribe/{'0' * 32}", data=click)
        assert never.status_code == 404
        done = await lab.web.post(link, files={"List-Unsubscribe": (None, "One-Click")})
        assert done.status_code == 200
        assert "not sent to you any more" in done.text
        assert [s.subscription_id for s in await lab.app.store.subscriptions()] == [2]
        again = await lab.web.post(link, data=click)
        assert again.status_code == 200
        assert "not sent to you any more" in (await lab.web.get(link)).text
        stopped = await lab.app.store.subscription(one.subscription_id)
        assert (stopped.to, stopped.ended_by) == (None, "a link in a message")
        # Everything else still asks where it comes from.
        assert (await lab.web.post("/reports", data={"kind": "daily"})).status_code == 403

    run(tmp_path, story)


def test_without_an_address_of_its_own_it_has_no_link_and_no_way_out_to_click(
    tmp_path: Path,
) -> None:
    async def story(lab: Lab) -> None:
        await send_now(lab.app.context, (await lab.add("daily", files=())).subscription_id)
        (letter,) = await lab.delivered()
        assert letter.recipients == ["team@ours.test", "lead@ours.test"]
        mail = parsed(letter)
        assert "list-unsubscribe" not in mail
        assert "href=" not in parts_of(letter)["text/html"][0].get_content()
        assert await lab.app.store.shares() == []

    run(tmp_path, story, public=False)


def test_a_chat_gets_a_frozen_link_and_pictures_that_it_can_fetch(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        await send_now(lab.app.context, (await lab.add(channel="room")).subscription_id)
        (note,) = await lab.app.store.undelivered()
        assert note.payload["attachments"] == []
        assert "unsubscribe" not in note.payload
        look = Look(home=f"{PUBLIC}/")
        blocks = slack_message(note.payload, look)["blocks"]
        images = [b for b in blocks if b["type"] == "image"]
        assert [i["alt_text"] for i in images] == [c["title"] for c in note.payload["charts"]]
        assert len(images) == 2
        actions = next(b for b in blocks if b["type"] == "actions")["elements"]
        assert actions[0]["text"]["text"] == "Open the report"
        card = json.loads(teams_card(note.payload, look))["attachments"][0]["content"]
        assert [b["url"] for b in card["body"] if b["type"] == "Image"] == [
            i["image_url"] for i in images
        ]
        assert card["actions"][0] == {
            "type": "Action.OpenUrl",
            "title": "Open the report",
            "url": note.payload["url"],
        }
        picture = await lab.web.get(images[0]["image_url"])
        assert picture.headers["content-type"] == "image/png"
        assert picture.content.startswith(PNG)
        assert picture.headers["x-robots-tag"] == "noindex, nofollow"
        assert picture.headers["cache-control"] == "private, no-store"
        for wrong in ("chart-0", "chart-3", "chart--1", "chart-x", "chart-1e3"):
            answer = await lab.web.get(f"{note.payload['url']}/{wrong}.png")
            assert answer.status_code == 404, wrong
        # To fetch pictures is not to open the report.
        assert [s.opened for s in await lab.app.store.shares()] == [0]
        (share,) = await lab.app.store.shares()
        assert share.made_by == "subscriptions"
        await lab.app.store.revoke_share(share.share_id, NOW)
        assert (await lab.web.get(images[0]["image_url"])).status_code == 404

    run(tmp_path, story)


def test_all_who_get_a_report_of_a_slot_have_one_copy(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        people = [await lab.add("daily", to=to, files=()) for to in (ANA, "b@x.test", "c@x.test")]
        context = lab.app.context
        day = (await report_daily(context, lab.campaign)).on
        made = report_messages.Made(kind="daily", day=day)
        # Another process has told the first of them meanwhile.
        await report_messages.tell_subscribers(context, lab.campaign, made, NOW, people[0])
        with mock.patch.object(type(context.store), "told_in_slot", return_value=frozenset()):
            told = await report_messages.tell_subscribers(context, lab.campaign, made, NOW)
        assert told == 2
        links = [note.payload["url"] for note in await context.store.undelivered()]
        assert len(links) == 3
        assert len(set(links)) == len(await context.store.shares()) == 2
        for link in links:
            assert (await lab.web.get(link)).status_code == 200

    run(tmp_path, story)


def test_a_chat_that_cannot_fetch_a_picture_gets_the_words(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        await send_now(lab.app.context, (await lab.add(channel="room")).subscription_id)
        sent: list[Any] = []

        class Room:
            name = "room"

            async def send(self, notification: Any) -> None:
                from tagtide.errors import DeliveryError

                sent.append(notification.payload)
                if any(chart["url"] for chart in notification.payload["charts"]):
                    raise DeliveryError("The receiver answered with status 400.", refused=True)

        for _ in range(2):
            await deliver_channel(lab.app.context, cast("Any", Room()), settle=False)
            lab.clock.advance(timedelta(hours=1))
        assert [len(p["charts"]) for p in sent] == [2, 2]
        (only,) = await lab.app.store.deliveries(channel="room")
        assert only.state is DeliveryState.SENT
        assert sent[-1]["url"] == sent[0]["url"]

    run(tmp_path, story)


def test_what_cannot_be_made_is_said_and_the_message_goes(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        one = await lab.add(files=("pdf", "xlsx"), to=ANA)
        failing = RenderingFailed("The process that draws and sets pages ended with -9.")
        with (
            mock.patch.object(report_files, "press", side_effect=failing),
            mock.patch.object(report_files, "render_pdf", side_effect=failing),
        ):
            await send_now(lab.app.context, one.subscription_id)
        (letter,) = await lab.delivered()
        parts = parts_of(letter)
        assert "application/pdf" not in parts
        assert "image/png" not in parts
        assert report_messages._MEDIA["xlsx"] in parts
        text = parts["text/plain"][0].get_content()
        first = text.splitlines()
        assert "The PDF is not attached. The process" in text
        assert "The charts are not shown." in text
        assert text.index("The PDF is not attached") < text.index("new videos since")
        assert first[0]

    run(tmp_path, story)


def test_what_is_too_large_for_a_mail_is_left_to_the_link(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        one = await lab.add(files=("pdf", "xlsx"), to=ANA)
        press = mock.Mock()
        press.pictures.return_value = {}
        press.file.side_effect = lambda style, *_: bytes(7_500_000 if style == "pdf" else 10)
        context = replace(lab.app.context, press=press)
        with mock.patch.object(report_messages, "charts_of", return_value=[]):
            await send_now(context, one.subscription_id)
        (note,) = await lab.app.store.undelivered()
        assert [a["name"][-4:] for a in note.payload["attachments"]] == ["xlsx"]
        assert note.payload["missing"][-1] == (
            "The PDF (7.5 MB) is too large for a mail; the link leads to it."
        )
        (letter,) = await lab.delivered()
        assert len(letter.content) < report_messages.MAX_MAIL

    run(tmp_path, story)


def test_a_mail_server_that_finds_it_too_large_gets_it_without_files(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        one = await lab.add("daily", files=("xlsx",), to=ANA)
        await send_now(lab.app.context, one.subscription_id)
        refusals = iter([b"552 5.3.4 too large"])

        async def once(writer: asyncio.StreamWriter) -> None:
            lab.mail.instead.pop("end")
            writer.write(next(refusals) + b"\r\n")
            await writer.drain()

        lab.mail.instead["end"] = once
        (letter,) = await lab.delivered()
        assert report_messages._MEDIA["xlsx"] not in parts_of(letter)
        text = parts_of(letter)["text/plain"][0].get_content()
        assert "too large for the mail server" in text
        assert "Attached" not in text
        first, second = lab.mail.offered
        assert parsed(first)["message-id"] == parsed(second)["message-id"]

    run(tmp_path, story)


BAD = [
    "ana",
    "ana@",
    "ana@ours.test, ben@ours.test",
    "ana@ours.test\nBcc: all@ours.test",
    "ana@ours.test\r\nDATA",
    "Ana <ana@ours.test>",
    "ana@ours.test\x00",
    "a" * 65 + "@ours.test",
    "ana@" + "x" * 260,
    "änne@ours.test",
]


def test_bad_wishes_are_refused_in_words_that_name_no_address(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        context, refused = lab.app.context, []
        for to in BAD:
            with pytest.raises(InvalidInput) as error:
                await lab.add(to=to)
            refused.append(f"{error.value} {error.value.hint}")
        assert not any("ours.test" in text for text in refused)
        for wanted in (
            {"channel": "nowhere"},
            {"kind": "hourly"},
            {"files": ("exe",)},
            {"channel": "room", "files": ("pdf",)},
            {"channel": "room", "to": ANA},
        ):
            with pytest.raises(InvalidInput):
                await lab.add(**wanted)
        over = replace(lab.campaign, ends_on=NOW.date() - timedelta(days=1))
        with pytest.raises(InvalidInput, match="ended on 2026-03-01"):
            await subscribe(context, over, Wanted(person="a", kind="daily", channel="mail"), by="x")
        assert await lab.app.store.subscriptions() == []
        # One that got into the database all the same goes nowhere.
        one = await lab.add(to=ANA, files=())
        # Of an ended campaign nothing comes any more but its wrap-up.
        assert broken_because(context, one, over) == "The campaign ended on 2026-03-01."
        assert broken_because(context, replace(one, kind="wrapup"), over) == ""
        await lab.app.store.change_subscription(replace(one, to="x@ours.test\nBcc: y@ours.test"))
        await send_now(context, one.subscription_id)
        assert await lab.delivered() == []
        assert lab.mail.heard == []

    run(tmp_path, story)


def test_the_address_of_a_person_is_in_no_log_and_masked_for_who_only_looks(
    tmp_path: Path,
) -> None:
    async def story(lab: Lab) -> None:
        logged, before = StringIO(), structlog.get_config()
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(file=logged))
        api = f"{PUBLIC}/api/v1/subscriptions"
        body = {"campaign_id": 1, "person": "Ana", "kind": "daily", "channel": "mail", "to": ANA}
        assert (await lab.web.post(api, json=body, headers=lab.viewer)).status_code == 403
        made = await lab.web.post(api, json=body, headers=lab.operator)
        assert made.status_code == 201, made.text
        assert (made.json()["to"], made.json()["files"]) == (ANA, ["pdf"])
        one = made.headers["location"]
        assert (await lab.web.post(api, json=body, headers=lab.operator)).status_code == 409
        bad = body | {"to": "x secretperson"}
        assert (await lab.web.post(api, json=bad, headers=lab.operator)).status_code == 422
        for path in (api, one, "/reports"):
            shown = (await lab.web.get(path, headers=lab.viewer)).text
            assert ANA not in shown
            assert "a***@ours.test" in shown, path
            assert ANA in (await lab.web.get(path, headers=lab.operator)).text
        answer = await lab.web.patch(one, json={"files": []}, headers=lab.operator)
        assert (answer.json()["files"], answer.json()["to"]) == ([], ANA)
        sent = await lab.web.post(f"{one}/send", headers=lab.operator)
        assert sent.status_code == 202
        lab.mail.refused[ANA] = b"550 no such person " + ANA.encode()
        await lab.delivered()
        (waiting,) = await lab.app.store.deliveries()
        assert "secretperson" not in f"{waiting.last_error}{waiting.notification!r}"
        gone = await lab.web.delete(one, headers=lab.operator)
        assert (gone.json()["to"], gone.json()["broken"]) == (None, "It was stopped.")
        assert (await lab.web.delete(one, headers=lab.operator)).status_code == 409
        structlog.configure(**before)
        assert "delivery_failed" in logged.getvalue()
        assert "secretperson" not in logged.getvalue()

    run(tmp_path, story)


def test_operators_add_send_and_stop_on_the_page(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        own = {**lab.operator, "Origin": PUBLIC}
        fields = {"person": "<i>Ben", "campaign": "1", "kind": "weekly", "channel": "mail"}
        fields |= {"to": ANA, "files": "xlsx"}
        answer = await lab.web.post("/reports/subscriptions", data=fields, headers=own)
        assert (answer.status_code, answer.headers["location"]) == (303, "/reports#subscriptions")
        page = (await lab.web.get("/reports", headers=lab.operator)).text
        assert "&lt;i&gt;Ben" in page
        assert "Weekly report of" in page
        assert "Monday" in page
        assert ">never<" in page
        one = "/reports/subscriptions/1"
        assert (
            await lab.web.post(f"{one}/send", data={"back": "/"}, headers=own)
        ).status_code == 303
        assert len(await lab.delivered()) == 1
        assert ">never<" not in (await lab.web.get("/reports", headers=lab.operator)).text
        assert (
            await lab.web.post(f"{one}/stop", data={"back": "/"}, headers=own)
        ).status_code == 303
        assert await lab.app.store.subscriptions() == []
        for path in (
            f"{one}/stop",
            "/reports/subscriptions/9/stop",
            "/reports/subscriptions/x/stop",
        ):
            assert (await lab.web.post(path, data={"back": "/"}, headers=own)).status_code in {
                404,
                409,
            }

    run(tmp_path, story)


def test_a_change_of_channel_takes_files_along_to_e_mail_alone(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        one = await lab.add(to=ANA, files=("pdf",))
        changed = await change(lab.app.context, one.subscription_id, Wanted(channel="room"))
        assert (changed.channel, changed.files, changed.to) == ("room", (), None)
        with pytest.raises(NotFound):
            await send_now(lab.app.context, 99)
        assert isinstance(lab.campaign.hashtags[0], CampaignHashtag)

    run(tmp_path, story)
