"""``tagtide users``: who may log in, and with which role."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from tagtide.bootstrap import App
from tagtide.cli.options import application, common_options, json_option, print_json
from tagtide.cli.options import run as run_async
from tagtide.cli.passwords import password_options, read_password
from tagtide.cli.show import print_blocks
from tagtide.core.access import Role
from tagtide.core.formats import DASH, clean_text, counted, iso_utc
from tagtide.core.messages import Cell, Column, Kind, Table
from tagtide.core.names import parse_user_name
from tagtide.errors import InvalidInput
from tagtide.ports import AccountEvent, User
from tagtide.services.accounts import add_user, edit_user, remove_user, set_password

T = TypeVar("T")

#: Who changed something, in the history of accounts.
COMMAND_LINE = "command line"
_ROLES = click.Choice([role.value for role in Role])


@click.group()
def users() -> None:
    """Who may log in to the pages: viewers read, operators also run and change, admins manage."""


@users.command()
@click.argument("name")
@click.option("--role", type=_ROLES, required=True)
@password_options
@common_options
@json_option
def add(
    name: str,
    role: str,
    password_file: Path | None,
    generate: bool,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Add a user; on a terminal it asks for the password."""

    async def main(app: App) -> tuple[User, str | None]:
        parse_user_name(name)
        password, is_made = read_password(app.context.clock, password_file, generate=generate)
        user = await add_user(app.accounts, name, password, Role(role), by=COMMAND_LINE)
        return user, password if is_made else None

    user, password = _with_app(config, database, main)
    _tell(user, password, f"{user.name} may log in as {_a(user.role)}.", as_json=as_json)


@users.command("list")
@common_options
@json_option
def list_(config: str | None, database: str | None, as_json: bool) -> None:
    """Every user."""
    found = _with_app(config, database, lambda app: app.store.users())
    if as_json:
        print_json({"users": [user_body(user) for user in found]})
        return
    columns = (
        Column("User"),
        Column("Role"),
        Column("Last login", Kind.INSTANT),
        Column("Password of", Kind.INSTANT),
    )
    rows = tuple(
        (
            Cell(user.name),
            Cell(user.role.value),
            Cell(instant(user.login_at)),
            Cell(instant(user.password_at)),
        )
        for user in found
    )
    empty = "Nobody can log in yet. `tagtide users add NAME --role admin` makes the first account."
    print_blocks([Table("Users", columns, rows, empty=empty)])


