"""The chain: whatever is done to a data part is found, and where it was done is said."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from capsules import capsule, draw, judged, states
from hypothesis import given, settings
from hypothesis import strategies as st

from tagtide.core.proof import chain
from tagtide.core.proof.chain import (
    BEGIN,
    END,
    ORIGIN,
    Malformed,
    canonical,
    link,
    parse,
    take_apart,
)
from tagtide.core.proof.verify import Verdict, verify
from tagtide.errors import UnreadableProof
from tagtide.signing import signature_holds

FILE = capsule()
START = FILE.index(BEGIN) + len(BEGIN)
STOP = FILE.index(END, START)
LINES = FILE[START:STOP].decode().splitlines()


def with_lines(lines: list[str]) -> bytes:
    return FILE[:START] + "".join(f"{line}\n" for line in lines).encode() + FILE[STOP:]


def verdict_of(file: bytes) -> Verdict | None:
    """None for a file that is refused with a clear sentence."""
    try:
        return judged(file)
    except UnreadableProof:
        return None


def is_found(file: bytes) -> bool:
    verdict = verdict_of(file)
    return verdict is None or not verdict.good


def test_what_was_not_touched_holds() -> None:
    assert judged(FILE).good
    assert with_lines(LINES) == FILE


@settings(max_examples=50)
@given(st.integers(START, STOP - 1), st.integers(1, 255))
def test_any_other_byte_in_the_data_is_found(place: int, by: int) -> None:
    assert is_found(FILE[:place] + bytes([FILE[place] ^ by]) + FILE[place + 1 :])


@settings(max_examples=50)
@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_any_other_byte_anywhere_is_found(place: int, by: int) -> None:
    assert is_found(FILE[:place] + bytes([FILE[place] ^ by]) + FILE[place + 1 :])


@pytest.mark.prove
def test_bytes_all_over_the_data_count() -> None:
    for place in range(START, STOP, 5):
        file = FILE[:place] + bytes([FILE[place] ^ 1]) + FILE[place + 1 :]
        try:
            parts = take_apart(file)
        except Malformed:
            continue
        if not chain.breaks(parts.lines):
            assert is_found(file), place


@settings(max_examples=50)
@given(st.integers(0, len(LINES) - 2))
def test_a_removed_entry_is_named(place: int) -> None:
    verdict = verdict_of(with_lines(LINES[:place] + LINES[place + 1 :]))
    assert verdict is not None
    assert (place, "missing") in [(c.entry, c.problem) for c in verdict.changed]
    assert not verdict.good
    # Only the gap: the entries behind it are what they were.
    assert len(verdict.changed) == 1


@settings(max_examples=50)
@given(st.integers(0, len(LINES) - 2), st.integers(0, len(LINES) - 2))
def test_an_entry_that_was_put_in_is_found(source: int, place: int) -> None:
    assert is_found(with_lines([*LINES[:place], LINES[source], *LINES[place:]]))


@settings(max_examples=50)
@given(st.integers(0, len(LINES) - 2), st.integers(0, len(LINES) - 2))
def test_entries_that_changed_places_are_found(one: int, other: int) -> None:
    swapped = list(LINES)
    swapped[one], swapped[other] = swapped[other], swapped[one]
    assert is_found(with_lines(swapped)) == (one != other)


@settings(max_examples=50)
@given(st.integers(1, len(LINES) - 2), st.data())
def test_a_changed_reading_is_named(place: int, data: st.DataObject) -> None:
    """Also when its own hash was made again: the next entry covers the old one."""
    entry = dict(parse(LINES[place][65:]) or {})
    key = data.draw(st.sampled_from(sorted(set(entry) - {"n", "kind"})))
    entry[key] = [entry[key]]
    text = canonical(entry)
    plain = f"{LINES[place][:64]} {text}"
    verdict = verdict_of(with_lines([*LINES[:place], plain, *LINES[place + 1 :]]))
    assert verdict is not None
    assert [(c.entry, c.problem) for c in verdict.changed] == [(place, "changed")]
    rehashed = f"{link(LINES[place - 1][:64], text)} {text}"
    assert is_found(with_lines([*LINES[:place], rehashed, *LINES[place + 1 :]]))


def test_a_cut_off_end_is_named() -> None:
    verdict = verdict_of(with_lines([*LINES[:-4], LINES[-1]]))
    assert verdict is not None
    assert [c.entry for c in verdict.changed] == [len(LINES) - 4, len(LINES) - 3, len(LINES) - 2]


# --- a control: what the hash before is good for --------------------------------------------------


def rewritten(lines: list[str], linked: Callable[[str, str], str], places: set[int]) -> list[str]:
    """The lines with new hashes where somebody was at work."""
    made, before = [], ORIGIN
    for place, line in enumerate(lines):
        text = line[65:]
        before = linked(before, text) if place in places else line[:64]
        made.append(f"{before} {text}")
    return made


def alone(before: str, text: str) -> str:
    """A hash that does not cover the one before."""
    return link(ORIGIN, text)


def two_readings_exchanged(linked: Callable[[str, str], str]) -> list[str]:
    """Two entries that exchanged their contents, numbers kept, with fresh hashes of their own."""
    body = rewritten(LINES[:-1], linked, set(range(len(LINES))))
    one, other = [place for place, line in enumerate(body) if '"kind":"stated"' in line][:2]
    first, second = (dict(parse(body[place][65:]) or {}) for place in (one, other))
    first["n"], second["n"] = second["n"], first["n"]
    body[one], body[other] = f"{'0' * 64} {canonical(second)}", f"{'0' * 64} {canonical(first)}"
    return rewritten(body, linked, {one, other})


def test_without_the_hash_before_an_exchange_would_go_unnoticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def holds(body: list[str]) -> bool:
        seal = canonical(
            {"entries": len(body), "head": body[-1][:64], "kind": "seal", "signature": None}
        )
        return not chain.breaks(take_apart(with_lines([*body, seal])).lines)

    assert not holds(two_readings_exchanged(link))
    untouched = rewritten(LINES[:-1], alone, set(range(len(LINES))))
    exchanged = two_readings_exchanged(alone)
    monkeypatch.setattr(chain, "link", alone)
    assert exchanged != untouched
    assert holds(untouched)
    assert holds(exchanged), "the control found it: the test above proves nothing"


# --- made again from end to end -------------------------------------------------------------------


def forged(change: Callable[[dict[str, object]], None]) -> bytes:
    """A file whose chain was made again after a change."""
    made = chain.Chain()
    for line in LINES[:-1]:
        entry = dict(parse(line[65:]) or {})
        del entry["n"]
        change(entry)
        made.add(entry)
    return FILE[: START - len(BEGIN)] + made.sealed(None) + FILE[STOP + len(END) :]


def test_a_chain_made_anew_does_not_save_a_changed_reading() -> None:
    def more_views(entry: dict[str, object]) -> None:
        if entry.get("views") == 612_000:
            entry["views"] = 613_000

    verdict = judged(forged(more_views))
    assert states(verdict)["chain"] == "holds"
    assert states(verdict)["figures"] == "broken"
    assert {"total_views", "view_growth_24h"} <= {d.key for d in verdict.differs}
    assert not verdict.good


def test_figures_made_anew_do_not_save_the_page() -> None:
    def more_credits(entry: dict[str, object]) -> None:
        if entry.get("key") == "credits_used":
            entry["value"] = 1

    verdict = judged(forged(more_credits))
    assert states(verdict) == {
        "chain": "holds",
        "signature": "absent",
        "figures": "holds",
        "page": "broken",
    }


def test_another_form_cannot_be_told_here() -> None:
    """Not good without a signature: the page may say anything."""

    def other_form(entry: dict[str, object]) -> None:
        if entry.get("kind") == "capsule":
            entry["form"] = 99

    verdict = judged(forged(other_form))
    assert states(verdict)["page"] == "unproven"
    assert not verdict.good


@settings(max_examples=50)
@given(st.randoms(use_true_random=False), st.integers(0, 400))
def test_noise_is_refused_in_good_order(chance: random.Random, length: int) -> None:
    noise = chance.randbytes(length)
    verdict = verify(BEGIN + noise + END, draw=draw, signature_holds=signature_holds)
    assert not verdict.good
