"""Whether a file proves what it shows: chain, signature, figures, page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any

from tagtide.core.formats import clean_text, counted, whole
from tagtide.core.language import ENGLISH, speaking
from tagtide.core.proof import FORM, SCHEMA
from tagtide.core.proof.chain import (
    ORIGIN,
    SIGNED,
    Break,
    Line,
    Malformed,
    NoCapsule,
    Parts,
    breaks,
    page_hash,
    take_apart,
)
from tagtide.core.proof.figures import Worked, work_out
from tagtide.core.proof.parsing import TooNew, read_records
from tagtide.core.proof.records import Records
from tagtide.errors import UnreadableProof

#: Draws the page of some records and their figures: what stands before the data part, and behind.
Draw = Callable[[Records, Mapping[str, Worked]], tuple[bytes, bytes]]
#: Whether a signature over a message belongs to a public key; all but the message in hexadecimal.
SignatureHolds = Callable[[str, str, bytes], bool]

#: So many broken places are named; a file with more is broken all the same.
MOST_NAMED = 100


class State(StrEnum):
    """How one check ended."""

    HOLDS = "holds"
    BROKEN = "broken"
    #: There is nothing to check.
    ABSENT = "absent"
    #: It cannot be told here.
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    #: For a person.
    statement: str

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"check": self.name, "state": self.state.value, "statement": self.statement}


@dataclass(frozen=True, slots=True)
class Changed:
    """An entry that is not what was sealed."""

    entry: int
    problem: str
    #: What it says it is.
    what: str

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"entry": self.entry, "problem": self.problem, "what": self.what}


@dataclass(frozen=True, slots=True)
class Differs:
    """A figure that does not follow from the readings."""

    key: str
    stated: Any
    worked_out: Any

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"figure": self.key, "stated": self.stated, "worked_out": self.worked_out}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a file proves."""

    checks: tuple[Check, ...]
    changed: tuple[Changed, ...]
    differs: tuple[Differs, ...]
    entries: int
    #: As the seal states it.
    head: str
    #: None where the entries could not be read.
    records: Records | None
    #: Every figure as the readings give it.
    worked: Mapping[str, Worked] = field(default_factory=dict)
    #: Whether the key that the reader gave has signed it.
    is_signed_by_given: bool = False

    @property
    def good(self) -> bool:
        """Whether nothing is broken or left unproven."""
        return all(check.state in (State.HOLDS, State.ABSENT) for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """The documented JSON object."""
        header = None if self.records is None else self.records.header
        return {
            "good": self.good,
            "schema": header and header.schema,
            "tool": header and header.tool,
            "campaign": header and header.campaign,
            "as_of": header and header.as_of.isoformat().replace("+00:00", "Z"),
            "entries": self.entries,
            "readings": self.records and self.records.readings,
            "figures": self.records and len(self.records.figures),
            "head": self.head,
            "key": header and header.key,
            "signed_by_given_key": self.is_signed_by_given,
            "checks": [check.as_dict() for check in self.checks],
            "changed": [changed.as_dict() for changed in self.changed],
            "differs": [differs.as_dict() for differs in self.differs],
            "worked_out": {key: figure.value for key, figure in self.worked.items()},
        }


@speaking(ENGLISH)
def verify(
    file: bytes, *, draw: Draw, signature_holds: SignatureHolds, key: str | None = None
) -> Verdict:
    """Judge a file; ``key`` is the public key that must have signed it.

    Raises `UnreadableProof` when it is no capsule, or one with a newer schema. Whatever else is
    wrong with it, is a check that does not hold.
    """
    try:
        parts = take_apart(file)
    except NoCapsule:
        raise UnreadableProof(
            "This file is no proof capsule.",
            hint="`tagtide report campaign --proof` makes one; a report as HTML proves nothing.",
        ) from None
    except Malformed as error:
        return _damaged(f"The data part is damaged: {error}.")
    _refuse_newer(parts)
    found = breaks(parts.lines)
    changed = _changed(parts, found)
    chain = _chain(parts, changed)
    try:
        records = read_records(line.entry or {} for line in parts.lines)
    except TooNew:
        raise UnreadableProof(_NEWER, hint="Update tagtide.") from None
    except Malformed as error:
        unread = Check("data", State.BROKEN, f"The entries cannot be read: {error}.")
        return _verdict(parts, (chain, unread), changed)
    worked = _worked(records)
    differs, figures = _figures(records, worked)
    signature = _signature(parts, records, signature_holds, key)
    page = _page(file, parts, records, partial(draw, records, worked or {}))
    is_trusted = key is not None and signature.state is State.HOLDS
    if page.state is State.UNPROVEN and is_trusted:
        page = Check(page.name, State.HOLDS, _SIGNED_PAGE)
    checks = (chain, signature, figures, page)
    verdict = _verdict(parts, checks, changed, records, differs)
    return replace(verdict, worked=worked or {}, is_signed_by_given=is_trusted)


_NEWER = f"This capsule was made by a newer tagtide; this one reads capsules up to schema {SCHEMA}."
_SIGNED_PAGE = (
    "The page is the one that was signed. This version of tagtide draws pages in another form, so "
    "that it was not drawn again from the data."
)


def _refuse_newer(parts: Parts) -> None:
    first = parts.lines[0].entry if parts.lines else None
    schema = None if first is None else first.get("schema")
    is_header = first is not None and first.get("kind") == "capsule"
    if is_header and type(schema) is int and schema > SCHEMA:
        raise UnreadableProof(_NEWER, hint="Update tagtide.")


def _damaged(statement: str) -> Verdict:
    check = Check("data", State.BROKEN, statement)
    return Verdict(checks=(check,), changed=(), differs=(), entries=0, head=ORIGIN, records=None)


def _verdict(
    parts: Parts,
    checks: tuple[Check, ...],
    changed: Sequence[Changed],
    records: Records | None = None,
    differs: Sequence[Differs] = (),
) -> Verdict:
    return Verdict(
        checks=checks,
        changed=tuple(changed[:MOST_NAMED]),
        differs=tuple(differs),
        entries=len(parts.lines),
        head=parts.seal.head,
        records=records,
    )


# --- the chain ------------------------------------------------------------------------------------


def _changed(parts: Parts, found: Sequence[Break]) -> list[Changed]:
    changed = [Changed(b.entry, b.problem, _what(b.line)) for b in found]
    count = len(parts.lines)
    if not found and parts.seal.entries > count:
        # Cut off at the end: nothing stands behind the gap that would show it.
        last = min(parts.seal.entries, count + MOST_NAMED)
        changed += [Changed(number, "missing", _what(None)) for number in range(count, last)]
    return changed


def _what(line: Line | None) -> str:
    if line is None:
        return "an entry that is no longer there"
    entry = line.entry
    if entry is None:
        return "an entry that cannot be read"
    kind = clean_text(str(entry.get("kind")), 32).replace("_", " ")
    of = entry.get("video") or entry.get("hashtag") or entry.get("key") or entry.get("handle")
    at = entry.get("at")
    named = f" {clean_text(of, 60)}" if isinstance(of, str) else ""
    return f"{kind}{named}" + (f" at {clean_text(at, 40)}" if isinstance(at, str) else "")


def _chain(parts: Parts, changed: Sequence[Changed]) -> Check:
    count, seal = len(parts.lines), parts.seal
    head = parts.lines[-1].hash if parts.lines else ORIGIN
    if changed:
        return Check("chain", State.BROKEN, _told(changed))
    if seal.entries != count or seal.head != head:
        return Check("chain", State.BROKEN, "The seal does not belong to these entries.")
    entries = counted(count, "entry", "entries")
    return Check("chain", State.HOLDS, f"The chain of {entries} is whole and in order.")


def _told(changed: Sequence[Changed]) -> str:
    first = changed[0]
    words = {
        "changed": "was changed",
        "missing": "is missing",
        "added": "was added",
        "moved": "was moved",
    }[first.problem]
    more = len(changed) - 1
    others = f" {whole(more)} more {'entry is' if more == 1 else 'entries are'} not as sealed."
    return f"Entry {first.entry} ({first.what}) {words}." + (others if more else "")


# --- signature, figures, page ---------------------------------------------------------------------


def _signature(
    parts: Parts, records: Records, signature_holds: SignatureHolds, key: str | None
) -> Check:
    named, signature = records.header.key, parts.seal.signature
    name = "signature"
    if named is None and signature is None:
        if key is not None:
            return Check(name, State.BROKEN, "It is not signed, but a key was given.")
        return Check(
            name,
            State.ABSENT,
            "It is not signed: who made it, and that all of it was not made anew, must be known "
            "from elsewhere, such as the head.",
        )
    if named is None or signature is None:
        return Check(name, State.BROKEN, "The signature was taken away or put in later.")
    message = f"{SIGNED}{parts.seal.head}".encode()
    if not signature_holds(named, signature, message):
        return Check(name, State.BROKEN, "The signature does not belong to these entries.")
    if key is None:
        return Check(
            name,
            State.HOLDS,
            f"Signed by the key {named}. Whose key that is, must be known from elsewhere; "
            "--key compares it.",
        )
    if key != named:
        return Check(name, State.BROKEN, f"Signed by another key than the one given: {named}.")
    return Check(name, State.HOLDS, "Signed by the key that was given.")


def _worked(records: Records) -> dict[str, Worked] | None:
    try:
        return work_out(records)
    except (ArithmeticError, ValueError):
        return None


def _figures(records: Records, worked: Mapping[str, Worked] | None) -> tuple[list[Differs], Check]:
    if worked is None:
        return [], Check("figures", State.BROKEN, "The readings give no figures at all.")
    stated = records.figures
    differs = [
        Differs(key, stated[key].value if key in stated else None, figure.value)
        for key, figure in worked.items()
        if key not in stated or not _agree(records, stated[key].formula, figure, stated[key])
    ]
    differs += [Differs(key, stated[key].value, None) for key in stated if key not in worked]
    if differs:
        names = ", ".join(clean_text(d.key, 40) for d in differs[:5])
        count = len(differs)
        return differs, Check(
            "figures",
            State.BROKEN,
            f"{counted(count, 'figure')} of {len(worked)} "
            f"{'does' if count == 1 else 'do'} not follow from the readings: {names}.",
        )
    readings = counted(records.readings, "reading")
    return [], Check(
        "figures", State.HOLDS, f"All {len(worked)} figures follow from the {readings}."
    )


def _agree(records: Records, formula: str, figure: Worked, stated: Any) -> bool:
    is_same = same(stated.value, figure.value) and same(stated.inputs, figure.inputs)
    # Formulas are words; another form may say them in others.
    return is_same and (records.header.form != FORM or formula == figure.formula)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal and of one type: 1 is neither true nor 1.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _page(
    file: bytes, parts: Parts, records: Records, draw: Callable[[], tuple[bytes, bytes]]
) -> Check:
    name = "page"
    if records.page is None:
        return Check(name, State.BROKEN, "No page was sealed with the data.")
    if page_hash((parts.page, b"")) != records.page:
        return Check(name, State.BROKEN, "The page is not the one that was sealed with the data.")
    if records.header.form != FORM:
        return Check(
            name,
            State.UNPROVEN,
            f"The page is as it was sealed, but {clean_text(records.header.tool, 64)} draws pages "
            "in another form than this version, so that it cannot be told here whether it shows "
            "what the data say. Believe the figures as verify prints them, or verify it with that "
            "version.",
        )
    try:
        before, after = draw()
    except (ArithmeticError, ValueError, KeyError):
        return Check(name, State.BROKEN, "No page can be drawn from these data.")
    if before + after != parts.page or not (file.startswith(before) and file.endswith(after)):
        return Check(name, State.BROKEN, "The page shows something else than the data.")
    return Check(name, State.HOLDS, "The page is what the data give, byte by byte.")
