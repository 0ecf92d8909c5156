"""What the settings of the rules may be, wherever they are typed."""

from __future__ import annotations

from dataclasses import fields

from tagtide.core.alerts import VIRAL_LIFETIME
from tagtide.models import CAMPAIGN_RULES, Rule, RuleSettings

_TWO_WEEKS = 14 * 24.0
#: More than this means nothing, and no database column holds what is much larger.
_ANY = 1e15

#: Smallest and largest value of each setting; both are allowed.
_LIMITS: dict[str, tuple[float, float]] = {
    "new_videos": (1, _ANY),
    "growth_min_videos": (0, _ANY),
    "growth_min_views": (0, _ANY),
    "viral_min_others": (1, _ANY),
    "high_priority_rate": (0, _ANY),
    "high_priority_views": (0, _ANY),
    "rolling_weeks": (3, 52),
    "false_alarms": (0.001, 30),
    "reopen_hours": (0, _TWO_WEEKS),
    **{f"{rule.value}_for_runs": (0, 100) for rule in CAMPAIGN_RULES},
    **{f"{rule.value}_for_hours": (0, _TWO_WEEKS) for rule in CAMPAIGN_RULES},
}
#: Settings that must be above zero, and their largest value.
_ABOVE_ZERO: dict[str, float] = {
    "growth": _ANY,
    "window_hours": _TWO_WEEKS,
    "viral_factor": _ANY,
    "resolve_below": _ANY,
}


def problems_of(settings: RuleSettings) -> list[str]:
    """A sentence for each setting that is out of range or contradicts another; none is good."""
    return [*_out_of_range(settings), *_contradictions(settings)]


def _out_of_range(settings: RuleSettings) -> list[str]:
    found = []
    for name in (f.name for f in fields(RuleSettings)):
        value = getattr(settings, name)
        if name in _ABOVE_ZERO:
            if value <= 0:
                found.append(f"{name} must be above 0, not {_shown(value)}")
            elif value > _ABOVE_ZERO[name]:
                found.append(
                    f"{name} must be at most {_shown(_ABOVE_ZERO[name])}, not {_shown(value)}"
                )
        elif name in _LIMITS:
            low, high = _LIMITS[name]
            if value < low:
                found.append(f"{name} must be at least {_shown(low)}, not {_shown(value)}")
            elif value > high:
                found.append(f"{name} must be at most {_shown(high)}, not {_shown(value)}")
    return found


def _contradictions(settings: RuleSettings) -> list[str]:
    found = []
    if settings.resolve_below > 1:
        found.append(
            f"resolve_below is {_shown(settings.resolve_below)}: an alert would end above the "
            "threshold at which it begins; it is a share of the threshold, at most 1"
        )
    if 0 < settings.viral_factor <= 1:
        found.append(
            f"viral_factor is {_shown(settings.viral_factor)}: a video no larger than the mean "
            "of the others would be viral; it must be above 1"
        )
    longest = VIRAL_LIFETIME.total_seconds() / 3600
    if settings.viral_video_for_hours == longest:
        found.append(
            "viral_video_for_hours is as long as a viral video is news (14 days): it could never "
            "be told"
        )
    if Rule.SELF in settings.enabled:
        found.append("enabled names the rule self, which no campaign can switch")
    return found


def _shown(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"
