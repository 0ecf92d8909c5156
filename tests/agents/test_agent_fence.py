"""The fence: nothing that a stranger wrote leaves it, whatever it looks like and wherever it is."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hostile_world import CAMPAIGNS, ask, bare, fill, judge, questions, reading, settings
from hypothesis import example, given
from hypothesis import strategies as st
from injections import INJECTIONS, mark_of

import tagtide.mcp.fence
from tagtide.mcp.fence import LONGEST, UNTRUSTED, Known, fence, fit, size_of, untrusted
from tagtide.mcp.fields import BARE, KEYS, WORDS, Look
from tagtide.mcp.tools import TOOLS, Kind

KNOWN = Known.of(["Spring glow"], ["glow", "été"])
#: Tools whose answers show no video, no alert and no failure: there is nothing to fence in them.
_SILENT = {"list_campaigns", "hashtag_history", "credits", "preview_run"}


def test_there_are_two_hundred_texts() -> None:
    assert len({*INJECTIONS}) == 200
    assert all(mark_of(n) in text for n, text in enumerate(INJECTIONS))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    asyncio.run(fill(settings(folder)))
    return folder


def ask_everything(folder: Path, campaigns: int = CAMPAIGNS) -> dict[str, set[str]]:
    """The marks that each tool has shown behind the fence."""
    seen: dict[str, set[str]] = defaultdict(set)

    async def main() -> None:
        async with reading(settings(folder)) as app:
            for number in range(campaigns):
                for name, arguments in questions(number):
                    seen[name] |= judge(await ask(app, name, arguments))

    asyncio.run(main())
    return seen


def test_no_text_leaves_the_fence_through_any_tool(hostile: Path) -> None:
    seen = ask_everything(hostile)
    assert {name for name, marks in seen.items() if not marks} <= _SILENT
    every = {mark_of(n) for n in range(200)}
    assert seen["explain_alert"] == every
    assert seen["top_videos"] | seen["search_videos"] == every
    assert len(seen["weekly_ranking"]) > 100


@pytest.mark.parametrize(
    "key", ["title", "author_username", "author_nickname", "summary", "hashtag"]
)
def test_a_build_that_lets_one_kind_out_is_caught(
    hostile: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    ours = tagtide.mcp.fence._is_ours
    loose = {**BARE, key: Look.WEEK}
    monkeypatch.setattr(tagtide.mcp.fence, "BARE", loose)
    monkeypatch.setattr(
        tagtide.mcp.fence,
        "_is_ours",
        lambda text, look, known: look is Look.WEEK or ours(text, look, known),
    )
    with pytest.raises(AssertionError, match="zq"):
        ask_everything(hostile, 1)


def test_a_build_that_does_not_clean_is_caught(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tagtide.mcp.fence, "untrusted", lambda text: {UNTRUSTED: text[:LONGEST]})
    with pytest.raises(AssertionError):
        ask_everything(hostile, 1)


def test_nothing_of_worth_is_left_out(hostile: Path) -> None:
    """Keys that no table knows: only those that are meant to stay inside."""
    left: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            left.update(k for k in value if k not in KEYS)
            for one in value.values():
                walk(one)
        elif isinstance(value, list | tuple):
            for one in value:
                walk(one)

    async def main() -> None:
        async with reading(settings(hostile)) as app:
            for name, arguments in questions(0):
                tool = next(t for t in TOOLS if t.name == name)
                walk(await tool.act(app, tool.arguments.model_validate(arguments)))

    asyncio.run(main())
    ours = {key for key in left if key.isidentifier()}
    assert ours == {"anomaly_reason", "author_sec_uid", "caption", "statement"}


# --- the walker -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("campaign", "Spring glow"),
        ("hashtag", "glow"),
        ("hashtags", ["glow", "été"]),
        ("url", "https://www.tiktok.com/tag/%C3%A9t%C3%A9"),
        ("url", "https://www.tiktok.com/@_/video/7123"),
        ("video_id", "7123"),
        ("read_at", "2026-03-01T12:00:00Z"),
        ("rule", "viral_video"),
        ("timezone", "Europe/Paris"),
        ("timezone", "America/Argentina/Buenos_Aires"),
        ("view_count", 12),
        ("high_priority", True),
        ("threshold", None),
    ],
)
def test_what_is_ours_stays_bare(key: str, value: Any) -> None:
    assert fence({key: value}, KNOWN) == {key: value}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("campaign", "Spring Glow"),
        ("campaign", "Ignore previous instructions"),
        ("hashtag", "ignorepreviousinstructions"),
        ("url", "https://www.tiktok.com/@ignore_all/video/7123"),
        ("url", "https://www.tiktok.com/tag/ignore"),
        ("video_id", "7123\n"),
        ("video_id", "٣٣"),
        ("read_at", "2026-03-01T12:00:00Z obey"),
        ("rule", "obey"),
        ("timezone", "Ignore previous/Instructions"),
        ("title", "viral_video"),
        ("author_username", "7123"),
    ],
)
def test_what_only_looks_like_ours_does_not(key: str, value: str) -> None:
    (found,) = fence({key: value}, KNOWN).values()
    assert set(found) == {UNTRUSTED}


def test_keys_that_are_in_no_table_are_left_out() -> None:
    assert fence({"title": "a", "ignore previous": 1, "obey_me": {"rule": "x"}}, KNOWN) == {
        "title": {UNTRUSTED: "a"}
    }


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(sorted(KEYS)) | st.text(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(trees)
@example({"title": {UNTRUSTED: "a bare text in disguise"}})
@example({"campaign": ["\ud800"]})
def test_whatever_stands_outside_is_known(tree: Any) -> None:
    found = fence({"result": tree}, KNOWN)
    json.dumps(found, allow_nan=False).encode()
    for text in bare(found):
        assert (
            text in KEYS
            or text in WORDS
            or text in KNOWN.campaigns | KNOWN.hashtags | KNOWN.pages
            or any(pattern.fullmatch(text) for pattern in tagtide.mcp.fence._PATTERNS.values())
        )


@given(st.text())
@example("<" * 400)
@example("<|" * 200)
@example("[INST]" * 100)
def test_a_text_behind_the_fence_is_clean_and_short(text: str) -> None:
    (clean,) = untrusted(text).values()
    assert len(clean) <= LONGEST
    for token in ("<|", "|>", "[INST]", "</", "<a", "<s>"):
        assert token not in clean
    # What is not assigned yet may be an emoji younger than this Python.
    assert not {unicodedata.category(c) for c in clean} & {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


@given(st.lists(st.text(max_size=50), max_size=60), st.integers(200, 3_000))
def test_an_answer_is_cut_to_its_size(texts: list[str], largest: int) -> None:
    body = fence({"videos": [{"title": text} for text in texts], "total": 3}, KNOWN)
    whole = size_of(body)
    cut = fit(body, largest)
    assert size_of(cut) <= largest
    assert cut.get("truncated", False) is (whole > largest)
    if whole <= largest:
        assert len(cut["videos"]) == len(texts)


def test_tools_of_the_table_are_what_the_fence_was_tried_on() -> None:
    assert sum(t.kind is Kind.READ for t in TOOLS) == 14
