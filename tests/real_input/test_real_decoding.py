"""The table of payloads in docs/real-input.md is what the decoder says today."""

from __future__ import annotations

from pathlib import Path

import decoding

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "real-input.md"


def test_the_document_says_what_the_decoder_says(shared_data: Path) -> None:
    table = decoding.table(shared_data)
    assert table in DOCUMENT.read_text(encoding="utf-8"), (
        f"docs/real-input.md is behind: python tests/real_input/decoding.py {shared_data}"
    )


def test_nothing_is_dropped_silently(shared_data: Path) -> None:
    for row in decoding.rows(shared_data):
        if row.read_as == "refused":
            assert row.told.startswith("not recognised: ")
        else:
            assert row.read_as != "videos" or " 0 rec" in row.told or " 0 rejected" in row.told
