"""Whether a video may be used somewhere at an instant, and if not, why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tagtide.core.desk.terms import DeskItem, Right, RightsChannel

WORLD = "WORLD"
EUROPEAN_UNION = "EU"
_MEMBERS = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT",
    "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip


class Clearance(StrEnum):
    """The answer; of several rights the one that comes nearest to a yes."""

    CLEARED = "cleared"
    #: Ads with the creator's post need the code as long as they run.
    SPARK_CODE_EXPIRED = "spark_code_expired"
    NO_SPARK_CODE = "no_spark_code"
    NOT_YET = "not_yet"
    REVOKED = "revoked"
    EXPIRED = "expired"
    OTHER_TERRITORY = "other_territory"
    #: The right does not say where it holds.
    TERRITORY_UNKNOWN = "territory_unknown"
    OTHER_CHANNEL = "other_channel"
    NO_RIGHT = "no_right"


_NEAREST_FIRST = tuple(Clearance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """Whether, why, by which right and until when."""

    reason: Clearance
    #: The right the answer rests on.
    right: Right | None = None
    #: Only where it is cleared: until when, as far as is known now; None has no end.
    until: datetime | None = None

    @property
    def is_cleared(self) -> bool:
        """Whether it may be used."""
        return self.reason is Clearance.CLEARED


def cleared(
    item: DeskItem, channel: RightsChannel, at: datetime, territory: str | None = None
) -> Cleared:
    """Whether the video may be used in a channel at an instant.

    Args:
        item: As its history makes it.
        channel: Where.
        at: When; rights that were revoked later still stood then.
        territory: A country, ``EU`` or ``WORLD``; None does not ask.
    """
    answers = [
        _judge(right, channel, at, territory) for right in item.rights if not right.is_withdrawn
    ]
    if not answers:
        return Cleared(reason=Clearance.NO_RIGHT)
    return min(answers, key=_order)


def _order(answer: Cleared) -> tuple[int, bool, float]:
    # Among those that clear, the one that lasts longest.
    lasts = answer.until.timestamp() if answer.until is not None else 0.0
    return _NEAREST_FIRST.index(answer.reason), answer.until is not None, -lasts


def _judge(right: Right, channel: RightsChannel, at: datetime, territory: str | None) -> Cleared:
    reason = _reason(right, channel, at, territory)
    until = None
    if reason is Clearance.CLEARED:
        ends = [right.ends_at()]
        if channel is RightsChannel.SPARK:
            ends.append(right.spark_expires_at)
        until = min((end for end in ends if end is not None), default=None)
    return Cleared(reason=reason, right=right, until=until)


def _reason(right: Right, channel: RightsChannel, at: datetime, territory: str | None) -> Clearance:
    if channel not in right.channels:
        return Clearance.OTHER_CHANNEL
    if territory is not None and not _covers(right.territory, territory):
        return Clearance.OTHER_TERRITORY if right.territory else Clearance.TERRITORY_UNKNOWN
    if at < right.granted_at:
        return Clearance.NOT_YET
    if right.revoked_at is not None and at >= right.revoked_at:
        return Clearance.REVOKED
    if right.expires_at is not None and at >= right.expires_at:
        return Clearance.EXPIRED
    if channel is not RightsChannel.SPARK:
        return Clearance.CLEARED
    if right.spark_code is None or right.spark_expires_at is None:
        return Clearance.NO_SPARK_CODE
    return Clearance.CLEARED if at < right.spark_expires_at else Clearance.SPARK_CODE_EXPIRED


def _covers(granted: tuple[str, ...], wanted: str) -> bool:
    if WORLD in granted or wanted in granted:
        return True
    return EUROPEAN_UNION in granted and wanted in _MEMBERS
