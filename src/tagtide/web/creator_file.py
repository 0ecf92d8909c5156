"""One creator on one page, as a file of its own."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import Response

from tagtide.core.language import Language, speaking
from tagtide.core.messages.appendix import creator_appendix
from tagtide.core.messages.creator import creator_blocks, creator_title
from tagtide.core.reports.creator import CreatorReport
from tagtide.renderers import render_as, render_json
from tagtide.renderers.look import Brand
from tagtide.web.documents import MEDIA, policy

CreatorStyle = Literal["json", "md", "html", "pdf", "xlsx"]


async def creator_file(
    report: CreatorReport, style: CreatorStyle, brand: Brand | None, language: Language
) -> Response:
    """The page with a policy of its own: no script, no request."""
    with speaking(language):
        content = await asyncio.to_thread(_rendered, report, style, brand)
    name = f"tagtide-creator-{report.on.isoformat()}.{style}"
    headers = {
        "Content-Security-Policy": policy(style, content),
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(content, media_type=MEDIA[style], headers=headers)


def _rendered(report: CreatorReport, style: CreatorStyle, brand: Brand | None) -> str | bytes:
    if style == "json":
        return render_json(report.as_dict())
    return render_as(
        style,
        creator_blocks(report),
        title=creator_title(report),
        as_of=report.as_of,
        timezone=report.timezone,
        brand=brand,
        appendix=creator_appendix(report) if style == "xlsx" else (),
    )
