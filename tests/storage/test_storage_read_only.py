"""A store that was opened for reading: the database itself refuses what would change something."""

from __future__ import annotations

from pathlib import Path

import pytest
from storage_samples import NOON, SteppedClock, campaign, run

from conftest import ENGINES
from tagtide.errors import SchemaOutdated, StorageReadOnly
from tagtide.ports import Balance
from tagtide.storage.store import open_store


@pytest.fixture(params=[e for e in ENGINES if e != "memory"])
def kept(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


def test_it_reads_and_does_not_write(kept: str) -> None:
    writing = run(open_store(kept, clock=SteppedClock(), migrate=True))
    run(writing.add_campaign(campaign()))
    reading = run(open_store(kept, clock=SteppedClock(), read_only=True))
    balance = Balance(credits_remaining=5, read_at=NOON)
    assert [c.name for c in run(reading.campaigns())] == ["Spring"]
    for write in (
        lambda: reading.record_balance(balance),
        lambda: reading.add_campaign(campaign("Autumn")),
        reading.check_writable,
        lambda: reading.recover(NOON),
    ):
        with pytest.raises(StorageReadOnly):
            run(write())
    # What others write is seen at once.
    run(writing.record_balance(balance))
    assert run(reading.balance()) == balance
    run(reading.aclose())
    run(writing.aclose())


def test_it_makes_and_upgrades_nothing(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    with pytest.raises(SchemaOutdated):
        run(open_store(f"sqlite:///{path}", clock=SteppedClock(), migrate=True, read_only=True))
    assert not path.exists()
