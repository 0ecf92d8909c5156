"""What each kind of export holds, column by column."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from datetime import UTC, tzinfo
from typing import Any, Protocol, TextIO

from tagtide.core.metrics import CreatorStanding, VideoFacts
from tagtide.errors import InvalidInput
from tagtide.exports import csv as csv_format
from tagtide.exports import jsonl as jsonl_format
from tagtide.models import Alert, HashtagReading, VideoReading, video_url

Row = dict[str, Any]
#: A row as typed values by column: numbers, booleans, aware instants, dates, text, lists of words.
Record = Callable[[Any, tzinfo], Row]


class RightRow(Protocol):
    """A right with the video it is for, as the views of the desk give it."""

    @property
    def line(self) -> Any:
        """The video."""

    @property
    def right(self) -> Any:
        """The right."""


def export_rows(
    kind: str,
    rows: Iterable[Any],
    format: str,  # noqa: A002 - the word users type
    stream: TextIO,
    *,
    raw: bool = False,
    bom: bool = False,
    header: bool = True,
    zone: tzinfo = UTC,
) -> int:
    """Write rows to a text stream as they come, and return how many.

    Args:
        kind: ``videos`` (`ports.KnownVideo`), ``creators`` (`metrics.CreatorStanding`),
            ``readings`` (`HashtagReading` or `VideoReading`), ``alerts`` (`Alert`) or ``rights``
            (a right with the video it is for).
        rows: Read once, never held as a whole.
        format: ``csv`` or ``jsonl``.
        stream: Opened with ``encoding="utf-8", newline=""``.
        raw: CSV only: strangers' text without the defence against spreadsheet formulas. For
            machines; never open such a file in a spreadsheet.
        bom: CSV only: start with a byte order mark, which Excel needs to read UTF-8.
        header: CSV only: begin with the names of the columns; not for what continues a file.
        zone: Of ``collected_date``; instants are always UTC.

    Raises `InvalidInput` for an unknown kind or format.
    """
    columns, record = columns_and_record(kind)
    records = (record(row, zone) for row in rows)
    if format == "csv":
        return csv_format.write(columns, records, stream, raw=raw, bom=bom, header=header)
    if format == "jsonl":
        return jsonl_format.write(records, stream)
    raise InvalidInput(f"{format!r} is not an export format.", hint="Use csv or jsonl.")


def export_chunk(
    kind: str,
    rows: Iterable[Any],
    format: str,  # noqa: A002 - the word users type
    *,
    is_first: bool = False,
    raw: bool = False,
    zone: tzinfo = UTC,
) -> str:
    """A part of a file that is sent while it is read; the first carries what stands above rows.

    Arguments and errors as in `export_rows`. For machines (``raw``) there is no byte order mark.
    """
    stream = io.StringIO(newline="")
    export_rows(
        kind, rows, format, stream, raw=raw, bom=is_first and not raw, header=is_first, zone=zone
    )
    return stream.getvalue()


def columns_and_record(kind: str) -> tuple[tuple[str, ...], Record]:
    """Columns of a kind, and what makes its records. Raises `InvalidInput`."""
    try:
        return KINDS[kind]
    except KeyError:
        hint = f"Use one of: {', '.join(KINDS)}."
        raise InvalidInput(f"There is no export of {kind!r}.", hint=hint) from None


def _rate(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _video(video: VideoFacts, zone: tzinfo) -> Row:
    counters = video.counters
    return {
        "video_id": video.video_id,
        "hashtag": video.hashtag,
        "author_username": video.author_username,
        "author_sec_uid": video.author_sec_uid,
        "title": video.caption,
        "view_count": counters.view_count,
        "like_count": counters.like_count,
        "comment_count": counters.comment_count,
        "share_count": counters.share_count,
        "engagement_rate": _rate(counters.engagement_rate),
        "high_priority": video.high_priority_at is not None,
        "created_at": video.created_at,
        "collected_date": video.first_seen_at.astimezone(zone).date(),
        "save_count": counters.save_count,
        "engagement": counters.engagement,
        "author_followers": video.author_followers,
        "hashtags": list(video.hashtags),
        "first_seen_at": video.first_seen_at,
        "read_at": video.read_at,
        "url": video_url(video.video_id, video.author_username),
    }


def _creator(creator: CreatorStanding, zone: tzinfo) -> Row:  # noqa: ARG001 - one signature
    return {
        "author_username": creator.author_username,
        "author_sec_uid": creator.author_sec_uid,
        "author_nickname": creator.author_nickname,
        "author_followers": creator.author_followers,
        "videos": creator.videos,
        "total_views": creator.views.total,
        "total_engagement": creator.engagement.total,
        "engagement_rate": _rate(creator.engagement_rate),
        "high_priority_videos": creator.high_priority_videos,
        "views_unknown": creator.views.unknown,
        "top_video_id": creator.top_video_id,
    }


def _reading(reading: HashtagReading | VideoReading, zone: tzinfo) -> Row:  # noqa: ARG001 - one signature
    blank: Row = dict.fromkeys(_READINGS)
    if isinstance(reading, HashtagReading):
        return blank | {
            "subject": "hashtag",
            "hashtag": reading.hashtag,
            "hashtag_id": reading.hashtag_id,
            "read_at": reading.read_at,
            "view_count": reading.view_count,
            "view_source": reading.view_source and reading.view_source.value,
            "view_unit": reading.view_unit,
            "video_count": reading.video_count,
            "video_source": reading.video_source and reading.video_source.value,
            "video_unit": reading.video_unit,
        }
    counters = reading.counters
    return blank | {
        "subject": "video",
        "video_id": reading.video_id,
        "read_at": reading.read_at,
        "view_count": counters.view_count,
        "view_source": counters.source.value,
        "like_count": counters.like_count,
        "comment_count": counters.comment_count,
        "share_count": counters.share_count,
        "save_count": counters.save_count,
        "engagement": counters.engagement,
        "engagement_rate": _rate(counters.engagement_rate),
    }


def _alert(alert: Alert, zone: tzinfo) -> Row:  # noqa: ARG001 - one signature
    return {
        "alert_id": alert.alert_id,
        "campaign_id": alert.campaign_id,
        "rule": alert.rule.value,
        "hashtag": alert.hashtag,
        "video_id": alert.video_id,
        "state": alert.state.value,
        "opened_at": alert.opened_at,
        "updated_at": alert.updated_at,
        "resolved_at": alert.resolved_at,
        "value": alert.value,
        "threshold": alert.threshold,
        "peak": alert.peak,
        "reason": alert.reason,
        "url": alert.url,
    }


def _right(found: RightRow, zone: tzinfo) -> Row:  # noqa: ARG001 - one signature
    line, right = found.line, found.right
    return {
        "video_id": line.video_id,
        "url": line.url,
        "author_username": line.author_username,
        "campaign": line.campaign,
        "state": str(line.state),
        "right": right.right,
        "status": str(right.status),
        "channels": [str(channel) for channel in right.channels],
        "territory": list(right.territory),
        "edits": right.edits,
        "is_paid": right.is_paid,
        "fee_amount": right.fee_amount,
        "fee_currency": right.fee_currency,
        "fee_note": right.fee_note,
        "granted_at": right.granted_at,
        "expires_at": right.expires_at,
        "revoked_at": right.revoked_at,
        "evidence": right.evidence,
        "evidence_url": right.evidence_url,
        "evidence_at": right.evidence_at,
        "spark_code": right.spark_code,
        "spark_expires_at": right.spark_expires_at,
        "recorded_at": right.recorded_at,
        "recorded_by": right.recorded_by,
    }


_RIGHTS = (
    "video_id",
    "url",
    "author_username",
    "campaign",
    "state",
    "right",
    "status",
    "channels",
    "territory",
    "edits",
    "is_paid",
    "fee_amount",
    "fee_currency",
    "fee_note",
    "granted_at",
    "expires_at",
    "revoked_at",
    "evidence",
    "evidence_url",
    "evidence_at",
    "spark_code",
    "spark_expires_at",
    "recorded_at",
    "recorded_by",
)
_VIDEOS = (
    "video_id",
    "hashtag",
    "author_username",
    "author_sec_uid",
    "title",
    "view_count",
    "like_count",
    "comment_count",
    "share_count",
    "engagement_rate",
    "high_priority",
    "created_at",
    "collected_date",
    "save_count",
    "engagement",
    "author_followers",
    "hashtags",
    "first_seen_at",
    "read_at",
    "url",
)
_CREATORS = (
    "author_username",
    "author_sec_uid",
    "author_nickname",
    "author_followers",
    "videos",
    "total_views",
    "total_engagement",
    "engagement_rate",
    "high_priority_videos",
    "views_unknown",
    "top_video_id",
)
_READINGS = (
    "subject",
    "hashtag",
    "hashtag_id",
    "video_id",
    "read_at",
    "view_count",
    "view_source",
    "view_unit",
    "video_count",
    "video_source",
    "video_unit",
    "like_count",
    "comment_count",
    "share_count",
    "save_count",
    "engagement",
    "engagement_rate",
)
_ALERTS = (
    "alert_id",
    "campaign_id",
    "rule",
    "hashtag",
    "video_id",
    "state",
    "opened_at",
    "updated_at",
    "resolved_at",
    "value",
    "threshold",
    "peak",
    "reason",
    "url",
)

#: Columns and record maker of each kind.
KINDS: dict[str, tuple[tuple[str, ...], Record]] = {
    "videos": (_VIDEOS, _video),
    "creators": (_CREATORS, _creator),
    "readings": (_READINGS, _reading),
    "alerts": (_ALERTS, _alert),
    "rights": (_RIGHTS, _right),
}
