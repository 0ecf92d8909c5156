"""Campaigns on the command line: what people type, and what they are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Cli

ADD = ("campaign", "add", "Summer", "--hashtag")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("glow", "glow"),
        ("#glow", "glow"),
        ("GlowUp", "glowup"),
        (" glow ", "glow"),
        ("https://www.tiktok.com/tag/Glow", "glow"),
        ("https://www.tiktok.com/tag/glow?lang=en", "glow"),
        ("café", "café"),
        ("cafe\u0301", "café"),
        ("スキンケア", "スキンケア"),
        ("مكياج", "مكياج"),
        ("макияж", "макияж"),
        ("glow2026", "glow2026"),
    ],
)
def test_hashtags_as_people_type_them(cli: Cli, typed: str, stored: str) -> None:
    ran = cli(*ADD, typed, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["hashtags"] == [stored]


@pytest.mark.parametrize(
    "typed",
    ["", "#", "two words", "a" * 200, "glow!", "a,b", "a/b", "../x", "glow\x00", "\u202eglow"],
)
def test_hashtags_that_are_none(cli: Cli, typed: str) -> None:
    ran = cli(*ADD, typed)
    assert (ran.code, ran.out) == (2, "")
    assert "hashtag" in ran.err.lower()
    assert "Traceback" not in ran.err
    assert all(character.isprintable() or character == "\n" for character in ran.err)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--timezone", "Europe/Pariss"], 2, "Europe/Paris"),
        (["--timezone", "CEST+1"], 2, "time zone"),
        (["--numbers", "1.2.3"], 2, "1.234,5"),
        (["--clock", "13h"], 2, "24h"),
        (["--language", "german"], 2, "Reports speak en, de"),
        (["--language", "dee"], 2, "Did you mean de?"),
        (["--threshold", "glow"], 2, "NAME=NUMBER"),
        (["--threshold", "glow=many"], 2, "not a number"),
        (["--threshold", "other=5"], 2, "other"),
        (["--threshold", "glow=0"], 2, "at least 1"),
        (["--threshold", f"glow={10**24}"], 2, "at most"),
        (["--pages", str(10**24)], 2, "at most"),
        (["--credits-per-day", str(10**24)], 2, "at most"),
        (["--rule", f"high_priority_views={10**24}"], 2, "at most"),
        (["--rule", "window_hours=1e12"], 2, "at most 336"),
        (["--rule", "rolling_weeks=1000"], 2, "at most 52"),
        (["--pages", "-1"], 2, "at least 1"),
        (["--pages", "0"], 2, "at least 1"),
        (["--credits-per-day", "-1"], 2, "negative"),
        (["--start", "2026-05-01", "--end", "2026-04-01"], 2, "before it starts"),
        (["--start", "yesterday"], 2, "yesterday"),
        (["--rule", "viral_facto=3"], 2, "viral_factor"),
        (["--rule", "viral_factor=nan"], 2, "number"),
        (["--rule", "viral_factor=inf"], 2, "number"),
        (["--rule", "new_videos=2.5"], 2, "whole number"),
        (["--rule", "growth=-1"], 2, "above 0"),
        (["--schedule", "track=every day"], 2, "every day"),
        (["--schedule", "nothing=0 8 * * *"], 2, "collect"),
        (["--channel", "team"], 2, "team"),
        (["--competitor", "glow"], 2, "both"),
    ],
)
def test_options_that_cannot_be_used(cli: Cli, options: list[str], code: int, said: str) -> None:
    ran = cli(*ADD, "glow", *options)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert cli("campaign", "list", "--json").json == {"campaigns": []}


def test_a_campaign_lives_and_goes(cli: Cli) -> None:
    added = cli(*ADD, "glow", "--competitor", "shine", "--threshold", "glow=500")
    assert added.code == 0
    assert "Added Summer" in added.out
    twice = cli(*ADD, "glow")
    assert twice.code == 1
    assert "Summer" in twice.err
    assert "campaign edit" in twice.err
    (listed,) = cli("campaign", "list", "--json").json["campaigns"]
    assert {"name", "hashtags", "competitors", "timezone"} <= set(listed)
    assert listed["thresholds"] == {"glow": 500}
    edited = cli("campaign", "edit", "Summer", "--hashtag", "dew", "--drop", "shine", "--json")
    assert edited.json["hashtags"] == ["glow", "dew"]
    assert edited.json["competitors"] == []
    assert edited.json["thresholds"] == {"glow": 500}
    assert cli("campaign", "edit", "Summer", "--drop", "nothing").code == 2
    assert cli("campaign", "edit", "Summer", "--drop", "glow", "--drop", "dew").code == 2
    shown = cli("campaign", "show", "Summer")
    assert shown.code == 0
    assert "#glow" in shown.out
    removed = cli("campaign", "remove", "Summer", "--yes")
    assert removed.code == 0
    assert cli("campaign", "show", "Summer").code == 1


def test_numbers_and_clock_of_its_readers(cli: Cli) -> None:
    added = cli(*ADD, "glow", "--numbers", "1.234,5", "--clock", "12h", "--json")
    assert (added.json["numbers"], added.json["clock"]) == ("1.234,5", "12h")
    edited = cli("campaign", "edit", "Summer", "--clock", "24h", "--json")
    assert (edited.json["numbers"], edited.json["clock"]) == ("1.234,5", "24h")
    (listed,) = cli("campaign", "list", "--json").json["campaigns"]
    assert (listed["numbers"], listed["clock"]) == ("1.234,5", "24h")


def test_the_language_of_its_reports(cli: Cli, tmp_path: Path) -> None:
    assert cli(*ADD, "glow", "--language", "de", "--json").json["language"] == "de"
    assert (
        cli("campaign", "edit", "Summer", "--start", "2026-11-01", "--json").json["language"]
        == "de"
    )
    assert cli("campaign", "edit", "Summer", "--language", "en", "--json").json["language"] == "en"
    file = tmp_path / "campaigns.toml"
    file.write_text("[campaign.Summer]\nhashtags = ['glow']\nlanguage = 'fr'\n")
    assert "no language 'fr'" in cli("campaign", "apply", str(file)).err
    file.write_text("[campaign.Summer]\nhashtags = ['glow']\nlanguage = 'de'\n")
    assert cli("campaign", "apply", str(file), "--yes").code == 0
    assert cli("campaign", "show", "Summer", "--json").json["language"] == "de"


def test_a_wrong_name_suggests_the_right_one(cli: Cli) -> None:
    cli(*ADD, "glow")
    ran = cli("campaign", "show", "Sumer", "--json")
    assert ran.code == 1
    assert ran.json["error"]["code"] == "not_found"
    assert "Summer" in ran.json["error"]["message"] + ran.json["error"]["hint"]


def test_a_wrong_command_suggests_the_right_one(cli: Cli) -> None:
    ran = cli("colect")
    assert (ran.code, ran.out) == (2, "")
    assert "collect" in ran.err


# --- apply ----------------------------------------------------------------------------------------

FILE = """
[campaign.Summer]
hashtags = ["#Glow", "dew"]
competitors = ["shine"]
timezone = "Europe/Paris"
thresholds = { glow = 500 }
starts_on = 2026-03-01
[campaign.Summer.rules]
viral_factor = 8
[campaign.Summer.schedules]
track = "0 */3 * * *"
"""


def test_apply_makes_the_database_equal_to_the_file(cli: Cli, tmp_path: Path) -> None:
    cli("campaign", "add", "Old", "--hashtag", "old")
    file = tmp_path / "campaigns.toml"
    file.write_text(FILE)
    dry = cli("campaign", "apply", str(file), "--dry-run", "--json")
    assert dry.json["applied"] is False
    assert [line[0] for line in dry.json["difference"]] == ["+", "-"]
    assert cli("campaign", "list", "--json").json["campaigns"][0]["name"] == "Old"
    assert cli("campaign", "apply", str(file), "--yes").code == 0
    (found,) = cli("campaign", "list", "--json").json["campaigns"]
    assert (found["name"], found["rules"]["viral_factor"]) == ("Summer", 8)
    again = cli("campaign", "apply", str(file), "--json").json
    assert again == {"applied": False, "difference": []}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[campaign.S]\nhashtags = 'glow'", "hashtags must be a list of texts"),
        ("[campaign.S]\nhashtags = []", "at least one hashtag"),
        ("[campaign.S]\ntimezone = 'UTC'", "at least one hashtag"),
        ("[campaign.S]\nhashtag = ['glow']", "hashtags"),
        ("[campaign.S]\nhashtags = ['a']\nrules = 5", "rules must be a table"),
        ("[campaign.S]\nhashtags = ['a']\nrules.viral = 5", "viral"),
        ("[campaign.S]\nhashtags = ['a']\nstarts_on = '2026-03-01'", "starts_on must be a date"),
        ("[campaign.S]\nhashtags = ['a']\npage_budget = '3'", "page_budget must be a whole"),
        ("[campaign.S]\nhashtags = ['a']\ncredits_per_day = 1.5", "credits_per_day"),
        ("[campaign.S]\nhashtags = ['a']\nschedules.trak = '0 8 * * *'", "trak"),
        ("[campaign.S]\nhashtags = ['a']\ntimezone = 'Europe/Pari'", "Europe/Paris"),
        ("[campaign]\nS = 5", "must be a table"),
        ("[campaigns.S]\nhashtags = ['a']", "[campaign.NAME]"),
        ("[campaign.S", "not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing(
    cli: Cli, tmp_path: Path, text: str, said: str
) -> None:
    cli(*ADD, "glow")
    file = tmp_path / "campaigns.toml"
    file.write_text(text)
    ran = cli("campaign", "apply", str(file), "--yes")
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert len(cli("campaign", "list", "--json").json["campaigns"]) == 1


def test_a_file_that_is_not_there(cli: Cli) -> None:
    assert cli("campaign", "apply", "nothing.toml").code == 2
