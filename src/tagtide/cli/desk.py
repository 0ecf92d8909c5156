"""``tagtide desk``: the review desk and the rights ledger."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from typing import Any

import click

from tagtide.cli.desk_views import (
    detail_blocks,
    list_blocks,
    outcome_body,
    outcome_text,
    plain,
)
from tagtide.cli.options import (
    application,
    chosen_campaigns,
    common_options,
    json_option,
    print_json,
)
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.core.desk import DeskState, RightsChannel
from tagtide.core.desk.parse import parse_state
from tagtide.core.formats import counted
from tagtide.errors import InvalidInput, TagtideError
from tagtide.ports import DeskSort
from tagtide.services.desk import (
    Decide,
    DeskFilter,
    DeskOutcome,
    DeskTarget,
    RequestTyped,
    RightTyped,
    assigning,
    change,
    change_many,
    desk_detail,
    labelling,
    moving,
    noting,
    request_for,
    undoing,
)
from tagtide.services.desk_reminders import remind
from tagtide.services.views.desk import DeskDetailView, DeskView, view_desk, view_desk_video

_STATES = ", ".join(DeskState)
_CHANNELS = ", ".join(RightsChannel)


@click.group()
def desk() -> None:
    """The review desk: judge videos, ask for rights, keep them.

    VIDEO is an id or the address of a video's page; "-" reads many, one a line, from stdin.
    """


def _campaign_option(command: Any) -> Any:
    return click.option("--campaign", help="Where several hold the video.")(command)


def _by_option(command: Any) -> Any:
    return click.option("--by", metavar="NAME", help="Who you are (default: your user name).")(
        command
    )


def _me(by: str | None) -> str:
    if by and by.strip():
        return by
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


# --- looking --------------------------------------------------------------------------------------


@desk.command("list")
@click.argument("campaign", required=False)
@click.option("--state", "states", multiple=True, metavar="STATE", help=f"Any of {_STATES}.")
@click.option("--all", "everything", is_flag=True, help="Whatever the state.")
@click.option("--assignee", metavar="NAME", help="Looked after by; - is nobody.")
@click.option("--label", help="With this label.")
@click.option("--creator", metavar="HANDLE", help="Of this creator.")
@click.option("--hashtag", help="Seen in this feed.")
@click.option("--high-priority", is_flag=True, help="Only those.")
@click.option("--expiring", metavar="SPAN", help="A right or Spark code ends within 14d, 8w ...")
@click.option("--text", help="In the caption or the handle.")
@click.option(
    "--sort", type=click.Choice([s.value for s in DeskSort]), default="newest", show_default=True
)
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@click.option("--cursor", help="Go on where a page ended.")
@common_options
@json_option
def list_(config: str | None, database: str | None, as_json: bool, **typed: Any) -> None:
    """What awaits somebody: new of high priority, shortlisted, asked, granted.

    --state and --all show others.
    """
    wanted = DeskFilter(
        campaign=typed["campaign"],
        states=typed["states"],
        everything=typed["everything"],
        assignee=typed["assignee"],
        label=typed["label"],
        creator=typed["creator"],
        high_priority=typed["high_priority"],
        hashtag=typed["hashtag"],
        ending=typed["expiring"],
        text=typed["text"],
        sort=DeskSort(typed["sort"]),
        limit=typed["limit"],
        cursor=typed["cursor"],
    )

    async def main() -> DeskView:
        async with application(config, database) as app:
            return await view_desk(app.context, wanted)

    view = run_async(main)
    if as_json:
        print_json(
            {
                "videos": [plain(line) for line in view.lines],
                "next_cursor": view.next_cursor,
                "counts": {state.value: count for state, count in view.counts.items()},
                "new_high_priority": view.new_high_priority,
            }
        )
        return
    print_blocks(list_blocks(view))


@desk.command()
@click.argument("video")
@_campaign_option
@click.option("--reveal", is_flag=True, help="Show Spark codes in full.")
@common_options
@json_option
def show(
    video: str,
    campaign: str | None,
    reveal: bool,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """One video: its rights, where it is cleared, its history."""

    async def main() -> DeskDetailView:
        async with application(config, database) as app:
            target = DeskTarget(video=video, campaign=campaign)
            return await view_desk_video(app.context, target, may_see_codes=reveal)

    view = run_async(main)
    if as_json:
        print_json(plain(view))
    else:
        print_blocks(detail_blocks(view))


# --- changing -------------------------------------------------------------------------------------


def _right_options(command: Any) -> Any:
    for option in reversed(
        [
            click.option("--channel", "channels", multiple=True, help=f"Where: {_CHANNELS}."),
            click.option("--territory", help="Country codes (FR,DE), EU, or world."),
            click.option("--edits/--no-edits", default=None, help="Whether it may be changed."),
            click.option("--fee", help='What is paid: "150 EUR", "two hoodies".'),
            click.option("--paid/--unpaid", default=None, help="Where no fee is named."),
            click.option("--granted", metavar="WHEN", help="When it was given (default: now)."),
            click.option("--expires", metavar="WHEN", help="90d, 1y, or 2027-03-01 to its end."),
            click.option("--evidence", multiple=True, help="The reply's words, or its address."),
            click.option("--evidence-at", metavar="WHEN", help="When the reply was written."),
            click.option("--spark-code", help='The code; "-" reads it from stdin.'),
            click.option("--spark-expires", metavar="WHEN", help="30d, 60d, 90d or 365d."),
        ]
    ):
        command = option(command)
    return command


@desk.command("set")
@click.argument("video")
@click.argument("state")
@_campaign_option
@_right_options
@click.option("--right", "revoked", type=int, multiple=True, help="Revoked: only this right.")
@click.option("--note", default="", help="For the history.")
@_by_option
@common_options
@json_option
def set_(
    video: str,
    state: str,
    campaign: str | None,
    config: str | None,
    database: str | None,
    as_json: bool,
    **typed: Any,
) -> None:
    """Move VIDEO to shortlisted, asked, granted, declined, revoked or back to new.

    To be granted it needs a right: at least one --channel. Once more granted adds another right.
    """
    if typed["revoked"] and parse_state(state) is not DeskState.REVOKED:
        raise click.UsageError("--right names what is revoked.")
    if video == "-" and typed["spark_code"]:
        raise click.UsageError("A Spark code belongs to one video.")
    right = RightTyped(
        channels=typed["channels"],
        territory=typed["territory"],
        edits=typed["edits"],
        is_paid=typed["paid"],
        fee=typed["fee"],
        granted=typed["granted"],
        expires=typed["expires"],
        evidence=typed["evidence"],
        evidence_at=typed["evidence_at"],
        spark_code=_code(typed["spark_code"]),
        spark_expires=typed["spark_expires"],
    )
    who = _me(typed["by"])
    decide = moving(state, by=who, text=typed["note"], right=right, revoked=typed["revoked"])
    _change(video, campaign, decide, config, database, as_json=as_json)


def _code(typed: str | None) -> str | None:
    """Not on the command line, where others can read it, unless the person wants it so."""
    return sys.stdin.readline().strip() if typed == "-" else typed


@desk.command()
@click.argument("video")
@click.argument("text")
@_campaign_option
@_by_option
@common_options
@json_option
def note(
    video: str,
    text: str,
    campaign: str | None,
    by: str | None,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Write TEXT into the history of VIDEO."""
    _change(video, campaign, noting(text, by=_me(by)), config, database, as_json=as_json)


