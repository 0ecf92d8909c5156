"""Titles and texts of the user's own wording, with closed placeholders.

A placeholder is a name of `PLACEHOLDERS` in braces and nothing else: no attribute, no index, no
format. What is put in is never looked at again.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tagtide.errors import InvalidInput

#: Name and what it stands for.
PLACEHOLDERS = {
    "kind": "Alert, Still growing or Resolved",
    "campaign": "name of the campaign",
    "hashtag": "name of the hashtag, without #",
    "rule": "what raised the alert",
    "state": "firing or resolved",
    "reason": "what was measured, over which span, against which threshold",
    "explanation": "what the change is made of",
    "value": "the measured value",
    "threshold": "the value that was allowed",
    "new_videos": "new videos of the span",
    "views_per_hour": "growth of views per hour",
    "elapsed_hours": "hours between the two readings",
    "opened_at": "when the episode began",
    "updated_at": "when its figures were last read",
    "resolved_at": "when it ended",
    "top_creator": "author of the video on top",
    "top_views": "views of the video on top",
    "url": "the page to open next",
    "alert_id": "for `tagtide alerts show`",
}
MAX_TEMPLATE = 2_000
_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Template:
    """A checked wording: pieces of text and names of placeholders by turns."""

    #: (text, name behind it); the last name is empty.
    parts: tuple[tuple[str, str], ...]

    def filled(self, values: Mapping[str, str]) -> str:
        """The wording with every placeholder replaced."""
        return "".join(text + (values[name] if name else "") for text, name in self.parts)


def parse_template(text: str, placeholders: Mapping[str, str] = PLACEHOLDERS) -> Template:
    """Check a wording. Raises `InvalidInput` that names the first thing that is wrong.

    ``{{`` and ``}}`` stand for braces; ``placeholders`` is the closed list of names.
    """
    if len(text) > MAX_TEMPLATE:
        raise InvalidInput(f"a wording has at most {MAX_TEMPLATE:,} characters")
    parts: list[tuple[str, str]] = []
    literal, end = "", 0
    for found in _PART.finditer(text):
        literal += text[end : found.start()]
        end = found.end()
        match found.group():
            case "{{":
                literal += "{"
            case "}}":
                literal += "}"
            case "{" | "}":
                raise InvalidInput("a brace has no partner; write {{ or }} for a brace itself")
            case _:
                parts.append((literal, _known(found.group(1), placeholders)))
                literal = ""
    return Template((*parts, (literal + text[end:], "")))


def _known(name: str, placeholders: Mapping[str, str]) -> str:
    if name in placeholders:
        return name
    shown = "".join(char if char.isprintable() else "?" for char in name[:40])
    if not re.fullmatch(r"[A-Za-z_]+", name):
        raise InvalidInput(f"{{{shown}}} is no placeholder: only a name may stand in braces")
    near = difflib.get_close_matches(name.lower(), placeholders, n=1)
    meant = f"did you mean {{{near[0]}}}?" if near else f"there are {', '.join(placeholders)}"
    raise InvalidInput(f"there is no placeholder {{{shown}}}; {meant}")
