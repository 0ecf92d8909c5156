"""``tagtide verify``: whether a proof capsule holds."""

from __future__ import annotations

import re
from pathlib import Path

import click

from tagtide.cli.options import application, json_option
from tagtide.cli.options import run as run_async
from tagtide.cli.proof import draw
from tagtide.cli.show import print_blocks
from tagtide.core.proof.chain import LARGEST
from tagtide.core.proof.verify import Verdict
from tagtide.core.proof.verify import verify as judge
from tagtide.core.proof.words import verdict_blocks
from tagtide.errors import InvalidInput, UnreadableProof
from tagtide.renderers import render_json
from tagtide.services.proof import compare_proof
from tagtide.signing import signature_holds

_KEY = re.compile(r"[0-9a-fA-F]{64}")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option("--key", metavar="PUBLIC", help="Public key that must have signed it, or its file.")
@click.option("--database", metavar="URL", help="Also compare with the readings stored there.")
@json_option
def verify(file: Path, key: str | None, database: str | None, as_json: bool) -> int:
    """Check a proof capsule: nothing changed, every figure follows, the page shows just that.

    Needs no network, and a database only to compare with one. Exit code 0 when all of it holds, 1
    when not.
    """
    expected = None if key is None else _public_key(key)
    verdict = judge(_read(file), draw=draw, signature_holds=signature_holds, key=expected)
    if database is not None:
        verdict = _compared(verdict, database)
    if as_json:
        click.echo(render_json({"file": str(file), **verdict.as_dict()}), nl=False)
    else:
        print_blocks(verdict_blocks(verdict))
    return 0 if verdict.good else 1


def _compared(verdict: Verdict, database: str) -> Verdict:
    async def main() -> Verdict:
        async with application(None, database) as app:
            return await compare_proof(app.context, verdict)

    return run_async(main)


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        content = opened.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise UnreadableProof(f"This file is larger than {LARGEST >> 20} MB: no proof capsule is.")
    return content


def _public_key(text: str) -> str:
    """The key itself, or the first word of a file."""
    given = text.strip()
    if not _KEY.fullmatch(given):
        try:
            with Path(given).open(encoding="ascii") as opened:
                given = (opened.read(200).split() or [""])[0]
        except (OSError, ValueError):
            given = ""
    if not _KEY.fullmatch(given):
        raise InvalidInput(
            "--key is neither a public key of 64 hexadecimal digits nor a file that has one.",
            hint="`tagtide keys show FILE` prints the public half of a key.",
        )
    return given.lower()
