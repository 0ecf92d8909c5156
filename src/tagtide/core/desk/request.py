"""The text with which a creator is asked, ready to be copied.

A wording has closed placeholders, as those of messages have; strangers' words that are put in are
one clean line each and are never looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tagtide.core.desk.clearance import WORLD
from tagtide.core.desk.terms import Fee, RightsChannel
from tagtide.core.desk.words import channels_words, fee_words, territory_words
from tagtide.core.formats import DASH, clean_text
from tagtide.core.messages.blocks import safe_link
from tagtide.core.messages.template import Template, parse_template

#: Name and what it stands for.
PLACEHOLDERS = {
    "creator": "the creator's handle, without @",
    "brand": "name of the brand; the campaign's where none is set",
    "campaign": "name of the campaign",
    "link": "address of the video",
    "channels": "where it is to be used",
    "territory": "where in the world",
    "duration": "for how long",
    "paid": "a sentence on what is paid; empty where nothing is said",
}
DEFAULT_REQUEST = """\
Hi @{creator}, we love your video: {link}

May {brand} use it on {channels}? Where: {territory}. For how long: {duration}. {paid}

If that is all right, please answer "Yes, {brand} may use it". We credit you, and you can take it \
back at any time by writing to us. Thank you!"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTerms:
    """What is asked for."""

    channels: tuple[RightsChannel, ...] = (RightsChannel.ORGANIC,)
    territory: tuple[str, ...] = (WORLD,)
    #: None has no end.
    duration: timedelta | None = timedelta(days=365)
    #: None says nothing about it.
    is_paid: bool | None = None
    fee: Fee | None = None


def parse_request(text: str) -> Template:
    """Check a wording of the request. Raises `InvalidInput`."""
    return parse_template(text, PLACEHOLDERS)


def request_text(
    wording: str | None,
    terms: RequestTerms,
    *,
    creator: str | None,
    url: str,
    campaign: str,
    brand: str | None = None,
) -> str:
    """The text to send. Raises `InvalidInput` for a wording that is not usable."""
    values = {
        "creator": clean_text(creator, 64) or DASH,
        "brand": clean_text(brand or campaign, 100),
        "campaign": clean_text(campaign, 100),
        "link": safe_link(url) or DASH,
        "channels": channels_words(terms.channels),
        "territory": territory_words(terms.territory),
        "duration": duration_words(terms.duration),
        "paid": _paid(terms),
    }
    filled = parse_request(wording or DEFAULT_REQUEST).filled(values)
    lines = (clean_text(line, 2_000) for line in filled.splitlines())
    return "\n".join(lines).strip()


def duration_words(duration: timedelta | None) -> str:
    """``12 months`` for whole years, else days."""
    if duration is None:
        return "without an end"
    days = duration.days
    if days and days % 365 == 0:
        return f"{days // 365 * 12} months"
    return f"{days} day{'' if days == 1 else 's'}"


def _paid(terms: RequestTerms) -> str:
    said = fee_words(terms.fee, None)
    if said != DASH:
        return f"We would pay you: {said}."
    if terms.is_paid is None:
        return ""
    return "We would pay you for it." if terms.is_paid else "There is no payment for it."
