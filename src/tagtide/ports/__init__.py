"""What the use cases need from the outside, as Protocols.

Adapters implement them; `bootstrap` wires.

Every method of `Store` may raise `StorageError`. Every method that reads the data API may raise
`SourceError`. One method of `Store` that writes is one transaction.
"""

from tagtide.ports.outside import Channel, Clock, Lifeline, Source, Spool
from tagtide.ports.records import (
    NOT_SENT,
    AttemptEnd,
    Balance,
    BudgetLimit,
    Changes,
    Claim,
    DeliveryCount,
    DetectorPool,
    DetectorState,
    HashtagState,
    KnownVideo,
    LedgerLine,
    LedgerTotals,
    Progress,
    QueueChange,
    Reservation,
    RunSummary,
    Settlement,
    Sighting,
    SightingEffect,
    SlotTaken,
    StoredReport,
)
from tagtide.ports.requests import RememberedRequest, RequestStore
from tagtide.ports.store import (
    AlertStore,
    CampaignStore,
    DetectorStore,
    LedgerStore,
    OutboxStore,
    ReadingStore,
    RunStore,
    Store,
)
from tagtide.ports.views import FreshVideo, HashtagPace, OverviewStore, WindowTotal

__all__ = [
    "NOT_SENT",
    "AlertStore",
    "AttemptEnd",
    "Balance",
    "BudgetLimit",
    "CampaignStore",
    "Changes",
    "Channel",
    "Claim",
    "Clock",
    "DeliveryCount",
    "DetectorPool",
    "DetectorState",
    "DetectorStore",
    "FreshVideo",
    "HashtagPace",
    "HashtagState",
    "KnownVideo",
    "LedgerLine",
    "LedgerStore",
    "LedgerTotals",
    "Lifeline",
    "OutboxStore",
    "OverviewStore",
    "Progress",
    "QueueChange",
    "ReadingStore",
    "RememberedRequest",
    "RequestStore",
    "Reservation",
    "RunStore",
    "RunSummary",
    "Settlement",
    "Sighting",
    "SightingEffect",
    "SlotTaken",
    "Source",
    "Spool",
    "Store",
    "StoredReport",
    "WindowTotal",
]
