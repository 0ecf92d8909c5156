"""Files and texts that mean harm: never a crash, never a control character, never markup."""

from __future__ import annotations

import json
import sys
import tracemalloc
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from capsules import capsule, drafted, judged, states, with_history
from hypothesis import given, settings
from hypothesis import strategies as st

from report_facts import AVideo
from tagtide.core.proof.chain import BEGIN, END, ORIGIN, Chain, canonical, link, parse, take_apart
from tagtide.core.proof.verify import Verdict
from tagtide.core.proof.words import verdict_blocks
from tagtide.errors import UnreadableProof
from tagtide.renderers import render_json, render_text

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
from hostile import payloads

TEXTS = payloads()

FILE = capsule()
CONTROLS = "\x1b[2J\x07\x9b31m\u202e\u2066\u200b\ud800"


def printed(verdict: Verdict) -> str:
    return render_text(verdict_blocks(verdict)) + render_json(verdict.as_dict())


def quiet(text: str) -> bool:
    return not any(ord(char) < 32 and char != "\n" for char in text) and not (
        set(text) & set("\x7f\x9b\u202e\u2066\u200b\ud800")
    )


def entries() -> list[dict[str, Any]]:
    found = [dict(line.entry or {}) for line in take_apart(FILE).lines]
    for entry in found:
        del entry["n"]
    return found


def chained(changed: list[dict[str, Any]]) -> bytes:
    made = Chain()
    for entry in changed:
        made.add(entry)
    return FILE[: FILE.index(BEGIN)] + made.sealed(None) + FILE[FILE.index(END) + len(END) :]


def with_raw(text: str) -> bytes:
    """A file whose first entry is any text, under a right hash."""
    head = link(ORIGIN, text)
    seal = canonical({"entries": 1, "head": head, "kind": "seal", "signature": None})
    return BEGIN + f"{head} {text}\n{seal}\n".encode() + END


# --- files ----------------------------------------------------------------------------------------

RAW = {
    "deep": '{"a":' + "[" * 100_000 + "]" * 100_000 + ',"n":0}',
    "deep objects": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "huge integer": '{"n":' + "9" * 100_000 + "}",
    "huge exponent": '{"n":1e999999}',
    "not a number": '{"n":NaN}',
    "infinity": '{"n":-Infinity}',
    "twice": '{"kind":"capsule","kind":"video","n":0}',
    "a list": "{}[]",
    "spaces": '{ "n":0}',
    "surrogates": '{"n":0,"x":"\\ud800"}',
    "ten gigabytes": '{"entries":10000000000,"kind":"capsule","n":0,"schema":1}',
    "control": '{"kind":"\\u001b[2J","n":0}',
}


@pytest.mark.parametrize("text", RAW.values(), ids=RAW.keys())
def test_hostile_entries_are_refused_in_good_order(text: str) -> None:
    verdict = judged(with_raw(text))
    assert not verdict.good
    assert quiet(printed(verdict))


@pytest.mark.parametrize(
    "seal",
    [
        '{"entries":10000000000,"head":"%s","kind":"seal","signature":null}' % ("f" * 64),
        '{"entries":-1,"head":"","kind":"seal","signature":null}',
        '{"entries":1e3,"head":"%s","kind":"seal","signature":7}' % ("0" * 64),
        "[]",
        "",
    ],
)
def test_hostile_seals_are_refused_in_good_order(seal: str) -> None:
    lines = [f"{line.hash} {line.text}" for line in take_apart(FILE).lines]
    data = "\n".join([*lines, seal]) + "\n"
    verdict = judged(BEGIN + data.encode() + END)
    assert not verdict.good
    assert len(verdict.changed) <= 100
    assert quiet(printed(verdict))


@pytest.mark.parametrize("file", [b"", b"<html></html>", b"\0" * 1000, b"PK\x03\x04", FILE[:500]])
def test_what_is_no_capsule_is_said_to_be_none(file: bytes) -> None:
    with pytest.raises(UnreadableProof, match="no proof capsule"):
        judged(file)


@pytest.mark.parametrize("sign", [b"\n", b"[", b"{", b"1,"])
def test_what_would_take_all_memory_is_refused_unread(sign: bytes) -> None:
    """Short to write, large to hold: 20 million lists, entries or numbers."""
    tracemalloc.start()
    verdict = judged(BEGIN + sign * 20_000_000 + b"\n" + END)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert states(verdict) == {"data": "broken"}
    assert peak < 4 * 20_000_000 * len(sign) + 1_000_000


def test_a_newer_schema_is_said_to_be_newer() -> None:
    changed = entries()
    changed[0] |= {"schema": 2, "something": "new"}
    with pytest.raises(UnreadableProof, match="newer tagtide"):
        judged(chained(changed))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False)
    | st.text() | st.just(CONTROLS) | st.just("../../../etc/passwd"),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=60)
