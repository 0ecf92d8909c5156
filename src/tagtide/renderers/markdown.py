"""Blocks as Markdown with GitHub's tables.

Every character of a text that can begin or end markup is escaped; line ends and control characters
are already gone. Links lead to TikTok only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tagtide.core.formats import clean_text
from tagtide.core.language import say
from tagtide.core.messages import (
    Block,
    BulletList,
    Cell,
    Chart,
    Column,
    Definitions,
    Figure,
    Heading,
    KeyFigures,
    Kind,
    Link,
    Note,
    Paragraph,
    Sparkline,
    Table,
    Tone,
    safe_link,
)
from tagtide.renderers.spark import bars

#: Characters that can begin or end markup anywhere; an entity; and what makes an address or a mail
#: address a link without any mark.
_ANYWHERE = re.compile(
    r"([\\`*_\[\]<|~$]|&(?=#?\w+;)|:(?=//)|(?<=\w)@(?=\w)|(?<=www)\.)", re.IGNORECASE
)
#: What makes a quote, a heading, a list, a rule or an underline at the start of a line only.
_AT_START = re.compile(
    r"^(?:(?P<mark>>|#{1,6}(?=\s|$)|[-+](?=[\s\-]|$)|=(?=[=\s]*$))|(?P<number>\d{1,9})(?P<dot>[.)])(?=\s|$))"
)
#: A heading may end in marks that do not belong to it.
_AT_END = re.compile(r"(#+)$")
_LONGEST = 4_000


def escape(text: str) -> str:
    """Text that stays text wherever it stands in Markdown or in HTML made from it."""
    safe = _ANYWHERE.sub(r"\\\1", clean_text(text, _LONGEST))
    safe = _AT_START.sub(_escape_start, safe)
    return _AT_END.sub(r"\\\1", safe)


def _escape_start(match: re.Match[str]) -> str:
    if match["mark"]:
        return f"\\{match[0]}"
    return f"{match['number']}\\{match['dot']}"


def render(blocks: Sequence[Block]) -> str:
    """Blocks separated by an empty line; newline at the end."""
    return "\n\n".join(part for block in blocks if (part := _block(block))) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * min(max(block.level, 1), 6)} {escape(block.text)}"
        case Paragraph():
            return f"**{escape(block.text)}**" if block.lead else escape(block.text)
        case Note():
            said = escape(block.text)
            return _remark(say("Note:"), said) if block.tone is Tone.WARN else said
        case Link():
            return _linked(block.text, block.url)
        case Sparkline():
            return f"{escape(block.label)}: {bars(block.values)}"
        case BulletList():
            return "\n".join(f"- {_linked(item.text, item.link)}" for item in block.items)
        case KeyFigures():
            return _figures(block)
        case Table():
            return _table(block)
        case Definitions():
            lines = (f"- **{escape(d.term)}**: {escape(d.meaning)}" for d in block.terms)
            return f"### {escape(block.title)}\n\n" + "\n".join(lines)
        case Chart():
            return f"*{escape(block.title)}*"


def _remark(mark: str, said: str) -> str:
    return f"> **{mark}** {said}"


def _linked(text: str, url: str | None) -> str:
    address = safe_link(url)
    return f"[{escape(text)}]({address})" if address else escape(text)


def _figures(block: KeyFigures) -> str:
    titles = (say("Figure"), say("Value"), say("Change"), say("Rests on"))
    lines = [_line(map(escape, titles)), "| :-- | --: | --: | :-- |"]
    return "\n".join([*lines, *map(_figure, block.figures)])


def _figure(figure: Figure) -> str:
    value = f"**{escape(figure.value)}**"
    return _line((escape(figure.label), value, escape(figure.change), escape(figure.note)))


def _table(block: Table) -> str:
    title = f"### {escape(block.title)}"
    if not block.rows:
        return f"{title}\n\n{escape(block.nothing)}"
    lines = [
        _line(escape(column.title) for column in block.columns),
        _line("--:" if column.kind.right else ":--" for column in block.columns),
        *(
            _line(_cell(*pair) for pair in zip(row, block.columns, strict=True))
            for row in block.rows
        ),
    ]
    note = f"\n\n{escape(block.note)}" if block.note else ""
    return f"{title}\n\n" + "\n".join(lines) + note


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell, column: Column) -> str:
    if column.kind is Kind.SPARKLINE:
        return bars(cell.values)
    return _linked(cell.text, cell.link)
