"""What forms send, and where a reader is sent afterwards."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fastapi import HTTPException, Request
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from tagtide.models import Campaign
from tagtide.web.frame import shared_of
from tagtide.web.guard import SAFE, by_secret

_FORM = "application/x-www-form-urlencoded"
#: What mail programs may send as well.
_PARTS = "multipart/form-data"
_MOST_FIELDS = 200
#: A path of ours, and what may follow it; everything else a browser may read in its own way.
_LOCAL = re.compile(r"(/[\w.~@:!$&'()*+,;=%/-]*)(?:\?[\w.~@:!$&'()*+,;=%/?-]*)?", re.ASCII)
_LONGEST_PATH = 2000
#: Digits; more than any row will ever have.
_LONGEST_NUMBER = 15


def refuse_other_bodies(request: Request) -> None:
    """Refuse what is sent to a page and is no form of ours. Raises `HTTPException` 415.

    A page of somebody else can make a browser send text or JSON as if it were nothing.
    """
    path = request.url.path
    if request.method in SAFE or path.startswith(("/api/", "/mcp")) or path == "/logout":
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if kind != _FORM and not (by_secret(path) and kind == _PARTS):
        raise HTTPException(415, "A form was expected.")


async def form_of(request: Request) -> FormData:
    """The fields of a form of ours, with every value of a name; no files.

    Other kinds of bodies were refused at the door.
    """
    return await request.form(max_fields=_MOST_FIELDS, max_files=0)


async def fields_of(request: Request) -> Mapping[str, str]:
    """The fields of a form of ours, the last of each name."""
    form = await form_of(request)
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


def local_path(text: str | None, default: str = "/") -> str:
    """The path if it surely leads to a page of this server, else ``default``.

    Browsers take ``//host``, ``/\\host`` and paths with tabs in them for other hosts; a path is
    therefore taken only if it is written in the plainest way.
    """
    if text is None or len(text) > _LONGEST_PATH:
        return default
    found = _LOCAL.fullmatch(text)
    return default if found is None or "//" in found[1] else text


def number_of(text: str | None) -> int | None:
    """A number that a row can have; None for anything else."""
    if text is None or len(text) > _LONGEST_NUMBER or not (text.isascii() and text.isdigit()):
        return None
    return int(text)


async def campaign_of(request: Request, text: str) -> Campaign:
    """The campaign in service whose number a form or an address holds. Raises `NotFound`."""
    # No campaign has the number 0.
    return await shared_of(request).app.store.campaign_by_id(number_of(text) or 0)


def see(path: str) -> RedirectResponse:
    """Go on there, reading (303): loading that page again repeats nothing."""
    return RedirectResponse(path, 303)
