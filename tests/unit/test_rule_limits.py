"""Rule settings that cannot be meant are named, wherever they are typed."""

from __future__ import annotations

from typing import Any

import pytest

from tagtide.core.rule_limits import problems_of
from tagtide.errors import ConfigError, InvalidInput
from tagtide.models import Rule, RuleSettings
from tagtide.services.campaigns import rules_from
from tagtide.settings import load

BAD = [
    ({"new_videos": 0}, "new_videos must be at least 1"),
    ({"new_videos": -5}, "new_videos must be at least 1"),
    ({"growth": 0}, "growth must be above 0"),
    ({"growth": -0.5}, "growth must be above 0"),
    ({"growth_min_videos": -1}, "growth_min_videos must be at least 0"),
    ({"growth_min_views": -1}, "growth_min_views must be at least 0"),
    ({"window_hours": 0}, "window_hours must be above 0"),
    ({"window_hours": 1000}, "window_hours must be at most 336"),
    ({"viral_factor": 1}, "no larger than the mean"),
    ({"viral_factor": -1}, "viral_factor must be above 0"),
    ({"viral_min_others": 0}, "viral_min_others must be at least 1"),
    ({"rolling_weeks": 2}, "rolling_weeks must be at least 3"),
    ({"rolling_weeks": 53}, "rolling_weeks must be at most 52"),
    ({"resolve_below": 0}, "resolve_below must be above 0"),
    ({"resolve_below": 1.5}, "end above the threshold at which it begins"),
    ({"reopen_hours": -1}, "reopen_hours must be at least 0"),
    ({"reopen_hours": 999}, "reopen_hours must be at most 336"),
    ({"growth_for_runs": -1}, "growth_for_runs must be at least 0"),
    ({"growth_for_runs": 101}, "growth_for_runs must be at most 100"),
    ({"statistical_for_hours": -0.5}, "statistical_for_hours must be at least 0"),
    ({"viral_video_for_hours": 336}, "could never be told"),
    ({"enabled": ["self"]}, "no campaign can switch"),
]


@pytest.mark.parametrize(
    ("typed", "said"), BAD, ids=lambda x: str(x) if isinstance(x, dict) else ""
)
def test_what_is_typed_for_a_campaign(typed: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        rules_from(typed, RuleSettings())


@pytest.mark.parametrize(
    ("typed", "said"), BAD, ids=lambda x: str(x) if isinstance(x, dict) else ""
)
def test_what_stands_in_the_configuration(typed: dict[str, Any], said: str, tmp_path: Any) -> None:
    file = tmp_path / "tagtide.toml"
    lines = [f"{key} = {value}".replace("'", '"') for key, value in typed.items()]
    file.write_text("[rules]\n" + "\n".join(lines))
    with pytest.raises(ConfigError) as caught:
        load(config=str(file), environ={}, cwd=tmp_path)
    assert "rules" in str(caught.value)


def test_contradictions_are_named_in_the_configuration_too(tmp_path: Any) -> None:
    file = tmp_path / "tagtide.toml"
    file.write_text("[rules]\nresolve_below = 2\nreopen_hours = -1\n")
    with pytest.raises(ConfigError) as caught:
        load(config=str(file), environ={}, cwd=tmp_path)
    assert "end above the threshold" in str(caught.value)
    assert "reopen_hours must be at least 0" in str(caught.value)


def test_the_defaults_are_good_and_every_rule_is_on() -> None:
    assert problems_of(RuleSettings()) == []
    assert RuleSettings().enabled == tuple(r for r in Rule if r is not Rule.SELF)


def test_good_values_of_the_life_of_an_alert() -> None:
    made = rules_from(
        {
            "growth_for_runs": 2, "new_videos_for_hours": 12, "resolve_below": 1, "reopen_hours": 0,
            "growth_min_videos": 0, "enabled": ["growth", "statistical", "growth"],
        },
        RuleSettings(),
    )  # fmt: skip
    assert (made.growth_for_runs, made.new_videos_for_hours, made.resolve_below) == (2, 12.0, 1.0)
    assert made.enabled == (Rule.GROWTH, Rule.STATISTICAL)


def test_a_whole_number_of_hours_may_become_a_broken_one() -> None:
    whole = rules_from({"window_hours": 8}, RuleSettings())
    assert rules_from({"window_hours": 7.5}, whole).window_hours == 7.5


@pytest.mark.parametrize("value", ["x", None, True, float("nan"), float("inf"), 1.5])
def test_runs_are_whole_numbers(value: Any) -> None:
    with pytest.raises(InvalidInput, match="whole number"):
        rules_from({"growth_for_runs": value}, RuleSettings())
