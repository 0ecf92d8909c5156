"""Earned media value: what the same attention might have cost, as a range over rate cards.

There is no standard. Published formulas differ by an order of magnitude for one and the same video,
so a single sum would be a choice in disguise: every card is shown with its receipt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tagtide.core.metrics import Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """Prices of attention; 0 leaves a counter out. Amounts are in the installation's currency."""

    name: str
    views_per_thousand: float = 0.0
    like: float = 0.0
    comment: float = 0.0
    share: float = 0.0
    save: float = 0.0


#: Published formulas, in US dollars: Octoly's after Ayzenberg; FairInfluence's; a flat price per
#: engagement (Human Calculations); and two that count views alone (Ignyte, MarketView).
PUBLISHED_CARDS = (
    RateCard(
        name="views and each engagement",
        views_per_thousand=6.89,
        like=0.09,
        comment=3.52,
        share=1.72,
    ),
    RateCard(
        name="views and engagement", views_per_thousand=10.0, like=0.15, comment=0.15, share=0.15
    ),
    RateCard(name="engagement alone", like=0.08, comment=0.08, share=0.08),
    RateCard(name="views at 10 per thousand", views_per_thousand=10.0),
    RateCard(name="views at 20 per thousand", views_per_thousand=20.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """One counter of a receipt."""

    counter: str
    count: int
    #: For one; for views, for one too.
    price: float

    @property
    def amount(self) -> float:
        """Count times price."""
        return self.count * self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A card applied to totals."""

    card: str
    lines: tuple[ReceiptLine, ...]

    @property
    def amount(self) -> float:
        """The sum of the lines."""
        return sum(line.amount for line in self.lines)

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "card": self.card,
            "amount": round(self.amount, 2),
            "lines": [
                {
                    "counter": line.counter,
                    "count": line.count,
                    "price": line.price,
                    "amount": round(line.amount, 2),
                }
                for line in self.lines
            ],
        }


def receipts(totals: Totals, cards: Sequence[RateCard]) -> tuple[Receipt, ...]:
    """A receipt per card, smallest amount first; none where a card needs a counter nobody knows.

    The totals are over videos whose counters are known, so that a receipt is a lower bound.
    """
    found = []
    for card in cards:
        counters = (
            ("views", totals.views.total, card.views_per_thousand / 1000),
            ("likes", totals.likes.total, card.like),
            ("comments", totals.comments.total, card.comment),
            ("shares", totals.shares.total, card.share),
            ("saves", totals.saves.total, card.save),
        )
        used = [(name, count, price) for name, count, price in counters if price]
        if not used or any(count is None for _, count, _ in used):
            continue
        lines = tuple(
            ReceiptLine(counter=name, count=count or 0, price=price) for name, count, price in used
        )
        found.append(Receipt(card=card.name, lines=lines))
    return tuple(sorted(found, key=lambda receipt: (receipt.amount, receipt.card)))
