"""Names of hashtags and campaigns, as typed and as stored."""

import pytest

from tagtide.core.names import hashtag_url, nearest, parse_campaign_name, parse_hashtag
from tagtide.errors import InvalidInput


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("glow", "glow"),
        ("#Glow", "glow"),
        ("  #GLOW ", "glow"),
        ("##glow", "glow"),
        ("# glow", "glow"),
        ("＃glow", "glow"),
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
        ("CAFE\u0301", "caf\u00e9"),
        ("2024", "2024"),
        ("my_brand", "my_brand"),
        ("日本語", "日本語"),
        ("हिन्दी", "हिन्दी"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("🌊tide", "🌊tide"),
        ("🏳️\u200d🌈", "🏳️\u200d🌈"),
        ("👍🏽", "👍🏽"),
        ("https://www.tiktok.com/tag/Glow", "glow"),
        ("https://www.tiktok.com/tag/glow/?lang=en&x=1#top", "glow"),
        ("http://m.tiktok.com/tag/caf%C3%A9", "caf\u00e9"),
        ("tiktok.com/tag/glow", "glow"),
        ("WWW.TIKTOK.COM/tag/glow", "glow"),
        ("https://www.tiktok.com/tag/%F0%9F%8C%8A", "🌊"),
        ("g" * 150, "g" * 150),
    ],
)
def test_a_hashtag_is_stored_in_one_form(typed: str, stored: str) -> None:
    assert parse_hashtag(typed) == stored


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "empty"),
        ("  # ", "empty"),
        ("https://www.tiktok.com/tag/", "empty"),
        ("two words", "holds a space"),
        ("two\u3000words", "holds a space"),
        ("one,two", "one hashtag at a time"),
        ("#one#two", "one hashtag at a time"),
        ("glow!", "holds '!'"),
        ("<script>", "holds '<'"),
        ("a/b", "holds '/'"),
        ("___", "no letter"),
        ("\u0301", "no letter"),
        ("g" * 151, "longer than 150"),
        ("gl\u0000ow", "control"),
        ("gl\u202eow", "control"),
        ("gl\u200dow", "control"),
        ("\u200dglow", "control"),
        ("gl\u2028ow", "holds a space"),
        ("gl\ud800ow", "control"),
        ("gl\U000e0041ow", "control"),
        ("https://www.tiktok.com/tag/gl%00ow", "control"),
        ("https://www.tiktok.com/tag/gl%E2%80%AEow", "control"),
        ("https://www.tiktok.com/tag/%FF", "percent-encoded"),
        ("https://www.tiktok.com/@a/video/7123", "a video"),
        ("https://www.tiktok.com/@a/photo/7123", "a video"),
        ("https://www.tiktok.com/@a", "a profile"),
        ("tiktok.com/@a", "a profile"),
        ("https://www.tiktok.com/music/x-1", "a sound"),
        ("https://www.tiktok.com/", "another page"),
        ("https://vm.tiktok.com/ZMabc/", "short link"),
        ("vt.tiktok.com/ZMabc", "short link"),
        ("https://example.org/tag/glow", "not to TikTok"),
        ("https://tiktok.com.example.org/tag/glow", "not to TikTok"),
        ("https://www.tiktok.com@example.org/tag/glow", "not to TikTok"),
        ("ftp://www.tiktok.com/tag/glow", "not a web address"),
        ("https://[::1/tag/glow", "cannot be read"),
        ("https://www.tiktok.com:x/tag/glow", "cannot be read"),
    ],
)
def test_what_is_no_hashtag_is_refused_with_its_reason(typed: str, why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_hashtag(typed)
    assert why in str(refused.value)
    assert "\u202e" not in str(refused.value)
    assert refused.value.hint


def test_the_page_of_a_hashtag_is_percent_encoded() -> None:
    assert hashtag_url("glow") == "https://www.tiktok.com/tag/glow"
    assert hashtag_url("caf\u00e9/..") == "https://www.tiktok.com/tag/caf%C3%A9%2F.."


def test_the_nearest_name_is_offered_only_when_close() -> None:
    assert nearest("sumer", ["winter", "summer"]) == "summer"
    assert nearest("xyz", ["winter", "summer"]) is None
    assert nearest("glow", []) is None


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Summer", "Summer"),
        ("  Summer   2026 ", "Summer 2026"),
        ("Été", "Été"),
        ("x" * 80, "x" * 80),
        ("Pride 🏳️\u200d🌈", "Pride 🏳️\u200d🌈"),
    ],
)
def test_a_campaign_name_is_trimmed(typed: str, stored: str) -> None:
    assert parse_campaign_name(typed) == stored


@pytest.mark.parametrize("typed", ["", "   ", "x" * 81, "a\nb", "a\u202eb", "a\u200bb", "a\u2028b"])
def test_a_campaign_name_that_cannot_be_shown_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        parse_campaign_name(typed)
