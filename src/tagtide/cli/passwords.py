"""Where a command gets a password from: never from its arguments, which others can read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from tagtide.core.passwords import MOST_BYTES
from tagtide.errors import InvalidInput
from tagtide.ports import Clock

F = TypeVar("F", bound=Callable[..., Any])


def password_options(command: F) -> F:
    """``--password-file`` and ``--generate``."""
    command = click.option(
        "--generate", is_flag=True, help="Make a password and print it, this once."
    )(command)
    return click.option(
        "--password-file",
        type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
        help="File whose first line is the password; - reads it from stdin.",
    )(command)


def read_password(clock: Clock, file: Path | None, *, generate: bool) -> tuple[str, bool]:
    """The password, and whether it was made here and so has to be shown. Raises `InvalidInput`."""
    if generate and file is not None:
        raise InvalidInput("--generate and --password-file exclude each other.")
    if generate:
        return clock.token(), True
    if file is not None:
        return _from_file(file), False
    if not sys.stdin.isatty():
        raise InvalidInput(
            "There is no terminal to ask for the password.",
            hint="Use --password-file FILE (- is stdin) or --generate.",
        )
    asked = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return str(asked), False


def _from_file(file: Path) -> str:
    try:
        if str(file) == "-":
            text = sys.stdin.readline(2 * MOST_BYTES)
        else:
            with file.open(encoding="utf-8") as opened:
                text = opened.readline(2 * MOST_BYTES)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8 text.") from error
    return text.rstrip("\r\n")
