"""Alerts, their history and mutes as JSON and as blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tagtide.bootstrap import App
from tagtide.core.detect import Direction
from tagtide.core.formats import (
    clean_text,
    compact,
    decimal,
    instant_text,
    iso_utc,
    percent,
    span,
    whole,
)
from tagtide.core.messages import (
    Block,
    Cell,
    Column,
    Figure,
    Heading,
    KeyFigures,
    Kind,
    Link,
    Note,
    Paragraph,
    Table,
    Tone,
)
from tagtide.core.mutes import mute_of
from tagtide.core.reports.facts import alert_told, alert_why
from tagtide.core.rules import Measure
from tagtide.models import Alert, AlertEvent, AlertState, Mute, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What alerts are shown with."""

    #: By id.
    campaigns: Mapping[int, str]
    mutes: Sequence[Mute]
    now: datetime

    @classmethod
    async def of(cls, app: App) -> Around:
        """As it stands."""
        now = app.context.clock.now()
        campaigns = {c.campaign_id: c.name for c in await app.store.campaigns()}
        return cls(campaigns=campaigns, mutes=await app.store.mutes(now), now=now)

    def name_of(self, campaign_id: int | None) -> str | None:
        """Name of a campaign in service; None for one that is not, and for none."""
        return None if campaign_id is None else self.campaigns.get(campaign_id)


def alert_body(alert: Alert, around: Around) -> dict[str, Any]:
    """An alert as JSON."""
    muted = mute_of(alert, around.mutes, around.now)
    return {
        "alert_id": alert.alert_id,
        "campaign": around.name_of(alert.campaign_id),
        "rule": alert.rule.value,
        "hashtag": alert.hashtag,
        "video_id": alert.video_id,
        "condition": alert.condition,
        "state": alert.state.value,
        "value": alert.value,
        "peak": alert.peak,
        "threshold": alert.threshold,
        "reason": alert.reason,
        "why": alert_why(alert),
        "url": alert.url,
        "opened_at": iso_utc(alert.opened_at),
        "updated_at": iso_utc(alert.updated_at),
        "resolved_at": _iso(alert.resolved_at),
        "fired_at": _iso(alert.fired_at),
        "told_at": _iso(alert.told_at),
        "pending_since": _iso(alert.pending_since),
        "pending_runs": alert.pending_runs,
        "flaps": alert.flaps,
        "is_flapping": alert.is_flapping,
        "acked_at": _iso(alert.acked_at),
        "acked_by": alert.acked_by,
        "ack_note": alert.ack_note,
        "muted_until": _iso(muted.until) if muted else None,
        "mute_reason": muted.reason if muted else None,
        "data": alert.data,
    }


def _iso(instant: datetime | None) -> str | None:
    return iso_utc(instant) if instant else None


def alert_notes(found: Sequence[Alert], most: int = 10) -> list[Block]:
    """What a run raised, updated or resolved: a line each, those furthest above their bar first."""
    ordered = sorted(
        found, key=lambda a: (a.state is not AlertState.FIRING, -a.value / (a.threshold or 1))
    )
    notes = [
        Note(f"ALERT: {alert_told(a)} {a.url}", Tone.WARN)
        if a.state is AlertState.FIRING
        else Note(f"RESOLVED: {a.reason} {a.url}")
        for a in ordered[:most]
    ]
    more = len(found) - most
    return [*notes, Note(f"{whole(more)} more in `tagtide alerts list`.")] if more > 0 else [*notes]


def alert_row(alert: Alert, around: Around) -> tuple[Cell, ...]:
    """A row of the list."""
    tones = {AlertState.FIRING: Tone.WARN, AlertState.RESOLVED: Tone.MUTED}
    ended = None if alert.is_open else alert.resolved_at
    return (
        Cell(alert.alert_id[:8]),
        Cell(_state(alert, around), tone=tones.get(alert.state, Tone.PLAIN)),
        Cell(span((ended or around.now) - alert.opened_at)),
        Cell(_short(alert.opened_at)),
        Cell(_short(ended) if ended else ""),
        Cell(_why(alert)),
    )


def _short(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%d %b %H:%M}"


def _state(alert: Alert, around: Around) -> str:
    """The state, and what a person has done about it."""
    parts = [alert.state.value]
    if alert.is_flapping:
        parts.append("on and off")
    if alert.acked_at is not None and (alert.is_open or alert.is_flapping):
        parts.append(f"acked by {clean_text(alert.acked_by or '', 30)}")
    muted = mute_of(alert, around.mutes, around.now)
    if muted is not None:
        parts.append(f"muted until {when(muted.until)}")
    return ", ".join(parts)


def when(instant: datetime) -> str:
    """An instant for a person."""
    return f"{instant_text(instant, UTC)} UTC"


def _why(alert: Alert) -> str:
    if alert.rule is Rule.SELF:
        return alert.reason
    if alert.is_open:
        return alert_told(alert)
    if alert.fired_at is None and alert.pending_since is not None:
        return f"Did not last. {alert.reason}"
    return f"Peak {_peak(alert)}. At its end: {alert.reason}"


def _peak(alert: Alert) -> str:
    """The largest value of an episode, in the unit of its rule."""
    if alert.rule is Rule.GROWTH:
        return f"+{percent(alert.peak)}"
    if alert.rule is Rule.VIRAL_VIDEO:
        return f"{decimal(alert.peak)} times the mean"
    if alert.rule is Rule.NEW_VIDEOS:
        return f"{whole(alert.peak)} new videos"
    if alert.rule is Rule.STATISTICAL:
        return f"{_figure(alert, alert.peak)} gained"
    return decimal(alert.peak)


