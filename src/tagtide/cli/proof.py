"""``tagtide report campaign --proof``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from tagtide import __version__
from tagtide.cli.files import opened
from tagtide.cli.options import application, one_campaign
from tagtide.cli.options import run as run_async
from tagtide.core.language import ENGLISH
from tagtide.core.proof.contents import contents
from tagtide.core.proof.entries import Draft
from tagtide.core.proof.figures import Worked
from tagtide.core.proof.records import Records
from tagtide.errors import InvalidInput
from tagtide.renderers import render_capsule
from tagtide.services.proof import gather_proof, write_proof
from tagtide.signing import Signer, read_key


def make_proof(
    campaign: str | None,
    *,
    config: str | None,
    database: str | None,
    style: str | None,
    language: str | None,
    as_json: bool,
    output: Path | None,
    sign: Path | None,
    is_proof: bool,
) -> None:
    """Write the capsule of a campaign."""
    if not is_proof:
        raise click.UsageError("--sign goes with --proof.")
    if as_json or style not in (None, "html"):
        raise click.UsageError("A proof is one HTML file; leave out --format and --json.")
    if language not in (None, ENGLISH.code):
        raise click.UsageError(
            "A proof is in English: its bytes are checked; leave out --language."
        )
    if output is None and sys.stdout.isatty():
        raise InvalidInput("A proof is a large file.", hint="Name it: `--output FILE.html`.")
    signer = None if sign is None else read_key(sign)

    async def main() -> Draft:
        async with application(config, database) as app:
            tool = f"tagtide {__version__}"
            chosen = await one_campaign(app, campaign)
            key = None if signer is None else signer.public
            _, drafted = await gather_proof(app.context, chosen, tool=tool, key=key)
            return drafted

    drafted = run_async(main)
    file = write_proof(drafted, draw, None if signer is None else signer.sign)
    with opened(output, is_text=False) as stream:
        stream.write(file)
    _tell(drafted, output, signer)


def draw(records: Records, worked: Mapping[str, Worked]) -> tuple[bytes, bytes]:
    """The page of some records and their figures."""
    return render_capsule(contents(records, worked))


def _tell(drafted: Draft, output: Path | None, signer: Signer | None) -> None:
    if output is not None:
        click.echo(f"Wrote {output}.", err=True)
    click.echo(f"Head: {drafted.chain.head}", err=True)
    if signer is None:
        hint = "Tell the head to whoever gets the file: `tagtide verify` prints it."
    else:
        hint = f"Signed with the key {signer.public}."
    click.echo(hint, err=True)
