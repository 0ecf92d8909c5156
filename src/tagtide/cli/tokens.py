"""``tagtide tokens``: what programs show instead of a password."""

from __future__ import annotations

from typing import Any

import click

from tagtide.bootstrap import App
from tagtide.cli.options import (
    application,
    common_options,
    expires_span,
    json_option,
    print_json,
)
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.cli.users import COMMAND_LINE, instant
from tagtide.core.access import Scope
from tagtide.core.formats import DASH, iso_utc
from tagtide.core.messages import Cell, Column, Kind, Table, Tone
from tagtide.core.names import nearest, parse_user_name
from tagtide.errors import Conflict, NotFound
from tagtide.ports import ApiToken
from tagtide.services.accounts import make_token


@click.group()
def tokens() -> None:
    """What programs show instead of a password, in the header `Authorization: Bearer tt_...`."""


@tokens.command()
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    required=True,
    help="read; operate also runs and changes; admin also manages.",
)
@click.option("--expires", metavar="SPAN", help="90d, 12h or 8w from now; never when left out.")
@click.option("--user", metavar="NAME", help="Whose it is: it never may more than that user.")
@common_options
@json_option
def create(
    name: str,
    scope: str,
    expires: str | None,
    user: str | None,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Make a token and print it, this once."""
    expires_in = expires_span(expires) if expires is not None else None

    async def main() -> tuple[ApiToken, str]:
        async with application(config, database) as app:
            owner = await app.store.user(parse_user_name(user)) if user else None
            return await make_token(
                app.accounts,
                name,
                Scope(scope),
                by=COMMAND_LINE,
                user=owner,
                expires_in=expires_in,
            )

    made, secret = run_async(main)
    if as_json:
        print_json({"token": token_body(made), "secret": secret})
        return
    click.echo(secret)
    end = f"until {instant(made.expires_at)}" if made.expires_at else "until it is revoked"
    click.echo(f"Shown this once. It may {made.scope.value}, {end}.", err=True)


@tokens.command("list")
@click.option("--user", metavar="NAME", help="Only those of this user.")
@common_options
@json_option
def list_(user: str | None, config: str | None, database: str | None, as_json: bool) -> None:
    """Every token, without its secret, which is kept nowhere."""

    async def main() -> tuple[list[ApiToken], list[bool]]:
        async with application(config, database) as app:
            found = await _tokens(app, user)
            now = app.context.clock.now()
            return found, [t.expires_at is not None and t.expires_at <= now for t in found]

    found, over = run_async(main)
    if as_json:
        print_json({"tokens": [token_body(token) for token in found]})
        return
    columns = (
        Column("Token"),
        Column("Scope"),
        Column("User"),
        Column("Last use", Kind.INSTANT),
        Column("Expires", Kind.INSTANT),
    )
    rows = tuple(_row(token, is_over=is_over) for token, is_over in zip(found, over, strict=True))
    empty = "There is no token. `tagtide tokens create NAME --scope read` makes one."
    print_blocks([Table("Tokens", columns, rows, empty=empty)])


def _row(token: ApiToken, *, is_over: bool) -> tuple[Cell, ...]:
    expires = instant(token.expires_at) if token.expires_at else "never"
    return (
        Cell(token.name),
        Cell(token.scope.value),
        Cell(token.user_name or DASH),
        Cell(instant(token.used_at)),
        Cell(
            f"{expires} (over)" if is_over else expires, tone=Tone.WARN if is_over else Tone.PLAIN
        ),
    )


@tokens.command()
@click.argument("name")
@click.option("--user", metavar="NAME", help="Whose it is, where several have one of that name.")
@common_options
@json_option
def revoke(
    name: str, user: str | None, config: str | None, database: str | None, as_json: bool
) -> None:
    """End a token; whoever shows it from now on is nobody."""

    async def main() -> ApiToken:
        async with application(config, database) as app:
            token = _chosen(await _tokens(app, user), name)
            now = app.context.clock.now()
            await app.store.revoke_token(token.token_id, COMMAND_LINE, now)
            return token

    token = run_async(main)
    if as_json:
        print_json({"revoked": token_body(token)})
    else:
        click.echo(f"The token {token.name} is no good any more.")


async def _tokens(app: App, user: str | None) -> list[ApiToken]:
    if user is None:
        return await app.store.tokens()
    return await app.store.tokens((await app.store.user(parse_user_name(user))).user_id)


def _chosen(found: list[ApiToken], name: str) -> ApiToken:
    same = [token for token in found if token.name == name]
    if not same:
        near = nearest(name, {token.name for token in found})
        hint = f"Did you mean {near!r}?" if near else "`tagtide tokens list` shows them."
        raise NotFound(f"There is no token named {name[:80]!r}.", hint=hint)
    if len(same) > 1:
        owners = ", ".join(token.user_name or "the installation" for token in same)
        raise Conflict(
            f"Several tokens are named {name!r}: of {owners}.", hint="Say whose: --user NAME."
        )
    return same[0]


def token_body(token: ApiToken) -> dict[str, Any]:
    """A token as JSON; never its secret."""
    return {
        "token_id": token.token_id,
        "name": token.name,
        "scope": token.scope.value,
        "user": token.user_name,
        "created_at": iso_utc(token.made_at),
        "expires_at": iso_utc(token.expires_at) if token.expires_at else None,
        "used_at": iso_utc(token.used_at) if token.used_at else None,
    }
