"""Drawing and typesetting, in a process of its own: `python -P -m tagtide.renderers.press`.

What draws charts brings a JavaScript engine, and what sets pages a compiler: a server need not hold
either, and strangers' words meet them where there is nothing to take. One request as JSON comes in
on stdin, its answer goes out on stdout. Nothing is fetched, and no file is read but the fonts.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tagtide.core.charts.base import Chart
from tagtide.core.formats import clean_text
from tagtide.errors import RenderingFailed
from tagtide.renderers.look import FONTS, chart_config

#: Pixels, before any scale; as wide as the text of a page.
WIDTH = 680
#: Seconds until a drawing is given up.
_DEADLINE = 60
#: A letter of a picture for chats is so many pixels for one.
_SCALE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """What is to be set as a PDF: a program for the pages, and what it reads as ``data.json``."""

    program: str
    data: Mapping[str, Any]
    #: Seconds since 1970: the date in the file.
    instant: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What came out: pictures by the names of charts, then by theme, and the PDF asked for."""

    svg: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    png: Mapping[str, bytes] = field(default_factory=dict)
    pdf: bytes = b""


def press(
    charts: Sequence[Chart] = (),
    *,
    themes: Sequence[str] = ("light",),
    png: bool = False,
    pages: Pages | None = None,
) -> Printed:
    """Draw charts, and set pages that may hold them as ``NAME.svg`` (the first theme).

    Blocks until the other process is done. Raises `RenderingFailed`.
    """
    request = {
        "charts": [{"name": c.name, "spec": _sized(c.spec)} for c in charts],
        "themes": list(themes),
        "png": png,
        # Not `asdict`: it would copy the bytes of a logo one by one.
        "pages": pages and {"program": pages.program, "data": pages.data, "instant": pages.instant},
    }
    answer = _asked(json.dumps(request).encode())
    if "error" in answer:
        raise RenderingFailed(f"The report could not be made: {clean_text(answer['error'], 300)}")
    return Printed(
        svg=answer["svg"],
        png={name: base64.b64decode(content) for name, content in answer["png"].items()},
        pdf=base64.b64decode(answer["pdf"]),
    )


def _sized(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Charts in a page are as wide as their place; one on paper must be told."""
    return {**spec, "width": WIDTH} if spec.get("width") == "container" else dict(spec)


def _asked(request: bytes) -> Any:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tagtide.renderers.press"],
            input=request,
            capture_output=True,
            timeout=_DEADLINE,
            env=environ(),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RenderingFailed(
            f"The report could not be made within {_DEADLINE} seconds.",
            hint="Ask for another format, or try again when the machine is idle.",
        ) from error
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise RenderingFailed(
            f"The process that draws and sets pages ended with {done.returncode}.",
            hint="Text, Markdown and JSON reports need no such process.",
        ) from error


def environ() -> dict[str, str]:
    """What the process knows: where Python finds its modules; no key, no proxy, and no home."""
    kept = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": "/nonexistent"
    }


def _coded(content: bytes) -> str:
    return base64.b64encode(content).decode()


# --- in the other process -------------------------------------------------------------------------


def main() -> None:
    """Answer the one request on stdin."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_DEADLINE, _DEADLINE))
    request = json.load(sys.stdin.buffer)
    try:
        answer = _answer(request)
    except Exception as error:  # noqa: BLE001 - whatever it is, who asked is told
        answer = {"error": f"{type(error).__name__}: {str(error)[:500]}"}
    json.dump(answer, sys.stdout)


def _answer(request: Any) -> dict[str, Any]:
    svg: dict[str, dict[str, str]] = {}
    png: dict[str, str] = {}
    if request["charts"]:
        svg, png = _drawn(request)
    pdf = b""
    if request["pages"] is not None:
        first = {name: drawings[request["themes"][0]] for name, drawings in svg.items()}
        pdf = _set(request["pages"], first)
    return {"svg": svg, "png": png, "pdf": _coded(pdf)}


def _drawn(request: Any) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    import vl_convert

    vl_convert.register_font_directory(str(FONTS))
    svg: dict[str, dict[str, str]] = {}
    png: dict[str, str] = {}
    for chart in request["charts"]:
        drawings = svg[chart["name"]] = {}
        for theme in request["themes"]:
            drawings[theme] = vl_convert.vegalite_to_svg(
                chart["spec"], config=chart_config(theme), allowed_base_urls=[]
            )
        if request["png"]:
            config = chart_config("light") | {"background": "#ffffff"}
            drawn = vl_convert.vegalite_to_png(
                chart["spec"], config=config, scale=_SCALE, allowed_base_urls=[]
            )
            png[chart["name"]] = _coded(drawn)
    return svg, png


def _set(pages: Any, drawings: Mapping[str, str]) -> bytes:
    import typst

    files = {"main": pages["program"].encode(), "data.json": json.dumps(pages["data"]).encode()}
    files |= {f"{name}.svg": drawing.encode() for name, drawing in drawings.items()}
    made: bytes = typst.compile(
        files,  # type: ignore[call-overload]  # files by name are taken too
        font_paths=[str(FONTS)],
        root=str(FONTS),
        ignore_system_fonts=True,
        format="pdf",
        timestamp=pages["instant"],
    )
    return made


if __name__ == "__main__":
    main()
