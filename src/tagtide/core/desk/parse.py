"""From what a person types about rights to what is stored. All of it raises `InvalidInput`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tagtide.core.desk.clearance import WORLD
from tagtide.core.desk.terms import DeskState, Evidence, Fee, RightsChannel
from tagtide.core.formats import clean_text
from tagtide.core.names import nearest
from tagtide.errors import InvalidInput

LONGEST_NOTE = 2_000
LONGEST_EVIDENCE = 4_000
LONGEST_LABEL = 40
MOST_LABELS = 20
LONGEST_NAME = 100
#: Days for which TikTok gives out Spark codes.
SPARK_DAYS = (30, 60, 90, 365)
_LONGEST_ADDRESS = 2_000
_FARTHEST = timedelta(days=100 * 366)

#: NUL and halves of characters.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SPAN = re.compile(r"(\d{1,5})\s*([dwy])")
_DAYS = {"d": 1, "w": 7, "y": 365}
_WHEN = "Give a span (90d, 52w, 1y), a date (2027-03-01, which counts to its end) or an instant."


def parse_state(text: str) -> DeskState:
    """A state by its name."""
    name = text.strip().casefold()
    if name in {*DeskState}:
        return DeskState(name)
    near = nearest(name, [*DeskState])
    known = ", ".join(DeskState)
    hint = f"Did you mean {near}?" if near else f"There are {known}."
    raise InvalidInput(f"There is no state “{clean_text(text, 40)}” of the desk.", hint=hint)


def parse_channels(names: Iterable[str]) -> tuple[RightsChannel, ...]:
    """Channels by their names, also several in one text with commas; in our order, each once."""
    found = set()
    for name in (part.strip().casefold() for text in names for part in text.split(",")):
        if not name:
            continue
        if name not in {*RightsChannel}:
            near = nearest(name, [*RightsChannel])
            known = ", ".join(RightsChannel)
            raise InvalidInput(
                f"There is no rights channel “{clean_text(name, 40)}”.",
                hint=f"Did you mean {near}?" if near else f"There are {known}.",
            )
        found.add(RightsChannel(name))
    return tuple(channel for channel in RightsChannel if channel in found)


def parse_territory(text: str | None) -> tuple[str, ...]:
    """Countries by their two letters, ``EU``, or ``world``; empty is not stated."""
    codes: dict[str, None] = {}
    for part in re.split(r"[,;\s]+", (text or "").strip()):
        code = part.upper()
        if code in {"WORLD", "WORLDWIDE"}:
            return (WORLD,)
        if part and not re.fullmatch(r"[A-Z]{2}", code):
            raise InvalidInput(
                f"“{clean_text(part, 40)}” is no country code.",
                hint="Give two letters each (FR, DE), EU, or world.",
            )
        if part:
            codes[code] = None
    return tuple(codes)


def parse_end(text: str, now: datetime, zone: str = "UTC") -> datetime:
    """When a right or a code ends: a span from ``now`` on, a day to its end, or an instant.

    A day, and an instant without an offset, are in ``zone``.
    """
    end = _end(text.strip(), now, zone)
    if end is None:
        raise InvalidInput(f"“{clean_text(text, 40)}” is no end of a right.", hint=_WHEN)
    if end <= now:
        raise InvalidInput(f"It would end at {end:%Y-%m-%d %H:%M} UTC, which has passed.")
    if end - now > _FARTHEST:
        raise InvalidInput("That is more than a hundred years away.", hint="Leave the end out.")
    return end


def parse_span(text: str) -> timedelta:
    """Days, weeks or years: ``14d``."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidInput(f"“{clean_text(text, 40)}” is no span.", hint="Give 14d, 8w or 1y.")
    return timedelta(days=int(found[1]) * _DAYS[found[2]])


def parse_past(text: str, now: datetime, zone: str = "UTC") -> datetime:
    """An instant that has passed, such as that of a reply; a day is its begin in ``zone``."""
    at = _instant(text.strip(), zone, end_of_day=False)
    if at is None:
        raise InvalidInput(
            f"“{clean_text(text, 40)}” is no instant.", hint="Give 2026-11-26 or 2026-11-26T14:05."
        )
    if at > now:
        raise InvalidInput(f"{at:%Y-%m-%d %H:%M} UTC has not come yet.")
    return at


def _end(text: str, now: datetime, zone: str) -> datetime | None:
    if found := _SPAN.fullmatch(text.lower()):
        try:
            return now + timedelta(days=int(found[1]) * _DAYS[found[2]])
        except OverflowError:
            return None
    return _instant(text, zone, end_of_day=True)


