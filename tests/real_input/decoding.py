"""What the decoder reads of every recorded payload, or what it says it does not recognise.

    python tests/real_input/decoding.py FOLDER

prints the table of docs/real-input.md. Counts only: no row, name or caption leaves the folder.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tagtide.errors import ItemNotFound, UnexpectedResponse
from tagtide.tiktok import wire

#: Which answer each shape stands for; pages of videos are the rest.
_DECODERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "mobile_challenge_detail_ch_info_2021": wire.decode_hashtag,
    "web_challenge_detail_2020": wire.decode_hashtag,
    "web_item_detail_2020": wire.decode_video,
    "web_scrapfly_profiles_2026": wire.decode_profile,
}


class Row(NamedTuple):
    """One line of the table."""

    source: str
    read_as: str
    told: str


def rows(folder: Path) -> Iterator[Row]:
    """Every file of payload_shapes, then the pulls of mobile_feed and the replays in sums."""
    for path in sorted((folder / "payload_shapes").glob("*.json")):
        yield _shape(path)
    with gzip.open(folder / "mobile_feed" / "feed_pulls.jsonl.gz") as lines:
        yield _summed("mobile_feed", [json.loads(line)["response"] for line in lines], "pulls")
    for name in ("replay_campaign", "replay_hashtags"):
        pages = [page for path in sorted((folder / name).glob("*.gz")) for page in _pages(path)]
        yield _summed(name, pages, "pages")


def table(folder: Path) -> str:
    """The rows as Markdown."""
    lines = ["| payload | read as | told |", "| :-- | :-- | :-- |"]
    lines += [f"| `{row.source}` | {row.read_as} | {row.told} |" for row in rows(folder)]
    return "\n".join(lines) + "\n"


def _shape(path: Path) -> Row:
    raw = json.loads(path.read_bytes())
    data = raw["data"] if isinstance(raw, dict) and "data" in raw else raw
    decode = _DECODERS.get(path.stem, wire.decode_video_page)
    if decode is wire.decode_profile:
        data = data[0]
    try:
        answer = decode(_document(data))
    except UnexpectedResponse as error:
        return Row(path.stem, "refused", f"not recognised: {error.detail}")
    except ItemNotFound as error:
        return Row(path.stem, "not found", str(error))
    return Row(path.stem, _READ_AS[decode], _told(decode, answer))


_READ_AS = {
    wire.decode_hashtag: "hashtag totals",
    wire.decode_video: "one video",
    wire.decode_profile: "a creator",
    wire.decode_video_page: "videos",
}


def _document(data: Any) -> Any:
    body = {"data": data, "credits_used": 1, "credits_remaining": 1}
    return wire.decode_body(json.dumps(body).encode())


def _told(decode: Any, answer: Any) -> str:
    if decode is wire.decode_video_page:
        page = answer.value
        told = f"{len(page.videos)} videos, {len(page.rejected)} records rejected"
    elif decode is wire.decode_hashtag:
        totals = answer.value
        videos = "unknown" if totals.video_count is None else f"{totals.video_count:,}"
        told = f"views {totals.view_count:,} to {totals.view_unit:,}, videos {videos}"
    elif decode is wire.decode_profile:
        told = f"followers {answer.value.follower_count:,}"
    else:
        told = f"views {answer.value.counters.view_count:,}"
    return told + (f"; flags: {', '.join(answer.flags)}" if answer.flags else "")


def _pages(path: Path) -> list[Any]:
    pages: list[Any] = json.loads(gzip.decompress(path.read_bytes()))["itemListPages"]
    return pages


def _summed(name: str, pages: list[Any], word: str) -> Row:
    answers = [wire.decode_video_page(_document(page)) for page in pages]
    seen = [seen for answer in answers for seen in answer.value.videos]
    rejected = sum(len(answer.value.rejected) for answer in answers)
    flags = sorted({flag for answer in answers for flag in answer.flags})
    views = sum(s.counters.view_count is None for s in seen)
    followers = sum(s.video.creator.follower_count is None for s in seen)
    told = (
        f"{len(seen)} videos in {len(pages)} {word}, {len({s.video.video_id for s in seen})} "
        f"distinct, {rejected} rejected; views unknown for {views}, followers for {followers}"
    )
    return Row(name, "videos", told + (f"; flags: {', '.join(flags)}" if flags else ""))


if __name__ == "__main__":
    print(table(Path(sys.argv[1])), end="")
