"""The commands on a living world: fields that scripts rely on, and text that people read."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from command_line import KEY, Cli, Ran

from tagtide.simulator import DEMO_COMPETITORS, DEMO_OWN, FaultPlan, FaultRule, SimulatorServer
from workbook_reader import read_workbook

Serve = Callable[..., SimulatorServer]

COLLECT = {"campaign", "run_id", "hashtags", "high_priority", "credits_used", "credits_remaining"}
COLLECTED = {
    "hashtag", "status", "reason", "videos_seen", "videos_new", "new_views", "pages", "credits",
}  # fmt: skip
HIGH_PRIORITY = {
    "video_id", "author_username", "engagement_rate", "view_count", "url", "new",
}  # fmt: skip
READING = {
    "hashtag", "hashtag_id", "status", "reason", "read_at", "view_count", "video_count",
    "previous_at", "elapsed_hours", "new_views", "new_videos", "views_per_hour", "videos_per_hour",
}  # fmt: skip
ALERT = {
    "alert_id", "rule", "hashtag", "video_id", "state", "value", "threshold", "reason", "url",
}  # fmt: skip
REPORT = {
    "date", "campaign", "hashtags", "total_videos", "unique_creators", "total_views", "total_likes",
    "total_comments", "total_shares", "total_saves", "total_engagement", "avg_views",
    "avg_engagement", "avg_engagement_rate", "median_engagement_rate", "pooled_engagement_rate",
    "engagement_rate_distribution", "viral_videos", "top_videos", "top_creators", "new_videos_24h",
    "view_growth_24h", "compared_with", "credits_used", "coverage",
}  # fmt: skip
WEEKLY = {
    "rank", "hashtag", "role", "status", "view_count", "video_count", "view_change",
    "view_change_ratio", "video_change", "video_change_ratio", "rolling_average", "anomaly",
    "anomaly_score", "previous_at", "read_at",
}  # fmt: skip
EXPORTED = (
    "video_id,hashtag,author_username,author_sec_uid,title,view_count,like_count,comment_count,"
    "share_count,engagement_rate,high_priority,created_at,collected_date"
)
#: What a terminal obeys: everything below the space but the line's end, and what turns text round.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
READERS = [
    ("videos",), ("creators",), ("hashtags",), ("alerts", "list"), ("credits",),
    ("report", "campaign"), ("report", "daily"), ("report", "weekly"),
    ("report", "campaign", "--format", "md"), ("export", "videos"), ("export", "creators"),
    ("export", "readings"), ("export", "alerts"), ("export", "videos", "--format", "jsonl"),
]  # fmt: skip


def add(cli: Cli, *more: str) -> Ran:
    own = [x for name in DEMO_OWN for x in ("--hashtag", name)]
    others = [x for name in DEMO_COMPETITORS for x in ("--competitor", name)]
    return cli("campaign", "add", "Glow", *own, *others, "--threshold", "lumenglow=5", *more)


@pytest.fixture
def filled(cli: Cli, serve: Serve) -> tuple[Cli, SimulatorServer]:
    """A campaign that was tracked twice and collected once."""
    server = serve()
    add(cli)
    assert cli("track").code == 0
    server.sim_clock.advance(timedelta(days=1))
    return cli, server


def instant(text: str) -> datetime:
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


def test_track_and_collect_as_json(filled: tuple[Cli, SimulatorServer]) -> None:
    cli, server = filled
    tracked = cli("track", "--json")
    assert tracked.code == 0
    body = tracked.json
    assert {"readings", "alerts", "credits_used", "credits_remaining"} <= set(body)
    assert len(body["readings"]) == 5
    assert all(set(row) >= READING and "campaign" not in row for row in body["readings"])
    assert all(instant(row["read_at"]) for row in body["readings"])
    # Five totals, and a page of the feed for the hashtag whose alert opened.
    opened = {a["hashtag"] for a in body["alerts"]}
    assert body["credits_used"] == 5 + len(opened) == 6
    assert all(a["why"] for a in body["alerts"])
    assert body["credits_remaining"] == server.balance
    alerts = [a for a in body["alerts"] if a["hashtag"] == "lumenglow"]
    assert {a["rule"] for a in alerts} >= {"new_videos"}
    assert all(set(a) >= ALERT and a["state"] == "firing" for a in body["alerts"])
    collected = cli("collect", "--json").json
    assert set(collected) >= COLLECT
    assert [row["hashtag"] for row in collected["hashtags"]] != []
    assert all(set(row) >= COLLECTED for row in collected["hashtags"])
    assert all(set(row) >= HIGH_PRIORITY for row in collected["high_priority"])
    assert collected["credits_used"] == sum(row["credits"] for row in collected["hashtags"])
    assert collected["credits_remaining"] == server.balance


def test_several_campaigns_say_whose_rows_they_are(cli: Cli, serve: Serve) -> None:
    serve()
    add(cli)
    cli("campaign", "add", "Other", "--hashtag", "velvaskin")
    assert {row["campaign"] for row in cli("track", "--json").json["readings"]} == {"Glow", "Other"}
    assert len(cli("collect", "--json").json["campaigns"]) == 2
    assert set(cli("collect", "Other", "--json").json) >= COLLECT
    which = cli("report", "campaign")
    assert which.code == 1
    assert "Glow" in which.err


def test_reports_and_lists(filled: tuple[Cli, SimulatorServer], tmp_path: Path) -> None:
    cli, server = filled
    cli("track")
    cli("collect")
    calls = len(server.calls)
    for kind in ("campaign", "daily"):
        report = cli("report", kind, "Glow", "--json").json
        assert set(report) >= REPORT
        assert report["total_videos"] == len(cli("export", "videos", "Glow").out.splitlines()) - 1
        assert report["total_engagement"] == sum(
            report[f"total_{part}"] for part in ("likes", "comments", "shares")
        )
    weekly = cli("report", "weekly", "--format", "json").json
    assert all(set(row) >= WEEKLY for row in weekly["hashtags"])
    assert {row["anomaly"] for row in weekly["hashtags"]} == {"not_enough_history"}
    for name in ("report.html", "report.md", "report.json", "report.pdf"):
        file = tmp_path / name
        assert cli("report", "daily", "--output", str(file)).out == ""
        assert file.stat().st_size > 500
    assert cli("report", "daily", "--output", str(tmp_path / "no" / "x.md")).code == 2
    assert cli("report", "daily", "--output", str(tmp_path / "no" / "x.xlsx")).code == 2
    check_workbooks(cli, tmp_path)
    check_languages(cli)
    rows = list(csv.DictReader(io.StringIO(cli("export", "videos").out)))
    assert ",".join(list(rows[0])[:13]) == EXPORTED
    for name in ("videos", "creators", "hashtags"):
        assert len(cli(name, "--json").json[name]) > 0
    scored = cli("videos", "--sort", "score", "--limit", "500", "--json").json["videos"]
    scores = [v["age_score"]["z"] for v in scored if v["age_score"] is not None]
    assert scores
    assert scores == sorted(scores, reverse=True)
    assert all(v["age_score"] is None for v in scored[len(scores) :])
    listed = cli("alerts", "list", "--json").json["alerts"]
    assert set(listed[0]) >= {*ALERT, "why"}
    shown = cli("alerts", "show", listed[0]["alert_id"][:10], "--json")
    assert shown.json["alert_id"] == listed[0]["alert_id"]
    assert cli("alerts", "show", "nothing").code == 1
    # Reading what is stored costs nothing.
    assert len(server.calls) == calls


def check_languages(cli: Cli) -> None:
    """What is asked for goes before the campaign's, and that before the installation's."""
    titles = {"en": "Glow: daily report", "de": "Glow: Tagesbericht"}

    def told(*args: str) -> str:
        return next(c for c, title in titles.items() if title in cli("report", "daily", *args).out)

    assert told() == "en"
    assert told("--language", "de") == "de"
    settings = Path("tagtide.toml")
    before = settings.read_text() if settings.exists() else ""
    settings.write_text(f"{before}\n[reports]\nlanguage = 'de'\n")
    assert told() == "de"
    assert cli("campaign", "edit", "Glow", "--language", "en").code == 0
    assert told() == "en"
    assert told("--language", "de") == "de"
    german = cli("report", "campaign", "--json", "--language", "de").json
    english = cli("report", "campaign", "--json").json
    assert german["total_views"] == english["total_views"]
    assert "erfasst" in german["coverage"]["statement"]
    assert "held" in english["coverage"]["statement"]
    wrong = cli("report", "weekly", "--language", "klingon")
    assert (wrong.code, wrong.out) == (2, "")
    assert "Reports speak en, de" in wrong.err
    assert cli("report", "campaign", "--proof", "--language", "de").code == 2
    settings.write_text(before)


def check_workbooks(cli: Cli, folder: Path) -> None:
    """Every report and every export as a workbook, with the figures of the other formats."""
    for kind in ("campaign", "daily", "weekly"):
        file = folder / f"{kind}.xlsx"
        assert cli("report", kind, "--output", str(file)).out == ""
        book = read_workbook(file.read_bytes())
        assert book.dangers == []
        body = cli("report", kind, "--json").json
        if kind == "weekly":
            views = [float(row["view_count"]) for row in body["hashtags"]]
            assert book.sheets["All hashtags"].column("Views") == views
        else:
            known = [v for v in book.sheets["All videos"].column("Views") if v is not None]
            assert sum(known) == body["total_views"]
    for kind in ("videos", "creators", "readings", "alerts", "rights"):
        file = folder / f"{kind}.xlsx"
        said = cli("export", kind, "--output", str(file)).err
        sheet = read_workbook(file.read_bytes()).sheets[kind]
        rows = list(csv.DictReader(io.StringIO(cli("export", kind).out)))
        assert f"{len(rows):,} rows" in said
        assert len({row for row, _ in sheet.cells}) == len(rows) + 1
        if rows and "view_count" in rows[0]:
            wanted = [float(row["view_count"]) if row["view_count"] else None for row in rows]
            assert sheet.column("view_count") == wanted
    assert cli("export", "videos", "--format", "xlsx", "--raw").code == 2
    assert [path.name for path in folder.glob(".*")] == []


def test_credits_are_those_of_the_server(filled: tuple[Cli, SimulatorServer]) -> None:
    cli, server = filled
    cli("collect")
    body = cli("credits", "--json").json
    assert body["credits_remaining"] == server.balance
    assert body["spent"] == server.charged
    assert cli("credits", "--refresh", "--json").json["plan"] == "project"
    assert cli("credits").code == 0


def test_results_go_to_stdout_and_hostile_text_stays_text(
    filled: tuple[Cli, SimulatorServer],
) -> None:
    cli, _ = filled
    cli("collect")
    for args in READERS:
        examine_output(args, cli(*args))
        if "export" not in args and "--format" not in args:
            json.loads(cli(*args, "--json").out)


def examine_output(args: tuple[str, ...], ran: Ran) -> None:
    assert ran.code == 0, args
    assert ran.out, args
    assert "Traceback" not in ran.out + ran.err
    assert KEY not in ran.out + ran.err
    if args[0] != "export":
        assert ran.err == "", args
        assert UNSAFE.search(ran.out) is None, args


# --- doctor ---------------------------------------------------------------------------------------


def test_doctor_finds_nothing_wrong(cli: Cli, serve: Serve) -> None:
    server = serve()
    ran = cli("doctor", "--json")
    assert (ran.code, ran.json["ok"]) == (0, True)
    assert server.charged == 0
    assert "7000 credits left" in cli("doctor").out


@pytest.mark.parametrize("case", ["no key", "wrong key", "no credits", "no server"])
def test_doctor_says_what_to_do(
    cli: Cli, serve: Serve, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    serve(credits=0) if case == "no credits" else serve()
    if case == "no key":
        monkeypatch.delenv("SCAVIO_API_KEY")
        monkeypatch.delenv("TAGTIDE_API_URL")
    if case == "wrong key":
        monkeypatch.setenv("SCAVIO_API_KEY", "sk_live_wrong-c4n4ry")
    if case == "no server":
        monkeypatch.setenv("TAGTIDE_API_URL", "http://127.0.0.1:9")
    ran = cli("doctor", "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)
    (bad,) = [check for check in ran.json["checks"] if not check["ok"]]
    assert bad["remedy"]
    assert "c4n4ry" not in ran.out + ran.err + cli("doctor").out


# --- exit codes -----------------------------------------------------------------------------------


def test_nothing_to_do_is_said(cli: Cli, serve: Serve) -> None:
    serve()
    ran = cli("track", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (1, "not_found")
    assert "campaign add" in ran.json["error"]["hint"]
    cli("campaign", "add", "S", "--hashtag", "lumenglow")
    nothing_read = cli("report", "campaign")
    assert nothing_read.code == 1
    assert "tagtide track" in nothing_read.err


def test_a_part_is_3_and_nothing_is_1(cli: Cli, serve: Serve) -> None:
    server = serve()
    cli("campaign", "add", "S", "--hashtag", "lumenglow", "--hashtag", "nobodyusesthis")
    ran = cli("track", "--json")
    assert ran.code == 3
    rows = {row["hashtag"]: row for row in ran.json["readings"]}
    missing = rows["nobodyusesthis"]
    assert (missing["status"], missing["reason"]) == ("failed", "not_found")
    assert (missing["view_count"], missing["read_at"]) == (None, None)
    assert "nobodyusesthis (not_found)" in cli("track").out
    server.faults = FaultPlan([FaultRule(fault="truncated_json")])
    assert cli("track").code == 1
    server.faults = FaultPlan([FaultRule(fault="status_401")])
    refused = cli("track", "--json")
    assert refused.code == 1
    assert {row["reason"] for row in refused.json["readings"]} == {"auth"}


def test_budget_and_credits_are_4(cli: Cli, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(credits=3)
    add(cli)
    assert cli("track").code == 4
    assert server.charged == 3
    server.balance = 100
    monkeypatch.setenv("TAGTIDE_BUDGET__CREDITS_PER_DAY", "4")
    assert cli("track").code == 4
    assert server.charged == 4


def test_a_report_carries_who_hands_it_out_and_their_prices(
    filled: tuple[Cli, SimulatorServer],
) -> None:
    cli, _ = filled
    Path("tagtide.toml").write_text(
        "[reports]\nbrand = 'Fjord & Sons'\ncolor = '#a6457f'\ncurrency = 'EUR'\n"
        "[reports.rate_cards.agency]\nviews_per_thousand = 12.5\n"
    )
    html = cli("report", "campaign", "--format", "html").out
    assert "Fjord &amp; Sons" in html
    report = cli("report", "campaign", "--json").json
    value = report["earned_media_value"]
    assert value["currency"] == "EUR"
    assert [receipt["card"] for receipt in value["receipts"]] == ["agency"]
    assert value["low"] == value["high"] == round(report["total_views"] * 0.0125, 2)


@pytest.mark.parametrize("content", [None, b"<svg onload=alert(1)>"])
def test_a_logo_that_cannot_be_used_is_said(
    filled: tuple[Cli, SimulatorServer], content: bytes | None
) -> None:
    cli, _ = filled
    Path("tagtide.toml").write_text("[reports]\nlogo = 'logo.png'\n")
    if content is not None:
        Path("logo.png").write_bytes(content)
    ran = cli("report", "campaign", "--format", "html")
    assert ran.code == 78
    assert "logo.png cannot be used" in ran.err
    # A format without a logo does not need it.
    assert cli("report", "campaign").code == 0
