"""Requests: exact bodies, refused arguments, and the official SDK's table as an oracle."""

from __future__ import annotations

import pytest

from tagtide.errors import InvalidInput
from tagtide.tiktok import wire

REQUESTS = {
    "tiktok_hashtag": wire.hashtag_request(name="#Sidehustle"),
    "tiktok_hashtag_videos": wire.hashtag_videos_request("398693", cursor="20", count=30),
    "tiktok_search_videos": wire.search_videos_request("side hustle", published_within_days=7),
    "tiktok_profile": wire.profile_request(username="@someone"),
    "tiktok_video": wire.video_request("7350810998023949599"),
}


def test_bodies():
    assert REQUESTS["tiktok_hashtag"].body == {"hashtag_name": "Sidehustle"}
    assert wire.hashtag_request(name="a", hashtag_id="12").body == {"hashtag_id": "12"}
    assert REQUESTS["tiktok_hashtag_videos"].body == {
        "hashtag_id": "398693",
        "cursor": "20",
        "count": 30,
    }
    assert REQUESTS["tiktok_profile"].body == {"username": "someone"}
    assert wire.profile_request(username="a", sec_uid="MS4").body == {"sec_user_id": "MS4"}
    usage = wire.usage_request()
    assert (usage.method, usage.path, usage.body) == ("GET", "/api/v1/usage", None)


def test_a_cursor_is_always_a_string():
    body = wire.hashtag_videos_request("1", cursor=20).body  # type: ignore[arg-type]
    assert body is not None
    assert body["cursor"] == "20"


@pytest.mark.parametrize(
    "build",
    [
        wire.hashtag_request,
        lambda: wire.hashtag_request(name=" # "),
        lambda: wire.hashtag_request(hashtag_id="12a"),
        lambda: wire.hashtag_request(hashtag_id="1\n"),
        lambda: wire.hashtag_videos_request("fyp"),
        lambda: wire.hashtag_videos_request("1", count=0),
        lambda: wire.hashtag_videos_request("1", count=31),
        lambda: wire.search_videos_request(""),
        lambda: wire.search_videos_request("x" * 501),
        lambda: wire.search_videos_request("x", published_within_days=2),
        wire.profile_request,
        lambda: wire.video_request("٣"),
    ],
)
def test_arguments_that_the_api_would_refuse_never_leave(build):
    with pytest.raises(InvalidInput):
        build()


@pytest.mark.parametrize("key", sorted(REQUESTS))
def test_paths_and_parameters_are_those_of_the_official_sdk(key):
    spec = pytest.importorskip("scavio._spec")
    endpoint = spec.ENDPOINTS[key]
    request = REQUESTS[key]
    parameters = {parameter.wire or parameter.name: parameter for parameter in endpoint.params}
    assert request.body is not None
    assert (request.method, request.path) == (endpoint.http, endpoint.path)
    assert request.body.keys() <= parameters.keys()
    required = {name for name, parameter in parameters.items() if parameter.required}
    assert required <= request.body.keys()
