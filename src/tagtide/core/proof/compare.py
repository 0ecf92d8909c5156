"""The readings of a capsule beside those that are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tagtide.core.formats import counted, whole
from tagtide.core.proof.records import HashtagReadingRecord, Reading, Records
from tagtide.core.proof.verify import MOST_NAMED, Changed, Check, State, Verdict
from tagtide.models import HashtagReading, VideoReading


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReadings:
    """What a database holds of the readings in a capsule."""

    #: By id of the video and instant.
    videos: Mapping[tuple[str, datetime], VideoReading]
    #: By name of the hashtag and instant.
    hashtags: Mapping[tuple[str, datetime], HashtagReading]


def compared(verdict: Verdict, stored: StoredReadings) -> Verdict:
    """The verdict with one more check: whether the stored readings say the same."""
    if verdict.records is None:
        return verdict
    found = list(_beside(verdict.records, stored))
    other = [entry for entry in found if entry.problem == "stored otherwise"]
    gone = len(found) - len(other)
    check = _check(verdict.records.readings, gone, len(other))
    room = MOST_NAMED - len(verdict.changed)
    return replace(
        verdict,
        checks=(*verdict.checks, check),
        changed=(*verdict.changed, *other[: max(room, 0)]),
    )


def _check(total: int, gone: int, other: int) -> Check:
    name = "database"
    if other:
        said = f"{counted(other, 'reading')} of {whole(total)} stand otherwise in the database."
        return Check(name, State.BROKEN, said)
    if total and gone == total:
        said = "The database holds none of these readings: it may be another one."
        return Check(name, State.UNPROVEN, said)
    if gone:
        said = (
            f"The database holds {whole(total - gone)} of {counted(total, 'reading')} and says the "
            "same. The others were thinned out, or went with a creator who was erased."
        )
        return Check(name, State.HOLDS, said)
    return Check(name, State.HOLDS, "The database holds all these readings and says the same.")


def _beside(records: Records, stored: StoredReadings) -> Iterator[Changed]:
    """One for each reading that is not stored as it stands in the file."""
    for reading in (*records.latest.values(), *records.earlier.values()):
        held = stored.videos.get((reading.video, reading.at))
        problem = _problem(held, held is not None and _is_same(reading, held))
        if problem:
            yield Changed(reading.n, problem, f"reading {reading.video} at {reading.at:%FT%TZ}")
    for tags in records.hashtag_readings.values():
        for tag in tags:
            known = stored.hashtags.get((tag.hashtag, tag.at))
            problem = _problem(known, known is not None and _is_same_tag(tag, known))
            if problem:
                yield Changed(tag.n, problem, f"hashtag reading at {tag.at:%FT%TZ}")


def _problem(held: object, is_same: bool) -> str | None:
    if held is None:
        return "not stored"
    return None if is_same else "stored otherwise"


def _is_same(reading: Reading, held: VideoReading) -> bool:
    counters = held.counters
    stored = (
        counters.view_count,
        counters.like_count,
        counters.comment_count,
        counters.share_count,
        counters.save_count,
        counters.source.value,
    )
    return stored == (
        reading.views,
        reading.likes,
        reading.comments,
        reading.shares,
        reading.saves,
        reading.field,
    )


def _is_same_tag(tag: HashtagReadingRecord, held: HashtagReading) -> bool:
    fields = [None if s is None else s.value for s in (held.view_source, held.video_source)]
    stored = (held.hashtag_id, held.view_count, held.video_count, *fields)
    return stored == (tag.id, tag.views, tag.videos, tag.views_field, tag.videos_field)
