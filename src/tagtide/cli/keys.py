"""``tagtide keys``: what signs proof capsules."""

from __future__ import annotations

from pathlib import Path

import click

from tagtide.cli.options import json_option, print_json
from tagtide.signing import Signer, new_key, read_key

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def keys() -> None:
    """Keys that sign proof capsules: Ed25519, one PEM file each."""


@keys.command()
@click.argument("file", type=_FILE)
@json_option
def new(file: Path, as_json: bool) -> None:
    """Make a key, readable by you alone, and print its public half."""
    signer = new_key(file)
    if not as_json:
        click.echo(f"Wrote {file}. Keep it to yourself; give out the public key:", err=True)
    _tell(file, signer, as_json=as_json)


@keys.command()
@click.argument("file", type=_FILE)
@json_option
def show(file: Path, as_json: bool) -> None:
    """Print the public half of a key."""
    _tell(file, read_key(file), as_json=as_json)


def _tell(file: Path, signer: Signer, *, as_json: bool) -> None:
    if as_json:
        print_json({"file": str(file), "public_key": signer.public})
    else:
        click.echo(signer.public)
