"""What an agent is told of a failure: one of a few fixed sentences.

What was sent is never repeated: an agent that passes on a stranger's text must not get it back as
a word of ours.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from tagtide import errors as e


class Refusal(Exception):
    """A failure with a fixed sentence of its own; holds nothing that was sent."""


NO_CAMPAIGN = "There is no such campaign; list_campaigns names them."
NO_HASHTAG = "This campaign does not watch that hashtag; list_campaigns says what it watches."
NO_ALERT = "There is no such alert; the tool alerts lists them."
NOTHING_READ = "Nothing has been read for this campaign yet."
NO_SETTING = "There is no such setting of that rule, or the value is outside its limits."
NO_TOOL = "There is no such tool; tools/list names them."
TOO_FAST = "Too many calls in a minute; wait and try again."
FAULT = "tagtide met a fault of its own; its log has the details."

#: By error class; the nearest ancestor counts.
SENTENCES: dict[type[e.TagtideError], str] = {
    e.TagtideError: "This did not work.",
    e.ConfigError: "The configuration does not allow this; the operator can put it right.",
    e.InvalidInput: "An argument cannot be used; the description of the tool says what it takes.",
    e.NotFound: "There is no such thing.",
    e.Conflict: "It has changed meanwhile; look again.",
    e.SourceError: "The data API did not give a usable answer.",
    e.CreditsExhausted: "The data API says that no credits are left.",
    e.AuthenticationFailed: "The data API does not accept the key.",
    e.BudgetExceeded: "The budget does not allow this; nothing was spent.",
    e.StorageError: "The database did not do what was asked.",
    e.StorageReadOnly: "The database cannot be written.",
    e.StorageBusy: "The database is busy; try again in a moment.",
    e.SchemaOutdated: "The database is too old; the operator runs `tagtide db upgrade`.",
    e.DataInUse: "Another process is at work on this; try again later.",
}


def sentence_of(error: Exception) -> str:
    """What an agent is told."""
    if isinstance(error, Refusal):
        return str(error)
    if isinstance(error, e.TagtideError):
        return next(SENTENCES[kind] for kind in type(error).__mro__ if kind in SENTENCES)
    return FAULT


def misfit(error: ValidationError, schema: dict[str, Any]) -> str:
    """Which arguments do not fit, by our names for them, and what the tool takes."""
    known = list(schema.get("properties", {}))
    named = {str(item["loc"][0]) for item in error.errors() if item["loc"]}
    wrong = [name for name in known if name in named]
    takes = ", ".join(known) or "nothing"
    which = f"These arguments do not fit: {', '.join(wrong)}. " if wrong else ""
    unknown = "" if wrong else "There is no such argument. "
    return f"{which}{unknown}The tool takes: {takes}."
