"""Where videos stand on the desk and what their rights allow, in words of reports.

By value, as `core.desk` writes them: the desk has messages of its own, so that they cannot ask it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from tagtide.core import formats as f
from tagtide.core.language import say, say_as
from tagtide.core.messages.blocks import Cell
from tagtide.core.messages.words import enumerate_words


def state_words(state: str) -> str:
    """Where a video stands."""
    words = {
        "new": say_as("on the desk", "not judged"),
        "shortlisted": say_as("on the desk", "shortlisted"),
        "asked": say_as("on the desk", "asked"),
        "granted": say_as("on the desk", "granted"),
        "declined": say_as("on the desk", "declined"),
        "expired": say_as("on the desk", "expired"),
        "revoked": say_as("on the desk", "revoked"),
    }
    return words[state]


def status_words(status: str) -> str:
    """What has become of a right."""
    words = {
        "standing": say_as("right", "stands"),
        "expired": say_as("right", "expired"),
        "revoked": say_as("right", "revoked"),
    }
    return words[status]


def channels_cell(channels: Sequence[str], most: int | None = None) -> Cell:
    """What a right is for; the first ``most`` where there is little room."""
    words = {
        "organic": say_as("rights channel", "organic"),
        "ads": say_as("rights channel", "ads"),
        "spark": say_as("rights channel", "Spark Ads"),
        "website": say_as("rights channel", "website"),
        "email": say_as("rights channel", "e-mail"),
        "retail": say_as("rights channel", "retail"),
        "print": say_as("rights channel", "print"),
        "tv": say_as("rights channel", "TV"),
        "outdoor": say_as("rights channel", "outdoor"),
        "press": say_as("rights channel", "press"),
    }
    shown = [words[one] for one in channels[:most]]
    left = len(channels) - len(shown)
    if left:
        shown.append(say("{count} more", count=f.whole(left)))
    return Cell(enumerate_words(shown))


def end_cell(until: datetime | None, zone: tzinfo) -> Cell:
    """The day on which a right ends."""
    return Cell(say("no end") if until is None else f.date_text(until, zone), value=until)


def place_words(territory: Sequence[str]) -> str:
    """Where a right holds."""
    if "WORLD" in territory:
        return say("worldwide")
    return ", ".join(territory) or f.DASH
