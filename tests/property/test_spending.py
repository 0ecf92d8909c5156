"""Whatever goes wrong, no run spends more than it may, and the ledger knows what was spent."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "services"))

from lab import START, lab
from small_world import SmallWorld, Tag, crowd

from tagtide.models import Reason, Status
from tagtide.simulator import FaultRule

FAULTS = [
    "status_400", "status_402", "status_404", "status_429", "status_500", "status_503", "refuse",
    "reset", "reset_mid_body", "truncated_json", "html_200", "bom", "null_counters", "cursor_stuck",
    "page2_fails", "empty_page", "duplicates_across_pages", "renamed_fields",
]  # fmt: skip

strikes = st.builds(
    FaultRule,
    fault=st.sampled_from(FAULTS),
    endpoint=st.sampled_from([None, "hashtag", "hashtag/videos"]),
    hashtag=st.sampled_from([None, "tag0", "tag1", "tag3"]),
    probability=st.sampled_from([1.0, 0.5]),
    times=st.sampled_from([None, 1, 3]),
)


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    rules=st.lists(strikes, max_size=4),
    budget=st.integers(0, 25),
    own_budget=st.none() | st.integers(0, 12),
    balance=st.sampled_from([0, 3, 9, 1_000]),
    hashtags=st.integers(1, 6),
    pages=st.integers(1, 4),
    plan=st.sampled_from(["free", "project", "growth"]),
)
def test_spending_stays_within_every_budget(
    rules: list[FaultRule],
    budget: int,
    own_budget: int | None,
    balance: int,
    hashtags: int,
    pages: int,
    plan: str,
) -> None:
    async def story() -> None:
        options = {"budget.credits_per_day": str(budget), "api.plan": plan}
        world = SmallWorld(START, default=Tag(feed=crowd(START, 70)))
        async with lab(world, settings=options, credits=balance) as bench:
            campaign = await bench.add(
                own=[f"tag{i}" for i in range(hashtags)],
                page_budget=pages,
                credits_per_day=own_budget,
            )
            other = await bench.add("Other", own=["tag0", "elsewhere"], page_budget=pages)
            bench.fail(*rules)
            results = await asyncio.gather(bench.collect(campaign), bench.track(other))
            spent = await bench.spent()
            assert bench.server.charged <= min(budget, balance)
            assert spent.charged + spent.unknown + spent.reserved <= budget
            assert spent.charged <= bench.server.charged <= spent.charged + spent.unknown
            assert spent.calls == len(bench.calls())
            assert spent.reserved == 0
            if own_budget is not None:
                own = await bench.spent(campaign)
                assert own.charged + own.unknown <= own_budget
            for result in results:
                assert result.status is not Status.RUNNING
                assert result.reason is not Reason.INTERNAL

    asyncio.run(story())
