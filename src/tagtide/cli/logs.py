"""Logs: one event, one line, on stderr; strangers' text escaped, addresses of secrets never."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog


def configure(level: str, style: str) -> None:
    """Set up logging for this process. ``auto`` is readable on a terminal and JSON elsewhere."""
    # HTTP libraries log whole addresses, and a webhook's address is a secret.
    for noisy in ("httpx2", "httpcore2", "httpx", "httpcore", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    as_json = style == "json" or (style == "auto" and not sys.stderr.isatty())
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=True)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=True)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _where if not os.environ.get("TAGTIDE_DEBUG") else structlog.processors.format_exc_info,
            _escape,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _where(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name an exception and its place; the whole trace is for TAGTIDE_DEBUG=1."""
    if event.pop("exc_info", None):
        kind, error, trace = sys.exc_info()
        frames = traceback.extract_tb(trace)
        place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        event["error"] = f"{kind.__name__ if kind else 'unknown'}{place}: {error}"[:300]
    return event


def _escape(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Make control, bidi and invisible characters visible, so that one event stays one line."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[key] = value if key == "exception" else ascii(value)[1:-1]
    return event