@users.command()
@click.argument("name")
@click.option("--role", type=_ROLES, help="Another role; ends all sessions of the user.")
@click.option("--rename", metavar="NAME", help="Another name.")
@common_options
@json_option
def edit(
    name: str,
    role: str | None,
    rename: str | None,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Change the role or the name of a user."""
    if role is None and rename is None:
        raise InvalidInput("Say what to change: --role, --rename, or both.")

    async def main(app: App) -> User:
        return await edit_user(
            app.accounts,
            await _user(app, name),
            by=COMMAND_LINE,
            name=rename,
            role=Role(role) if role else None,
        )

    user = _with_app(config, database, main)
    _tell(user, None, f"{user.name} is {_a(user.role)}.", as_json=as_json)


@users.command()
@click.argument("name")
@password_options
@click.option("--revoke-tokens", is_flag=True, help="Also end the tokens of the user.")
@common_options
@json_option
def password(
    name: str,
    password_file: Path | None,
    generate: bool,
    revoke_tokens: bool,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Give a user another password; ends all sessions, and the wait after wrong passwords."""

    async def main(app: App) -> tuple[User, str | None]:
        user = await _user(app, name)
        text, is_made = read_password(app.context.clock, password_file, generate=generate)
        await set_password(app.accounts, user, text, by=COMMAND_LINE, revoke_tokens=revoke_tokens)
        return await app.store.user(user.name), text if is_made else None

    user, text = _with_app(config, database, main)
    _tell(user, text, f"{user.name} has another password.", as_json=as_json)


@users.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
@json_option
def remove(name: str, yes: bool, config: str | None, database: str | None, as_json: bool) -> None:
    """Remove a user with all sessions and tokens. What the user did stays in the history."""

    async def main(app: App) -> User:
        user = await _user(app, name)
        if not yes:
            click.confirm(f"Remove {user.name}?", abort=True, err=True)
        await remove_user(app.accounts, user, by=COMMAND_LINE)
        return user

    user = _with_app(config, database, main)
    if as_json:
        print_json({"removed": user.name})
    else:
        click.echo(f"{user.name} cannot log in any more.")


@users.command()
@click.argument("name")
@common_options
@json_option
def logout(name: str, config: str | None, database: str | None, as_json: bool) -> None:
    """End all sessions of a user, in every browser."""

    async def main(app: App) -> tuple[User, int]:
        user, now = await _user(app, name), app.context.clock.now()
        return user, await app.store.revoke_sessions(user.user_id, COMMAND_LINE, now)

    user, count = _with_app(config, database, main)
    if as_json:
        print_json({"user": user.name, "sessions_ended": count})
    else:
        click.echo(f"{counted(count, 'session')} of {user.name} ended.")


@users.command()
@click.argument("name", required=False)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@common_options
@json_option
def history(
    name: str | None, limit: int, config: str | None, database: str | None, as_json: bool
) -> None:
    """What happened to accounts and tokens, and by whom; newest first."""

    async def main(app: App) -> list[AccountEvent]:
        user = await _user(app, name) if name else None
        user_id = user.user_id if user else None
        return await app.store.account_events(user_id=user_id, limit=limit)

    events = _with_app(config, database, main)
    if as_json:
        print_json({"events": [_event_body(event) for event in events]})
        return
    columns = (Column("When", Kind.INSTANT), Column("What"), Column("User"), Column("By"),
               Column("More"))  # fmt: skip
    rows = tuple(
        (
            Cell(instant(event.at)),
            Cell(event.act.value.replace("_", " ")),
            Cell(event.user_name or DASH),
            Cell(event.by),
            Cell(clean_text(event.detail, 100), foreign=True),
        )
        for event in events
    )
    print_blocks([Table("History of accounts", columns, rows, empty="Nothing happened yet.")])


# --- parts ----------------------------------------------------------------------------------------


def _with_app(config: str | None, database: str | None, work: Callable[[App], Awaitable[T]]) -> T:
    async def main() -> T:
        async with application(config, database) as app:
            return await work(app)

    return run_async(main)


async def _user(app: App, name: str) -> User:
    return await app.store.user(parse_user_name(name))


def _a(role: Role) -> str:
    return f"{'an' if role.value[0] in 'ao' else 'a'} {role.value}"


def _tell(user: User, password: str | None, sentence: str, *, as_json: bool) -> None:
    """What was done; a password that was made here is shown this once."""
    if as_json:
        made = {"password": password} if password is not None else {}
        print_json({"user": user_body(user), **made})
        return
    click.echo(sentence)
    if password is not None:
        click.echo(f"Password, shown this once: {password}")


def user_body(user: User) -> dict[str, Any]:
    """A user as JSON."""
    return {
        "user_id": user.user_id,
        "name": user.name,
        "role": user.role.value,
        "created_at": iso_utc(user.created_at),
        "password_at": iso_utc(user.password_at),
        "login_at": iso_utc(user.login_at) if user.login_at else None,
    }


def _event_body(event: AccountEvent) -> dict[str, Any]:
    return {
        "at": iso_utc(event.at),
        "act": event.act.value,
        "by": event.by,
        "user": event.user_name or None,
        "detail": event.detail or None,
    }


def instant(at: datetime | None) -> str:
    """An instant in a table; a dash where there is none."""
    return DASH if at is None else at.strftime("%d %b %Y %H:%M UTC")
