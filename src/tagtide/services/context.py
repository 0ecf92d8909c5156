"""What every use case works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tagtide.core.dispatch import DispatchPolicy
from tagtide.core.periods import start_of_day
from tagtide.core.reports.insights import Valuation
from tagtide.core.retry import Breaker
from tagtide.models import Campaign, HashtagOutcome
from tagtide.ports import BudgetLimit, Clock, ReportPress, Source, Spool, Store

#: Called after each hashtag of a run.
OnOutcome = Callable[[HashtagOutcome], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPolicy:
    """The installation's own limits; None is no limit. Days and months are those of UTC."""

    credits_per_day: int | None = None
    credits_per_month: int | None = None
    warn_at: float = 0.8
    #: Limits of one piece of work, beside those of the installation.
    more: tuple[BudgetLimit, ...] = ()

    def limits(self, campaign: Campaign | None, now: datetime) -> list[BudgetLimit]:
        """Every limit that binds a call made for ``campaign`` at ``now``."""
        midnight = start_of_day(now)
        found = [*self.more]
        if self.credits_per_day is not None:
            found.append(BudgetLimit(credits=self.credits_per_day, since=midnight, period="today"))
        if self.credits_per_month is not None:
            first = midnight.replace(day=1)
            found.append(
                BudgetLimit(credits=self.credits_per_month, since=first, period="this month")
            )
        if campaign is not None and campaign.credits_per_day is not None:
            found.append(
                BudgetLimit(
                    credits=campaign.credits_per_day,
                    since=start_of_day(now, campaign.timezone),
                    period=f"today for {campaign.name}",
                    campaign_id=campaign.campaign_id,
                )
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPolicy:
    """What the configuration says about the desk."""

    #: Name of the brand in requests; None takes the campaign's name.
    brand: str | None = None
    #: A request that has waited for so long is worth a reminder.
    unanswered: timedelta = timedelta(days=7)
    #: Hour of the day, in the campaign's zone, from which people are reminded.
    remind_hour: int = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Ports and policies of one process."""

    store: Store
    source: Source
    clock: Clock
    budget: BudgetPolicy = BudgetPolicy()
    #: None keeps nothing aside: what the database does not take is lost with the error.
    spool: Spool | None = None
    #: Names of the configured channels.
    channels: tuple[str, ...] = ()
    #: The kind of each of them, by name.
    kinds: Mapping[str, str] = field(default_factory=dict)
    #: Where others reach tagtide's own pages, without a slash at the end; None: nowhere.
    home: str | None = None
    #: Makes files of reports; None makes none.
    press: ReportPress | None = None
    #: How messages to a channel are paced, folded and held; by name.
    dispatch: Mapping[str, DispatchPolicy] = field(default_factory=dict)
    #: How long one hashtag may wait for the API before it fails.
    slot_deadline: timedelta = timedelta(minutes=15)
    #: How long a slot belongs to a process that has fallen silent.
    lease: timedelta = timedelta(seconds=60)
    price_per_credit: float = 0.01
    currency: str = "USD"
    desk: DeskPolicy = DeskPolicy()
    #: How reports count earned media value.
    valuation: Valuation = field(default_factory=Valuation)
    #: Of reports of campaigns that name none, as `tagtide.languages` names it.
    language: str = "en"
    #: Shared by all runs of the process, so that an outage is noticed once.
    breaker: Breaker = field(default_factory=Breaker)

    def channels_of(self, campaign: Campaign) -> tuple[str, ...]:
        """Channels that alerts of a campaign go to: its own choice, else all."""
        if not campaign.channels:
            return self.channels
        return tuple(name for name in campaign.channels if name in self.channels)