def _instant(text: str, zone: str, *, end_of_day: bool) -> datetime | None:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = date.fromisoformat(text) + timedelta(days=1 if end_of_day else 0)
            read = datetime.combine(day, time())
        else:
            read = datetime.fromisoformat(text)
        aware = read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_fee(text: str) -> Fee:
    """``150 EUR``, ``0``, or what is no sum of money: ``two hoodies``."""
    plain = " ".join(text.split())
    found = re.fullmatch(
        r"([\d.,'\u00a0 ]*\d)\s*([A-Za-z]{3})?|([A-Za-z]{3})\s*([\d.,' ]*\d)", plain
    )
    if found is None:
        said = clean_text(plain, 200)
        if not said:
            raise InvalidInput("The fee is empty.", hint="Give 150 EUR, or leave it out.")
        return Fee(note=said)
    number, currency = found[1] or found[4], found[2] or found[3]
    amount = _amount(number)
    if amount is None:
        raise InvalidInput(f"“{clean_text(text, 40)}” is no sum.", hint="Give it as 1500.00 EUR.")
    fee = Fee(amount=amount, currency=currency.upper() if currency else None)
    if not fee.currency and not fee.is_nothing:
        raise InvalidInput("The fee has no currency.", hint=f"Give it as {number} EUR.")
    return fee


def _amount(text: str) -> str | None:
    """A decimal point, or a comma in front of one or two digits; anything else between digits is
    refused: a thousand must never become a one.
    """
    found = re.fullmatch(r"0*(\d{1,12})([.,]\d{1,2})?", text.strip())
    return None if found is None else found[1] + (found[2] or "").replace(",", ".")


def parse_evidence(texts: Iterable[str], at: datetime | None = None) -> Evidence | None:
    """The words of a reply, and the https address where it stands; None where neither is given."""
    words, url = [], None
    for text in texts:
        if re.match(r"\s*[a-z][a-z0-9+.-]*://\S+\s*$", text, re.IGNORECASE):
            if url is not None:
                raise InvalidInput("There are two addresses of the evidence; one is enough.")
            url = parse_link(text)
        elif kept := kept_lines(text, LONGEST_EVIDENCE, "evidence"):
            words.append(kept)
    if not words and url is None:
        if at is not None:
            raise InvalidInput("The evidence has an instant, and neither words nor an address.")
        return None
    return Evidence(text="\n".join(words), url=url, at=at)


def parse_link(text: str) -> str:
    """An https address without a user name in it."""
    link = text.strip()
    try:
        parts = urlsplit(link)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    is_plain = link.isprintable() and not re.search(r"[\s<>\"'`\\^{|}]", link)
    if not host or parts.scheme.lower() != "https" or not is_plain or "@" in parts.netloc:
        raise InvalidInput(
            "The address of the evidence cannot be used.",
            hint="Give one that begins with https://.",
        )
    if len(link) > _LONGEST_ADDRESS:
        raise InvalidInput("The address of the evidence is too long.")
    return link


def parse_spark_code(text: str) -> str:
    """A Spark code as it was sent, without the spaces around it. The message never repeats it."""
    code = text.strip()
    if not re.fullmatch(r"[!-~]{6,500}", code):
        raise InvalidInput(
            "That is no Spark code.", hint="Copy it as TikTok shows it: one word, no spaces."
        )
    return code


def masked(code: str | None) -> str | None:
    """A Spark code for lists: enough to tell two apart, nothing that works."""
    return None if code is None else f"…{code[-3:]}"


def parse_label(text: str) -> str:
    """A label: one short line, whose case does not count."""
    name = unicodedata.normalize("NFC", " ".join(text.split())).casefold()
    if not name:
        raise InvalidInput("The label is empty.")
    if clean_text(name, LONGEST_LABEL) != name:
        raise InvalidInput(
            f"A label has at most {LONGEST_LABEL} characters, and none that cannot be seen."
        )
    return name


def parse_name(text: str) -> str:
    """The name of a user."""
    name = " ".join(text.split())
    if not name or clean_text(name, LONGEST_NAME) != name:
        raise InvalidInput(
            f"A name has 1 to {LONGEST_NAME} characters, and none that cannot be seen."
        )
    return name


def kept_lines(text: str, limit: int, what: str) -> str:
    """Text of several lines as it was written; only what no database holds is replaced.

    Whoever shows it makes it harmless for its medium.
    """
    kept = "\n".join(text.splitlines()).strip()
    if len(kept) > limit:
        raise InvalidInput(f"The {what} is longer than {limit:,} characters.")
    return _UNSTORABLE.sub("\ufffd", kept)


def shown_lines(text: str, limit: int = 4_000) -> str:
    """Stored lines for a person: without characters that do something instead of being seen."""
    return "\n".join(clean_text(line, limit) for line in text.splitlines())
