"""The API does what its own description says, whatever is sent and whoever sends it.

schemathesis over real sockets, with accounts on: as nobody, a viewer, an operator and an admin.
Nobody gets further than the access table says, and nobody less far.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
import structlog.testing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from test_desk_page import grant, seen, video
from test_web_pages import NOW, tell_a_story

from live import live
from tagtide.bootstrap import App
from tagtide.core.access import Need, Role, Scope
from tagtide.models import Usage
from tagtide.ports import Changes, Sighting
from tagtide.services.accounts import add_user, make_token
from tagtide.services.report import report_weekly
from tagtide.tiktok.source import ScavioSource
from tagtide.web.access import ACCESS

GOOD = "kumquat marmalade"

#: By who sends: the largest need that is met.
WHO = {"nobody": 0, "viewer": 1, "operator": 2, "admin": 3}
NEEDS = {Need.READ: 1, Need.OPERATE: 2, Need.ADMIN: 3}
#: How far the numbers of those who send are moved away from those that are tried: an admin who
#: happened to remove the viewer would be none the wiser, and the viewer a nobody.
_FAR = 48_271_000_000

#: What there is, so that every other request is about something.
REAL: dict[str, Any] = {
    "campaign_id": 1,
    "video_id": video(2),
    "name": "glow",
    "alert_id": "a1",
    "run_id": 1,
    "creator_key": "user2",
    "user_id": 2,
    "token_id": 1,
}


@dataclass
class Served:
    """Pages with accounts, and what each sender shows."""

    address: str
    cookies: dict[str, str]

    def headers(self, who: str) -> dict[str, str]:
        shown = {"Origin": self.address}
        return shown | {"Cookie": self.cookies[who]} if who in self.cookies else shown


async def tell_everything(app: App) -> None:
    """A campaign with readings, an alert, videos, rights, a report; users and tokens."""
    campaign = await tell_a_story(app)
    sightings = tuple(
        Sighting(
            hashtag="glow",
            campaign_ids=(campaign.campaign_id,),
            read_at=NOW,
            videos=(seen(number),),
            run_id=None,
        )
        for number in range(1, 5)
    )
    await app.store.commit(Changes(sightings=sightings))
    await grant(app, 2)
    await report_weekly(app.context, campaign)
    for name in ("adam", "eve", "seth"):
        user = await add_user(app.accounts, name, GOOD, Role.VIEWER, by="a test")
        await make_token(app.accounts, name, Scope.READ, by="a test", user=user)
    for role in Role:
        await add_user(app.accounts, role.value, GOOD, role, by="a test")


def log_in(address: str, folder: Path) -> dict[str, str]:
    cookies = {}
    for role in Role:
        answer = httpx2.post(
            f"{address}/login",
            data={"name": role.value, "password": GOOD},
            headers={"Origin": address, "Sec-Fetch-Site": "same-origin"},
        )
        assert answer.status_code == 303, answer.text
        cookies[role.value] = answer.headers["set-cookie"].partition(";")[0]
    with sqlite3.connect(folder / "tagtide.db") as database:
        roles = ", ".join(f"'{role.value}'" for role in Role)
        database.execute(
            f"UPDATE session SET user_id = user_id + {_FAR} WHERE user_id IN "
            f"(SELECT id FROM user_account WHERE name IN ({roles}))"
        )
        database.execute(f"UPDATE user_account SET id = id + {_FAR} WHERE name IN ({roles})")
    return cookies


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    async def usage(_: object) -> Usage:
        return Usage(credit_balance=900, plan="free")

    folder = tmp_path_factory.mktemp("api")
    with pytest.MonkeyPatch.context() as patch:
        # There is no data API here; the one thing that is asked of it at once is answered.
        patch.setattr(ScavioSource, "usage", usage)
        with live(folder, tell_everything, is_open=False) as address:
            yield Served(address, log_in(address, folder))


def about_something(case: Any) -> None:
    """Let a request that is allowed be about what there is."""
    for name, value in REAL.items():
        if name in (case.path_parameters or {}):
            case.path_parameters[name] = value
    body = case.body
    if isinstance(body, dict):
        if "campaign_id" in body:
            body["campaign_id"] = 1
        for named in body.get("videos") or []:
            named |= {"campaign_id": 1, "video_id": video(2)}


@dataclass(frozen=True)
class Sender:
    """Who sends a request, and what they are told if they may not."""

    who: str
    headers: dict[str, str]
    #: None for one who is let in.
    refusal: int | None = None


def check(strategy: Any, senders: list[Sender], mode: GenerationMode, examples: int = 6) -> None:
    """Send what is described, or what is not, as everybody, and look at the answers."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, is_real=st.booleans())
    def one(case: Any, is_real: bool) -> None:
        if is_real and mode is GenerationMode.POSITIVE and case.method != "DELETE":
            about_something(case)
        for sender in senders:
            # What is well-formed may still be unusable, and is told so with 422: a zone that does
            # not exist, a cursor that nobody gave out.
            answer = case.call_and_validate(
                headers=sender.headers, excluded_checks=[positive_data_acceptance]
            )
            told = f"{sender.who}: {answer.status_code} {answer.text}"
            if sender.refusal is None:
                assert answer.status_code not in {401, 403}, told
            elif not is_no_route(answer):
                assert answer.status_code == sender.refusal, told

    one()


