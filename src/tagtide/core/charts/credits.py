"""Credits in pictures: what is left of the month, and what each day has cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from tagtide.core import formats
from tagtide.core.charts.base import Chart, single
from tagtide.core.forecast import MonthForecast

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME_AXIS = {
    "field": "on",
    "type": "temporal",
    "title": None,
    "axis": {"format": "%-d %b", "grid": False, "tickCount": 8, "labelOverlap": True},
}


def day_text(on: date) -> str:
    """A day without its year: ``3 Nov``."""
    return f"{on.day} {_MONTHS[on.month - 1]}"


def burn_down(
    daily: Sequence[tuple[date, int]], limit: int | None, forecast: MonthForecast, last: date
) -> Chart:
    """Credits left of what the month has, day by day, and where that leads.

    Args:
        daily: Credits of each day of the month up to today, in order.
        limit: The month's budget, or what there was when it began; None: what is spent is shown.
        forecast: Of the month.
        last: Its last day.
    """
    done: list[tuple[date, float]] = []
    total = 0
    for on, spent in daily:
        total += spent
        done.append((on, float(total)))
    value = _left(limit)
    values = [{"on": on.isoformat(), "value": value(spent), "kind": "spent"} for on, spent in done]
    today = done[-1][0] if done else last
    so_far = float(forecast.spent)
    ahead = [(today, so_far, so_far, so_far)]
    if last > today:
        low = forecast.expected if forecast.low is None else forecast.low
        high = forecast.expected if forecast.high is None else forecast.high
        ahead.append((last, forecast.expected, low, high))
    values += [
        {
            "on": on.isoformat(),
            "value": value(expected),
            "low": value(high),
            "high": value(low),
            "kind": "forecast",
        }
        for on, expected, low, high in ahead
    ]
    return Chart(
        name="burn-down",
        title=_burn_title(limit, forecast, last),
        subtitle=f"credits {'left' if limit is not None else 'spent'} at the end of a day (UTC); "
        f"dashed: {_basis(forecast)}",
        spec=single(values, layer=_burn_layers()),
        columns=("Day", "Spent that day", "Left" if limit is not None else "Spent so far"),
        rows=tuple(
            (day_text(on), formats.whole(spent), formats.whole(value(reached)))
            for (on, spent), (_, reached) in zip(daily, done, strict=True)
        ),
    )


def _left(limit: int | None) -> Any:
    return (lambda spent: spent) if limit is None else (lambda spent: limit - spent)


def _burn_layers() -> list[dict[str, Any]]:
    amount = {"type": "quantitative", "title": None, "axis": {"format": ",d", "tickCount": 5}}
    spent = {"filter": "datum.kind == 'spent'"}
    forecast = {"filter": "datum.kind == 'forecast'"}
    return [
        {
            "transform": [forecast],
            "mark": {"type": "area", "opacity": 0.18},
            "encoding": {"x": _TIME_AXIS, "y": amount | {"field": "low"}, "y2": {"field": "high"}},
        },
        {
            "transform": [forecast],
            "mark": {"type": "line", "strokeDash": [4, 3], "tooltip": True},
            "encoding": {"x": _TIME_AXIS, "y": amount | {"field": "value"}},
        },
        {
            "transform": [spent],
            "mark": {"type": "line", "interpolate": "step-after", "tooltip": True},
            "encoding": {"x": _TIME_AXIS, "y": amount | {"field": "value"}},
        },
        {"mark": {"type": "rule"}, "encoding": {"y": {"datum": 0}}},
    ]


def _burn_title(limit: int | None, forecast: MonthForecast, last: date) -> str:
    expected = formats.whole(forecast.expected)
    band = ""
    if forecast.low is not None and forecast.high is not None:
        band = f" ({formats.whole(forecast.low)} to {formats.whole(forecast.high)})"
    of = f" of {formats.whole(limit)}" if limit is not None else ""
    return f"By {day_text(last)}, {expected}{of} credits will have been spent{band}."


def _basis(forecast: MonthForecast) -> str:
    if not forecast.days:
        return "what the schedules cost at most"
    return (
        f"the pace of {formats.counted(forecast.days, 'whole day')}, "
        "with the band that nine months in ten end in"
    )


def daily_spending(daily: Sequence[tuple[date, int]], limit: int | None) -> Chart:
    """Credits of each day, today last and not over yet."""
    values = [{"on": on.isoformat(), "credits": spent} for on, spent in daily]
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "bar", "tooltip": True, "width": {"band": 0.7}},
            "encoding": {
                "x": _TIME_AXIS | {"timeUnit": "utcyearmonthdate"},
                "y": {
                    "field": "credits",
                    "type": "quantitative",
                    "title": None,
                    "axis": {"format": ",d", "tickCount": 5},
                },
            },
        }
    ]
    if limit is not None:
        layers.append({"mark": {"type": "rule"}, "encoding": {"y": {"datum": limit}}})
    return Chart(
        name="daily-spending",
        title=_daily_title(daily),
        subtitle="credits a day (UTC), charged or possibly charged"
        + (f"; the line is the budget of {formats.whole(limit)}" if limit is not None else ""),
        spec=single(values, height=200, layer=layers),
        columns=("Day", "Credits"),
        rows=tuple((day_text(on), formats.whole(spent)) for on, spent in daily),
    )


def _daily_title(daily: Sequence[tuple[date, int]]) -> str:
    whole = daily[:-1]
    if not whole or not any(spent for _, spent in whole):
        return "Nothing was spent before today."
    most_on, most = max(whole, key=lambda day: day[1])
    mean = sum(spent for _, spent in whole) / len(whole)
    return (
        f"{formats.compact(round(mean))} credits a day on average; "
        f"most on {day_text(most_on)} ({formats.whole(most)})."
    )


def days_between(first: date, last: date) -> list[date]:
    """Every day, both ends included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
