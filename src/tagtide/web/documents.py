"""Reports as documents of their own: their media types, and what a browser lets them do."""

from __future__ import annotations

import base64
import hashlib
import re

MEDIA = {
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def policy(style: str, content: str | bytes) -> str:
    """What a document may do: show itself, a page with the one style sheet that stands in it."""
    page = content if style == "html" and isinstance(content, str) else ""
    sheets = [
        base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
        for sheet in _STYLE.findall(page)[:1]
    ]
    styles = " ".join(f"'sha256-{digest}'" for digest in sheets) or "'none'"
    return (
        f"default-src 'none'; img-src data:; style-src {styles}; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; sandbox allow-popups "
        "allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
    )