def is_no_route(answer: Any) -> bool:
    """What is sent in an address can make another one of it, which nobody serves."""
    return answer.status_code == 405 or (
        answer.status_code == 404 and "There is no such page." in answer.text
    )


def operations_of(served: Served) -> list[Any]:
    """Those of the description; what takes things away comes last."""
    url = f"{served.address}/api/v1/openapi.json"
    schema = schemathesis.openapi.from_url(url, headers=served.headers("viewer"))
    found = [one.ok() for one in schema.get_all_operations()]
    # A stream of events never ends by itself.
    found = [one for one in found if not one.path.endswith("/events")]
    return sorted(found, key=lambda one: one.method.upper() == "DELETE")


def need_of(operation: Any) -> Need:
    for ending in ("", ":path}"):
        path = operation.path.removesuffix("}") + ending if ending else operation.path
        if (need := ACCESS.get((operation.method.upper(), path))) is not None:
            return need
    raise AssertionError(f"{operation.label} is in no access table")


# The library draws by chance in its own way, of which hypothesis disapproves: no matter of the API.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("examples", [2, pytest.param(100, marks=pytest.mark.prove)])
def test_every_answer_is_as_described_and_for_whom_it_is(
    served: Served, examples: int, mode: GenerationMode
) -> None:
    operations = operations_of(served)
    # All there are but the description itself and the stream of events.
    assert len(operations) == sum(path.startswith("/api/v1/") for _, path in ACCESS) - 2
    failures = []
    for operation in operations:
        need = NEEDS[need_of(operation)]
        senders = [
            Sender(who, served.headers(who), None if level >= need else 403 if level else 401)
            for who, level in WHO.items()
        ]
        try:
            check(operation.as_strategy(generation_mode=mode), senders, mode, examples)
        except Unsatisfiable:
            continue  # nothing about it can be wrong
        except FailureGroup as group:
            failures.append((operation.label, *map(str, group.exceptions)))
        except AssertionError as error:
            failures.append((operation.label, str(error)))
    assert failures == []


def test_a_fault_is_found(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: a route that fails, one that answers what it does not describe, one
    that lets in whom it should not.
    """

    def broken(*_: object) -> Any:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("tagtide.web.api.campaigns.shown", broken)
    monkeypatch.setattr("tagtide.web.api.today.view_purse", answer_something_else)
    story = live(tmp_path_factory.mktemp("broken"), tell_a_story)
    with structlog.testing.capture_logs(), story as address:
        schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
        for path, refusal in (
            ("/api/v1/campaigns", None),
            ("/api/v1/balance", None),
            ("/api/v1/alerts", 401),
        ):
            mode = GenerationMode.POSITIVE
            strategy = schema[path]["GET"].as_strategy(generation_mode=mode)
            with pytest.raises((FailureGroup, AssertionError)):
                check(strategy, [Sender("demo", {"Origin": address}, refusal)], mode)


async def answer_something_else(*_: object) -> dict[str, str]:
    return {"balance": "much"}
