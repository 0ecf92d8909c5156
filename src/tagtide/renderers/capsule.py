"""The page of a proof capsule: readable from a disk, without a script and without a request.

As with every page, Jinja2 escapes each value and a policy in the page forbids what should slip
through. The data part is not drawn here: it stands between the two halves, and its own format
keeps it free of markup.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tagtide.core.formats import clean_text
from tagtide.core.proof.contents import Contents
from tagtide.renderers.page import page_template

if TYPE_CHECKING:
    from jinja2 import Template

_LONGEST = 1_000
#: Where the data part will stand; escaped text never holds it.
_PLACE = "<!-- data -->\n"


def render(contents: Contents) -> tuple[bytes, bytes]:
    """What stands before the data part, and what stands behind it."""
    before, after = _template().render(page=contents).split(_PLACE)
    return before.encode(), f"{after}\n".encode()


@lru_cache(maxsize=1)
def _template() -> Template:
    filters = {"clean": lambda text: clean_text(text, _LONGEST)}
    return page_template("capsule.html.j2", filters)
