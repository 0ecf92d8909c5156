"""How failures leave the command line: one sentence, one hint, one exit code, never a traceback."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from tagtide import errors as e

#: Exit code by error class; the nearest ancestor counts.
EXIT_CODES: dict[type[e.TagtideError], int] = {
    e.TagtideError: 1,
    e.InvalidInput: 2,
    e.BudgetExceeded: 4,
    e.CreditsExhausted: 4,
    e.DatabaseCorrupt: 65,
    e.DiskFull: 74,
    e.DiskFailing: 74,
    e.DataInUse: 75,
    e.SchemaTooNew: 76,
    e.ConfigError: 78,
}
DISK = 74
INTERNAL = 70
INTERRUPTED = 130

#: What the disk says, and what every file may say; other system errors are faults of ours.
_DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EIO}
_FILE_TROUBLE = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR,
    errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP, errno.EMFILE, errno.ENFILE,
}  # fmt: skip


def exit_code(error: e.TagtideError) -> int:
    """The code of an error's nearest ancestor in the table."""
    return next(EXIT_CODES[cls] for cls in type(error).__mro__ if cls in EXIT_CODES)


def run_guarded(command: click.Command, args: list[str]) -> int:
    """Run a command; turn every way it can end into an exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    if sys.stdout is None:
        # Started without one (`>&-`): there is nobody to read, which is no fault.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
    for stream in (sys.stdout, sys.stderr):
        _accept_all_scripts(stream)
    try:
        code = command.main(args, prog_name="tagtide", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort as error:
        # Click's name for Ctrl-C, and for a question answered with no.
        return _interrupted() if isinstance(error.__cause__, KeyboardInterrupt) else INTERRUPTED
    except SystemExit:
        # Click's way to say that the reader has gone.
        return _reader_gone()
    except click.ClickException as error:
        return _usage(error, args)
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        return _reader_gone()
    except BaseExceptionGroup as group:
        return _report(_first(group), args)
    except Exception as error:  # noqa: BLE001 - the last line of defence against a traceback
        return _report(error, args)
    return code if isinstance(code, int) else 0


def _accept_all_scripts(stream: object) -> None:
    """Files and pipes get UTF-8 whatever the locale; an old terminal gets "?" for what it lacks."""
    if isinstance(stream, io.TextIOWrapper):
        encoding = stream.encoding if stream.isatty() else "utf-8"
        stream.reconfigure(encoding=encoding, errors="replace")


def _interrupted() -> int:
    click.echo("Interrupted. What was read is stored; run it again to go on.", err=True)
    return INTERRUPTED


def _reader_gone() -> int:
    """The reader has left (`| head`): not an error, and nothing more can be said."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    return 0


def _interrupt(_signal: int, _frame: object) -> None:
    # The same as Ctrl-C, which ends what is under way in good order. A shell starts what a script
    # puts into the background (`tagtide simulate &`) with Ctrl-C ignored; an end is still an end.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The exception a person should hear of: ours first, else the first."""
    found: list[BaseException] = []

    def gather(error: BaseException) -> None:
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                gather(inner)
        else:
            found.append(error)

    gather(group)
    return next((x for x in found if isinstance(x, e.TagtideError)), found[0])


def _usage(error: click.ClickException, args: list[str]) -> int:
    if "--json" in args:
        _print_json("usage", error.format_message(), "See `tagtide --help`.")
    else:
        error.show(sys.stderr)
    return error.exit_code


def _report(error: BaseException, args: list[str]) -> int:
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, OSError) and error.errno in _DISK_TROUBLE | _FILE_TROUBLE:
        return _system(error, args)
    if not isinstance(error, e.TagtideError):
        return _internal(error, args)
    if "--json" in args:
        _print_json(error.code, str(error), error.hint)
    else:
        problems = error.problems if isinstance(error, e.ConfigError) else [str(error)]
        for problem in problems:
            click.echo(f"{click.style('Error:', fg='red')} {_sentence(problem)}", err=True)
        if error.hint:
            click.echo(_sentence(error.hint), err=True)
    return exit_code(error)


def _sentence(text: str) -> str:
    """As a person would write it: a capital in front, a full stop at the end."""
    if text.partition(" ")[0].rstrip(",:;").isalpha():  # the name of a setting stays as it is
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", ")", "`")) else f"{text}."


def _system(error: OSError, args: list[str]) -> int:
    """What the machine refused: a full disk, a folder that may not be written."""
    where = f" ({error.filename})" if error.filename else ""
    message = f"the machine refused: {error.strerror}{where}"
    if error.errno in _DISK_TROUBLE:
        hint = "Free some space, or write to another disk; nothing that was stored is lost."
    else:
        hint = "Check that the path exists and that its permissions allow this."
    if not error.filename:
        # Most likely the output itself: what is left of it must not be tried again at the end.
        _reader_gone()
    elif "--json" in args:
        _print_json("system", message, hint)
        return DISK if error.errno in _DISK_TROUBLE else 1
    click.echo(f"{click.style('Error:', fg='red')} {_sentence(message)}\n{hint}", err=True)
    return DISK if error.errno in _DISK_TROUBLE else 1


def _internal(error: BaseException, args: list[str]) -> int:
    if os.environ.get("TAGTIDE_DEBUG"):
        raise error
    message = f"tagtide met a fault of its own ({type(error).__name__}); nothing stored was lost"
    hint = "Run it again with TAGTIDE_DEBUG=1 to see where, and report that."
    if "--json" in args:
        _print_json("internal", message, hint)
    else:
        click.echo(f"{click.style('Error:', fg='red')} {message}.\n{hint}", err=True)
    return INTERNAL


def _print_json(code: str, message: str, hint: str) -> None:
    body: dict[str, Any] = {"error": {"code": code, "message": message, "hint": hint}}
    click.echo(json.dumps(body, ensure_ascii=False))
