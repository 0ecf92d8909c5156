"""Messages with less in them: whoever asks often enough gets the least that can be said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tagtide.core.messages.shorter import shorter, thinner

EXPLAINED = {"sentence": "One video made it.", "videos": [1, 2]}
ALERT = {
    "type": "alert.firing",
    "alert": {"alert_id": "a", "top_videos": [1, 2], "explanation": EXPLAINED},
}
DIGEST = {"type": "digest", "items": [{"alert_id": n, "top_videos": [1]} for n in range(5)]}
Less = Callable[[Mapping[str, Any]], dict[str, Any] | None]


def steps(less: Less, payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    while (shortened := less(payload)) is not None:
        payload = shortened
        found.append(payload)
    return found


@pytest.mark.parametrize(("less", "count"), [(shorter, 3), (thinner, 1)])
def test_an_alert_keeps_the_sentence_that_explains_it(less: Less, count: int) -> None:
    found = steps(less, ALERT)
    assert len(found) == count
    only = {"sentence": "One video made it."}
    assert found[-1]["alert"] == {"alert_id": "a", "top_videos": [], "explanation": only}


@pytest.mark.parametrize(("less", "kept"), [(shorter, [4, 3, 2, 1, 0]), (thinner, [3, 2, 1])])
@pytest.mark.parametrize("more", [None, 7])
def test_what_a_digest_leaves_out_is_counted(less: Less, kept: list[int], more: Any) -> None:
    found = steps(less, DIGEST | {"more": more})
    assert [len(one["items"]) for one in found] == kept
    assert {len(one["items"]) + one["more"] for one in found} == {5 + (more or 0)}


@pytest.mark.parametrize("less", [shorter, thinner])
@pytest.mark.parametrize("payload", [{}, {"alert": None}, {"items": "x"}, {"alert": {}}])
def test_what_has_nothing_to_leave_out(less: Less, payload: dict[str, Any]) -> None:
    assert less(payload) is None
