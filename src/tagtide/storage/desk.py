"""The desk: one row per touched video, made of its steps; steps and rights are only ever added."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, select, update

from tagtide.core.desk import DeskState, Evidence, Fee, Right, RightsChannel, Step, StepKind
from tagtide.core.desk.reminders import ends_of, last_end_of
from tagtide.errors import Conflict, NotFound
from tagtide.ports import DeskRecord, DeskWrite
from tagtide.storage import tables as t
from tagtide.storage.readings import known_videos_in
from tagtide.storage.rows import Topic, insert


class Desk(Topic):
    """The part of the store that keeps what was decided about single videos."""

    async def desk_campaigns(self, video_id: str) -> list[int]:
        """Campaigns in service that hold a video, oldest first."""
        held = t.campaign_video.c
        query = (
            select(held.campaign_id)
            .join(t.video, t.video.c.id == held.video_key)
            .join(t.campaign, t.campaign.c.id == held.campaign_id)
            .where(t.video.c.video_id == video_id, t.campaign.c.removed_at.is_(None))
            .order_by(held.campaign_id)
        )
        return await self._db.read(lambda c: list(c.execute(query).scalars()))

    async def desk_record(self, campaign_id: int, video_id: str) -> DeskRecord:
        """One video with its history. Raises `NotFound` when the campaign does not hold it."""
        return await self._db.read(lambda c: _record(c, campaign_id, video_id))

    async def desk_with_rights(self, campaign_id: int) -> list[DeskRecord]:
        """Every video for which a right was ever recorded, by id."""
        return await self._db.read(lambda c: _with_rights(c, campaign_id))

    async def put_desk_step(self, write: DeskWrite) -> None:
        """Add a step. Raises `Conflict` when it rests on an older version, `NotFound`."""
        await self._db.write(lambda c: _put(c, write))


# --- reading --------------------------------------------------------------------------------------


def _record(connection: Connection, campaign_id: int, video_id: str) -> DeskRecord:
    this = select(t.video.c.id).where(t.video.c.video_id == video_id)
    found = known_videos_in(connection, campaign_id, this)
    if not found:
        raise _not_held(video_id)
    key = connection.execute(this).scalar_one()
    steps, rights = t.desk_step.c, t.desk_right.c
    mine = (steps.campaign_id == campaign_id, steps.video_key == key)
    ours = (rights.campaign_id == campaign_id, rights.video_key == key)
    history = connection.execute(select(t.desk_step).where(*mine).order_by(steps.number))
    given = connection.execute(select(t.desk_right).where(*ours).order_by(rights.number))
    return DeskRecord(
        campaign_id=campaign_id,
        video=found[0],
        steps=tuple(_step(row) for row in history),
        rights=tuple(_right(row) for row in given),
    )


def _not_held(video_id: str) -> NotFound:
    return NotFound(
        f"The campaign does not hold the video {video_id!r}.",
        hint="`tagtide desk list` and `tagtide videos` show ids.",
    )


def _with_rights(connection: Connection, campaign_id: int) -> list[DeskRecord]:
    rights, steps = t.desk_right.c, t.desk_step.c
    some = select(rights.video_key).where(rights.campaign_id == campaign_id)
    ids = dict(
        connection.execute(
            select(t.video.c.video_id, t.video.c.id).where(t.video.c.id.in_(some))
        ).all()
    )
    given = connection.execute(
        select(t.desk_right).where(rights.campaign_id == campaign_id).order_by(rights.number)
    )
    history = connection.execute(
        select(t.desk_step)
        .where(steps.campaign_id == campaign_id, steps.video_key.in_(some))
        .order_by(steps.number)
    )
    rights_of = _by_video(given)
    steps_of = _by_video(history)
    return [
        DeskRecord(
            campaign_id=campaign_id,
            video=video,
            steps=tuple(_step(row) for row in steps_of.get(ids[video.video_id], ())),
            rights=tuple(_right(row) for row in rights_of.get(ids[video.video_id], ())),
        )
        for video in known_videos_in(connection, campaign_id, some)
    ]


def _by_video(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.video_key, []).append(row)
    return found


def _step(row: Any) -> Step:
    return Step(
        number=row.number,
        at=row.at,
        by=row.by,
        kind=StepKind(row.kind),
        from_state=DeskState(row.from_state),
        to_state=DeskState(row.to_state),
        note=row.note,
        data=row.data,
    )


def _right(row: Any) -> Right:
    return Right(
        number=row.number,
        channels=tuple(RightsChannel(name) for name in row.channels),
        territory=tuple(row.territory),
        edits=row.edits,
        is_paid=row.is_paid,
        fee=_fee(row),
        granted_at=row.granted_at,
        expires_at=row.expires_at,
        evidence=_evidence(row),
        spark_code=row.spark_code,
        spark_expires_at=row.spark_expires_at,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
    )


def _fee(row: Any) -> Fee | None:
    if row.fee_amount is None and row.fee_note is None:
        return None
    return Fee(amount=row.fee_amount, currency=row.fee_currency, note=row.fee_note or "")


def _evidence(row: Any) -> Evidence | None:
    if row.evidence_text is None:
        return None
    return Evidence(text=row.evidence_text, url=row.evidence_url, at=row.evidence_at)


# --- writing --------------------------------------------------------------------------------------


def _put(connection: Connection, write: DeskWrite) -> None:
    key = _key_of(connection, write)
    mine = {"campaign_id": write.campaign_id, "video_key": key}
    _put_item(connection, write, mine)
    step = asdict(write.step) | {"data": dict(write.step.data)}
    connection.execute(t.desk_step.insert().values(mine | step))
    if write.right is not None:
        connection.execute(t.desk_right.insert().values(mine | _right_row(write.right)))
    _replace(connection, t.desk_label, mine, [{"label": name} for name in write.after.labels])
    ends = [
        {"number": end.number, "cause": end.cause, "at": end.at} for end in ends_of(write.after)
    ]
    _replace(connection, t.desk_end, mine, ends)


def _key_of(connection: Connection, write: DeskWrite) -> int:
    held = t.campaign_video.c
    query = (
        select(held.video_key)
        .join(t.video, t.video.c.id == held.video_key)
        .where(held.campaign_id == write.campaign_id, t.video.c.video_id == write.video_id)
    )
    key: int | None = connection.execute(query).scalar_one_or_none()
    if key is None:
        raise _not_held(write.video_id)
    return key


def _put_item(connection: Connection, write: DeskWrite, mine: dict[str, int]) -> None:
    after, before = write.after, write.step.number - 1
    values = {
        "state": after.state,
        "version": write.step.number,
        "assignee": after.assignee,
        "asked_in": after.asked_in,
        "asked_at": after.asked_at,
        "ends_at": last_end_of(after),
        "changed_at": write.step.at,
        "changed_by": write.step.by,
    }
    if before:
        item = t.desk_item.c
        known = [item[name] == value for name, value in mine.items()]
        statement = update(t.desk_item).where(*known, item.version == before).values(values)
    else:
        statement = insert(connection, t.desk_item).values(mine | values).on_conflict_do_nothing()
    if connection.execute(statement.returning(t.desk_item.c.version)).first() is None:
        raise Conflict(
            f"The video {write.video_id} was changed on the desk by somebody else just now.",
            hint="Look at it again, then decide.",
        )


def _right_row(right: Right) -> dict[str, Any]:
    fee, evidence = right.fee, right.evidence
    return {
        "number": right.number,
        "channels": list(right.channels),
        "territory": list(right.territory),
        "edits": right.edits,
        "is_paid": right.is_paid,
        "fee_amount": fee.amount if fee else None,
        "fee_currency": fee.currency if fee else None,
        "fee_note": fee.note if fee and fee.note else None,
        "granted_at": right.granted_at,
        "expires_at": right.expires_at,
        "evidence_text": evidence.text if evidence else None,
        "evidence_url": evidence.url if evidence else None,
        "evidence_at": evidence.at if evidence else None,
        "spark_code": right.spark_code,
        "spark_expires_at": right.spark_expires_at,
        "recorded_at": right.recorded_at,
        "recorded_by": right.recorded_by,
    }


def _replace(
    connection: Connection, table: Any, mine: dict[str, int], rows: list[dict[str, Any]]
) -> None:
    """What is made of the steps is made again."""
    connection.execute(delete(table).where(*(table.c[n] == value for n, value in mine.items())))
    if rows:
        connection.execute(table.insert(), [mine | row for row in rows])
