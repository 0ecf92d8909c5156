"""Blocks on a terminal, and progress on stderr."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from tagtide.cli.options import is_terminal
from tagtide.core.messages import Block
from tagtide.models import HashtagOutcome, Status
from tagtide.renderers import render_text
from tagtide.services.context import OnOutcome

_WIDTH = 100
_MAX_WIDTH = 140


def print_blocks(blocks: Sequence[Block]) -> None:
    """Blocks as text; colour and the terminal's width only where a person looks."""
    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    width = min(shutil.get_terminal_size((_WIDTH, 24)).columns, _MAX_WIDTH)
    click.echo(render_text(blocks, width if sys.stdout.isatty() else _WIDTH, color=color), nl=False)


@contextmanager
def progress_bar(label: str, total: int) -> Iterator[OnOutcome]:
    """A moving bar on a terminal; elsewhere nothing. Yields what to call per finished hashtag."""
    if not is_terminal() or total == 0:
        yield lambda _outcome: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bars:
        task = bars.add_task(label, total=total)
        failed = 0

        def advance(outcome: HashtagOutcome) -> None:
            nonlocal failed
            failed += outcome.status in {Status.FAILED, Status.SKIPPED, Status.PARTIAL}
            text = f"{label} ({failed} not complete)" if failed else label
            bars.update(task, advance=1, description=text)

        yield advance
