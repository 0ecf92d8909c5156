"""Settings of the reports: who hands them out, and what attention is said to cost."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator, model_validator

from tagtide.core.emv import PUBLISHED_CARDS, RateCard
from tagtide.core.reports.insights import Valuation
from tagtide.errors import InvalidInput
from tagtide.languages import check_code
from tagtide.section import Section


class RateCardSettings(Section):
    """Prices of attention; what is absent counts nothing."""

    views_per_thousand: float = Field(default=0.0, ge=0)
    like: float = Field(default=0.0, ge=0)
    comment: float = Field(default=0.0, ge=0)
    share: float = Field(default=0.0, ge=0)
    save: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _counts_something(self) -> RateCardSettings:
        if not any(self.model_dump().values()):
            raise ValueError("counts nothing: give at least one price")
        return self


class ReportSettings(Section):
    """The reports."""

    #: Who hands the reports out; their name, colour and logo stand on top.
    brand: str | None = Field(default=None, min_length=1, max_length=100)
    color: str | None = Field(default=None, pattern=r"^#[0-9a-fA-F]{6}$")
    #: A PNG or a JPEG of at most 500 kB, beside the configuration file or anywhere.
    logo: Path | None = None
    #: Of reports of campaigns that name none.
    language: str = "en"
    #: Of the rate cards; the published ones are in US dollars.
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    #: Own cards instead of the published ones.
    rate_cards: dict[str, RateCardSettings] = Field(default_factory=dict, max_length=10)

    @field_validator("language")
    @classmethod
    def _is_shipped(cls, code: str) -> str:
        try:
            return check_code(code)
        except InvalidInput as error:
            raise ValueError(f"{error} {error.hint}") from error

    @model_validator(mode="after")
    def _own_money(self) -> ReportSettings:
        if self.currency != "USD" and not self.rate_cards:
            raise ValueError(
                f"currency is {self.currency}, but the published rate cards are in USD: "
                "give your own under [reports.rate_cards.NAME]"
            )
        return self

    @property
    def valuation(self) -> Valuation:
        """How reports count earned media value."""
        own = tuple(
            RateCard(name=name, **card.model_dump()) for name, card in self.rate_cards.items()
        )
        return Valuation(cards=own or PUBLISHED_CARDS, currency=self.currency)