def _figure(alert: Alert, value: float) -> str:
    """A value in the unit of its rule."""
    if alert.rule is Rule.STATISTICAL:
        unit = "views" if alert.data.get("measure") == Measure.VIEWS else "videos"
        return f"{compact(value)} {unit}"
    return decimal(value)


def event_body(event: AlertEvent) -> dict[str, Any]:
    """A line of the history as JSON."""
    return {
        "at": iso_utc(event.at),
        "from": event.from_state.value if event.from_state else None,
        "to": event.to_state.value,
        "reason": event.reason,
        "told": event.told,
        "by": event.by,
        "note": event.note or None,
    }


def alert_blocks(alert: Alert, history: Sequence[AlertEvent], around: Around) -> list[Block]:
    """An alert with its facts and history."""
    top = alert.data.get("top_videos") or []
    columns = (Column("Creator"), Column("Views", Kind.NUMBER), Column("Caption"), Column("Video"))
    rows = tuple(
        (
            Cell(f"@{clean_text(v.get('author_username') or '-', 30)}", foreign=True),
            Cell(f"{v['view_count']:,}" if v.get("view_count") is not None else "-"),
            Cell(clean_text(v.get("caption") or "", 40), foreign=True),
            Cell(str(v.get("video_id")), link=v.get("url")),
        )
        for v in top
    )
    blocks: list[Block] = [
        Heading(f"Alert {alert.alert_id[:8]}"),
        Paragraph(alert.reason, lead=True),
    ]
    if why := alert_why(alert):
        blocks.append(Paragraph(clean_text(why, 600)))
    if hint := alert.data.get("hint"):
        blocks.append(Paragraph(str(hint)))
    blocks.append(KeyFigures(_figures(alert, around)))
    if alert.rule is not Rule.SELF:
        blocks.append(Table("Top videos", columns, rows, empty="No video of it is held."))
    blocks.append(_history(history))
    if alert.url:
        blocks.append(Link("Open on TikTok", alert.url))
    return blocks


def _figures(alert: Alert, around: Around) -> tuple[Figure, ...]:
    figures = [Figure("Rule", alert.rule.value.replace("_", " "))]
    if alert.rule is not Rule.SELF:
        name = around.name_of(alert.campaign_id) or "(removed)"
        figures = [Figure("Campaign", name), *figures]
    figures += [
        Figure("State", _state(alert, around)),
        Figure("Value", _figure(alert, alert.value), note=_bar(alert)),
        Figure("Peak", _figure(alert, alert.peak)),
        Figure("Opened", when(alert.opened_at)),
    ]
    if alert.resolved_at is not None:
        figures.append(Figure("Ended", when(alert.resolved_at)))
    if alert.flaps:
        figures.append(Figure("Came back", f"{alert.flaps} times"))
    if alert.acked_at is not None:
        note = clean_text(alert.ack_note or "", 200)
        figures.append(Figure("Acknowledged", when(alert.acked_at), note=note))
    muted = mute_of(alert, around.mutes, around.now)
    if muted is not None and muted.reason:
        figures.append(Figure("Muted because", clean_text(muted.reason, 200)))
    return tuple(figures)


def _bar(alert: Alert) -> str:
    bar = _figure(alert, alert.threshold)
    if alert.rule is not Rule.STATISTICAL:
        return f"threshold {bar}"
    is_fall = alert.data.get("direction") == Direction.FALL
    return f"usually {'no less' if is_fall else 'no more'} than {bar}"


def _history(history: Sequence[AlertEvent]) -> Table:
    columns = tuple(
        Column(title, kind)
        for title, kind in (
            ("When", Kind.INSTANT),
            ("State", Kind.TEXT),
            ("Because", Kind.TEXT),
            ("Told", Kind.TEXT),
            ("Who", Kind.TEXT),
            ("Note", Kind.TEXT),
        )
    )
    rows = tuple(
        (
            Cell(when(event.at)),
            Cell(_change_of(event)),
            Cell(event.reason.replace("_", " ")),
            Cell("yes" if event.told else "no"),
            Cell(clean_text(event.by or "", 30)),
            Cell(clean_text(event.note, 80)),
        )
        for event in history
    )
    return Table("History", columns, rows, empty="It is older than the history of alerts.")


def _change_of(event: AlertEvent) -> str:
    if event.from_state in {None, event.to_state}:
        return event.to_state.value
    return f"{event.from_state} to {event.to_state}"


def mute_body(made: Mute, around: Around) -> dict[str, Any]:
    """A mute as JSON."""
    return {
        "mute_id": made.mute_id,
        "alert_id": made.alert_id,
        "campaign": around.name_of(made.campaign_id),
        "hashtag": made.hashtag,
        "rule": made.rule.value if made.rule else None,
        "until": iso_utc(made.until),
        "reason": made.reason or None,
        "by": made.by,
        "created_at": iso_utc(made.created_at),
    }


def what_is_muted(made: Mute, around: Around) -> str:
    """What a mute covers."""
    if made.alert_id is not None:
        return f"alert {made.alert_id[:8]}"
    parts = []
    if made.hashtag is not None:
        parts.append(f"#{made.hashtag}")
    if made.rule is not None:
        parts.append(made.rule.value.replace("_", " "))
    if made.campaign_id is not None:
        parts.append(f"campaign {around.name_of(made.campaign_id) or '(removed)'}")
    return ", ".join(parts)
