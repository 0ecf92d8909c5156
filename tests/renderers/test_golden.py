"""Reports as people read them. A change to one of these files is a change to read.

To write them anew: `python tests/renderers/test_golden.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from report_examples import BLOCKS
from tagtide.renderers import render_markdown, render_text

FOLDER = Path(__file__).parent / "golden"
MEDIA = {"txt": render_text, "md": render_markdown}


@pytest.mark.parametrize("suffix", MEDIA)
@pytest.mark.parametrize("what", BLOCKS)
def test_a_report_reads_as_agreed(what: str, suffix: str) -> None:
    agreed = (FOLDER / f"{what}.{suffix}").read_text(encoding="utf-8")
    assert MEDIA[suffix](BLOCKS[what]) == agreed


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for what, blocks in BLOCKS.items():
        for suffix, render in MEDIA.items():
            (FOLDER / f"{what}.{suffix}").write_text(render(blocks), encoding="utf-8")
