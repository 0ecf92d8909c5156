"""The API does what its own description says, whatever is sent: schemathesis over real sockets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import structlog.testing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from test_web_pages import tell_a_story

from live import live

EXAMPLES = 300 if os.environ.get("HYPOTHESIS_PROFILE") == "prove" else 12


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with live(tmp_path_factory.mktemp("api"), tell_a_story) as address:
        yield address


def check(operation: Any, address: str, mode: GenerationMode) -> None:
    """Send what the operation's description allows, or forbids, and look at the answers."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        # What is well-formed may still be unusable, and is told so with 422: a zone that does not
        # exist, a cursor that nobody gave out.
        case.call_and_validate(
            headers={"Origin": address}, excluded_checks=[positive_data_acceptance]
        )

    one()


# The library draws by chance in its own way, of which hypothesis disapproves: no matter of the API.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_answer_is_as_described(address: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    # A stream of events never ends by itself.
    operations = [found for found in operations if not found.path.endswith("/events")]
    assert len(operations) >= 29
    failures = []
    for operation in operations:
        try:
            check(operation, address, mode)
        except Unsatisfiable:
            continue  # nothing about it can be wrong
        except FailureGroup as group:
            failures.append((operation.label, *map(str, group.exceptions)))
    assert failures == []


def test_a_fault_is_found(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: a route that fails, and one that answers what it does not describe."""

    def broken(*_: object) -> Any:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("tagtide.web.api.campaigns.shown", broken)
    monkeypatch.setattr("tagtide.web.api.today.view_purse", answer_something_else)
    story = live(tmp_path_factory.mktemp("broken"), tell_a_story)
    with structlog.testing.capture_logs(), story as address:
        schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
        for path in ("/api/v1/campaigns", "/api/v1/balance"):
            with pytest.raises(FailureGroup):
                check(schema[path]["GET"], address, GenerationMode.POSITIVE)


async def answer_something_else(*_: object) -> dict[str, str]:
    return {"balance": "much"}