@given(st.data())
def test_any_value_in_any_field_is_survived(data: st.DataObject) -> None:
    """With a chain made anew, so that what reads the values meets them."""
    changed = entries()
    place = data.draw(st.integers(0, len(changed) - 1))
    key = data.draw(st.sampled_from(sorted(changed[place])))
    changed[place][key] = data.draw(JSON)
    try:
        file = chained(changed)
    except (ValueError, UnicodeError):
        return
    try:
        verdict = judged(file)
    except UnreadableProof:
        assert key == "schema"
        return
    assert quiet(printed(verdict))


def test_ids_that_stand_twice_are_refused() -> None:
    changed = entries()
    for kind in ("video", "reading", "creator", "hashtag", "figure", "stated"):
        twice = next(entry for entry in changed if entry["kind"] == kind)
        verdict = judged(chained([*changed[:-1], twice, changed[-1]]))
        assert states(verdict)["data"] == "broken", kind
        assert "stands behind the page" not in verdict.checks[-1].statement


def test_nothing_stands_behind_the_page() -> None:
    changed = entries()
    more = {"kind": "stated", "key": "more", "value": 1}
    assert judged(chained([*changed[:-1], changed[-1]])).good
    verdict = judged(chained([*changed, more]))
    assert "stands behind the page" in verdict.checks[-1].statement


def test_a_second_data_part_is_refused() -> None:
    start = FILE.index(BEGIN)
    stop = FILE.index(END) + len(END)
    verdict = judged(FILE[:stop] + FILE[start:stop] + FILE[stop:])
    assert states(verdict) == {"data": "broken"}


def test_the_data_part_may_not_move() -> None:
    start, stop = FILE.index(BEGIN), FILE.index(END) + len(END)
    moved = FILE[start:stop] + FILE[:start] + FILE[stop:]
    assert states(judged(moved))["page"] == "broken"


# --- texts of strangers ---------------------------------------------------------------------------


class Seen(HTMLParser):
    """Tags and attributes of a page, as a browser would find them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {value or "" for name, value in attrs if name in ("href", "src")}


def hostile_file(texts: list[str]) -> bytes:
    facts = with_history()
    held: list[AVideo] = list(facts.videos)  # type: ignore[arg-type]
    # Enough of them for every text to stand in every place of a list.
    held = [
        replace(v, video_id=f"{v.video_id}{n or ''}")
        for n in range(len(texts) // 12 + 1)
        for v in held
    ]
    changed = [
        replace(
            video,
            high_priority_at=video.first_seen_at,
            caption=texts[place % len(texts)],
            author_username=texts[(place + 1) % len(texts)][:64] or None,
            author_nickname=texts[(place + 2) % len(texts)][:64],
            hashtag=texts[(place + 3) % len(texts)][:100],
        )
        for place, video in enumerate(held)
    ]
    name = texts[0][:80] or "x"
    return capsule(replace(facts, videos=changed, campaign=replace(facts.campaign, name=name)))


def test_texts_of_strangers_stay_texts() -> None:
    plain = Seen()
    plain.feed(FILE.decode())
    for start in range(0, len(TEXTS), 40):
        file = hostile_file([*TEXTS[start : start + 40], CONTROLS, "\u202etxt.exe"])
        seen = Seen()
        seen.feed(file.decode())
        assert seen.tags == plain.tags
        assert seen.attributes == plain.attributes
        assert all(address.startswith("#") for address in seen.addresses)
        data = file[file.index(BEGIN) + len(BEGIN) : file.index(END)]
        assert data.isascii()
        assert not set(b"<>&") & set(data)
        page = file.decode().replace(data.decode(), "")
        assert not any(ord(c) < 32 and c != "\n" for c in page)
        verdict = judged(file)
        assert verdict.good
        assert quiet(printed(verdict))


def test_texts_come_back_as_they_were() -> None:
    text = '</script><!-- & \u202e \U0001f600 \\ " \x7f'
    entry = canonical({"caption": text, "n": 0})
    assert parse(entry) == json.loads(entry) == {"caption": text, "n": 0}


# --- erased creators ------------------------------------------------------------------------------


def test_an_erased_creator_is_named_as_erased_and_never_otherwise() -> None:
    facts = with_history()
    gone = [
        replace(v, author_key="erased:5f3a") if v.author_key == "mira.skin" else v  # type: ignore[type-var]
        for v in facts.videos
    ]
    ids = [v.video_id for v in facts.videos if v.author_key == "mira.skin"]
    assert len(ids) == 2
    made = drafted(replace(facts, videos=gone))
    file = capsule(replace(facts, videos=gone))
    text = file.decode()
    for trace in ("mira.skin", "48,000", "48000", "Three steps", "What I use at night", *ids):
        assert trace not in text, trace
    assert "erased creator" in text
    assert "1 creator erased on request" in text
    assert '"erased":"5f3a"' in text
    assert judged(file).good
    assert made.figures["total_views"] == drafted(facts).figures["total_views"]
    # The control: without the erasure all of it is there.
    assert all(trace in FILE.decode() for trace in ("mira.skin", "48,000", *ids))
