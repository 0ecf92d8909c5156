"""Messages with less in them: step by step to fit a limit, or much for who found one too long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagtide.core.language import say


def shorter(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """One item or one video less, at last without the data of the explanation; None at its end.

    Items that are left out are counted.
    """
    items, alert = payload.get("items"), payload.get("alert")
    if isinstance(items, list) and items:
        return {**payload, "items": items[:-1], "more": _more(payload) + 1}
    if not isinstance(alert, dict):
        return None
    videos = alert.get("top_videos")
    if isinstance(videos, list) and videos:
        return {**payload, "alert": {**alert, "top_videos": videos[:-1]}}
    return _only_the_sentence(payload, alert)


def thinner(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same for a receiver to whom it was too long; None when there is nothing to leave out.

    Of a digest half of the items stay; of an alert its videos go, and the explanation but for its
    sentence.
    """
    items, alert = payload.get("items"), payload.get("alert")
    if isinstance(items, list) and len(items) > 1:
        kept = (len(items) + 1) // 2
        more = _more(payload) + len(items) - kept
        # Items of other messages are no alerts and are short already.
        is_digest = payload.get("type") == "digest"
        less = [bare(item) for item in items[:kept]] if is_digest else items[:kept]
        return {**payload, "items": less, "more": more}
    if not isinstance(alert, dict):
        return None
    if alert.get("top_videos"):
        without = {**payload, "alert": {**alert, "top_videos": []}}
        return _only_the_sentence(without, without["alert"]) or without
    return _only_the_sentence(payload, alert)


def without_files(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A report that goes without its files, and says so in the language of the moment."""
    missing = payload.get("missing")
    kept = missing if isinstance(missing, list) else []
    said = say("The files are not attached: they were too large for the mail server.")
    return {**payload, "attachments": [], "missing": [*kept, said]}


def without_pictures(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A report without addresses of charts; pictures that go with the message are no part of it."""
    charts = payload.get("charts")
    if not isinstance(charts, list):
        return dict(payload)
    kept = [chart | {"url": None} for chart in charts if isinstance(chart, dict)]
    return {**payload, "charts": kept}


def bare(alert: Mapping[str, Any]) -> dict[str, Any]:
    """An alert as an item of a digest: without videos and explanation."""
    short = {**alert, "top_videos": []}
    return short | {"explanation": None} if "explanation" in alert else short


def _only_the_sentence(
    payload: Mapping[str, Any], alert: Mapping[str, Any]
) -> dict[str, Any] | None:
    explanation = alert.get("explanation")
    if isinstance(explanation, dict) and explanation.keys() - {"sentence"}:
        only = {"sentence": explanation.get("sentence")}
        return {**payload, "alert": {**alert, "explanation": only}}
    return None


def _more(payload: Mapping[str, Any]) -> int:
    more = payload.get("more")
    return more if type(more) is int else 0
