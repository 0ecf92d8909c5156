"""What reports look like: colours, fonts and the marks of whoever hands them out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Shipped fonts, so that a report has the same letters on every machine; see the file beside them.
FONTS = Path(__file__).parent / "fonts"
#: In this order a letter is looked for; the last ones hold what the others lack.
FAMILIES = (
    "Noto Sans",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Thai",
    "Noto Sans Devanagari",
    "Noto Color Emoji",
    "Noto Sans CJK SC",
    "Noto Sans Math",
    "Noto Sans Symbols2",
)

#: The palettes of the pages: an accent, greys, and eight categories safe for colour-blind readers.
THEMES = {
    "light": {
        "ink": "#1a1d21",
        "soft": "#5c626d",
        "line": "#e2e4e9",
        "categories": (
            "#0b62c4", "#d55e00", "#009e73", "#a6457f", "#b58900", "#4aa3d8", "#6a5acd", "#5c626d",
        ),
    },
    "dark": {
        "ink": "#eceef1",
        "soft": "#a1a7b1",
        "line": "#2b2f35",
        "categories": (
            "#74b4ff", "#ff9a4d", "#2fcf9f", "#e58bc1", "#e3c04a", "#8ed1f5", "#a99cff", "#a1a7b1",
        ),
    },
}  # fmt: skip
#: Bytes of a logo; it travels in every report.
LARGEST_LOGO = 500_000
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
#: First bytes of the kinds of picture a logo may be.
_PICTURES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """Who hands a report out: a name, a colour and a logo instead of none. All may be missing.

    ``colour`` is ``#rrggbb``, ``logo`` a PNG or a JPEG. Raises `ValueError` for anything else.
    """

    name: str = ""
    colour: str | None = None
    logo: bytes | None = None

    def __post_init__(self) -> None:
        if self.colour is not None and not _COLOUR.fullmatch(self.colour):
            raise ValueError("a colour is written #rrggbb")
        if self.logo is not None and (self.picture is None or len(self.logo) > LARGEST_LOGO):
            raise ValueError(f"a logo is a PNG or a JPEG file of at most {LARGEST_LOGO:,} bytes")

    @property
    def picture(self) -> str | None:
        """The kind of the logo: ``png`` or ``jpg``."""
        logo = self.logo or b""
        return next((kind for head, kind in _PICTURES.items() if logo.startswith(head)), None)


def chart_config(theme: str) -> dict[str, Any]:
    """Vega's config for a theme: the same as the pages give their charts."""
    colours = THEMES[theme]
    soft, line = colours["soft"], colours["line"]
    first = colours["categories"][0]
    axis = {f"{part}Color": line for part in ("domain", "grid", "tick")}
    return {
        "background": "transparent",
        "font": ", ".join((FAMILIES[0], "system-ui", "Segoe UI", "Roboto", "sans-serif")),
        "view": {"stroke": None},
        "axis": {
            **axis,
            "labelColor": soft,
            "titleColor": soft,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
        },
        "legend": {"labelColor": soft, "titleColor": soft, "labelFontSize": 12},
        "text": {"color": colours["ink"], "fontSize": 12},
        "line": {"color": first},
        "area": {"color": first},
        "bar": {"color": first},
        "point": {"color": first},
        "rule": {"color": soft},
        "range": {"category": list(colours["categories"])},
    }