@desk.command()
@click.argument("video")
@click.argument("labels", nargs=-1)
@click.option("--remove", "removed", multiple=True, metavar="LABEL", help="Take a label off.")
@_campaign_option
@_by_option
@common_options
@json_option
def label(
    video: str,
    labels: tuple[str, ...],
    removed: tuple[str, ...],
    campaign: str | None,
    by: str | None,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Put LABELS on VIDEO."""
    if not labels and not removed:
        raise click.UsageError("Name a label, or --remove one.")
    decide = labelling(labels, removed, by=_me(by))
    _change(video, campaign, decide, config, database, as_json=as_json)


@desk.command()
@click.argument("video")
@click.argument("name", required=False)
@click.option("--nobody", is_flag=True, help="Give it back.")
@_campaign_option
@_by_option
@common_options
@json_option
def assign(
    video: str,
    name: str | None,
    nobody: bool,
    campaign: str | None,
    by: str | None,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Say that NAME looks after VIDEO (default: you)."""
    if nobody and name:
        raise click.UsageError("Either a name or --nobody.")
    who = None if nobody else name or _me(by)
    decide = assigning(who, by=_me(by))
    _change(video, campaign, decide, config, database, as_json=as_json)


@desk.command()
@click.argument("video")
@_campaign_option
@_by_option
@common_options
@json_option
def undo(
    video: str,
    campaign: str | None,
    by: str | None,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Take back the newest step of VIDEO; the history keeps both."""
    _change(video, campaign, undoing(by=_me(by)), config, database, as_json=as_json)


def _change(
    video: str,
    campaign: str | None,
    decide: Decide,
    config: str | None,
    database: str | None,
    *,
    as_json: bool,
) -> None:
    """One video, or those of stdin; exit code 3 where only a part was done."""
    many = _videos(video)
    targets = [DeskTarget(video=one, campaign=campaign) for one in many or [video]]

    async def main() -> list[DeskOutcome]:
        async with application(config, database) as app:
            if many is None:
                return [await change(app.context, targets[0], decide)]
            return await change_many(app.context, targets, decide)

    outcomes = run_async(main)
    if many is None and not outcomes[0].is_done:
        raise NotDone(outcomes[0].message)
    _print(outcomes, as_json=as_json, is_one=many is None)
    done = sum(outcome.is_done for outcome in outcomes)
    if done < len(outcomes):
        raise click.exceptions.Exit(3 if done else 1)


class NotDone(TagtideError):
    """The rules of the desk do not allow it."""

    hint = "`tagtide desk show VIDEO` says where it stands."


def _videos(video: str) -> list[str] | None:
    """Those of stdin, for "-"; None for a single one."""
    if video != "-":
        return None
    found = [line.split()[0] for line in sys.stdin if line.split()]
    if not found:
        raise InvalidInput("There is no video on stdin.", hint="Give one id or address a line.")
    return list(dict.fromkeys(found))


def _print(outcomes: Sequence[DeskOutcome], *, as_json: bool, is_one: bool) -> None:
    if as_json:
        bodies = [outcome_body(outcome) for outcome in outcomes]
        print_json(bodies[0] if is_one else {"outcomes": bodies})
        return
    for outcome in outcomes:
        click.echo(outcome_text(outcome), err=not outcome.is_done)


# --- asking and reminding -------------------------------------------------------------------------


@desk.command()
@click.argument("video")
@_campaign_option
@click.option("--channel", "channels", multiple=True, help=f"Where: {_CHANNELS}.")
@click.option("--territory", help="Country codes (FR,DE), EU, or world.")
@click.option("--duration", metavar="SPAN", help="90d, 1y, or none for no end.")
@click.option("--fee", help='What is offered: "150 EUR", "two hoodies".')
@click.option("--paid/--unpaid", default=None, help="Where no fee is named.")
@click.option("--mark", is_flag=True, help="Also move it to asked, and keep the text.")
@_by_option
@common_options
@json_option
def ask(
    video: str,
    campaign: str | None,
    config: str | None,
    database: str | None,
    as_json: bool,
    **typed: Any,
) -> None:
    """Print the text that asks the creator of VIDEO for rights, ready to be copied.

    It is sent by you: TikTok lets no program write to creators.
    """
    wanted = RequestTyped(
        channels=typed["channels"],
        territory=typed["territory"],
        duration=typed["duration"],
        fee=typed["fee"],
        is_paid=typed["paid"],
    )
    target = DeskTarget(video=video, campaign=campaign)

    async def main() -> tuple[str, DeskOutcome | None]:
        async with application(config, database) as app:
            detail = await desk_detail(app.context, target)
            text = request_for(detail, wanted, app.context.desk)
            if not typed["mark"]:
                return text, None
            decide = moving(
                DeskState.ASKED.value,
                by=_me(typed["by"]),
                request=wanted,
                policy=app.context.desk,
            )
            return text, await change(app.context, target, decide)

    text, outcome = run_async(main)
    if outcome is not None and not outcome.is_done:
        raise NotDone(outcome.message)
    if as_json:
        print_json({"request": text, "outcome": outcome_body(outcome) if outcome else None})
        return
    click.echo(text)
    if outcome is not None:
        click.echo(outcome_text(outcome), err=True)


@desk.command("remind")
@click.argument("campaign", required=False)
@common_options
@json_option
def remind_(campaign: str | None, config: str | None, database: str | None, as_json: bool) -> None:
    """Tell the channels what ends soon and which requests wait; once a day, each thing once.

    `tagtide serve` does so by itself.
    """

    async def main() -> dict[str, int]:
        async with application(config, database, source=False) as app:
            names = [campaign] if campaign else []
            return {
                c.name: await remind(app.context, c) for c in await chosen_campaigns(app, names)
            }

    told = run_async(main)
    if as_json:
        print_json({"reminders": told})
        return
    for name, count in told.items():
        click.echo(f"{name}: {counted(count, 'reminder') if count else 'nothing to tell today'}")
