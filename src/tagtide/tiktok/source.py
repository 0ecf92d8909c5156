"""The data API as a `Source`: requests from `wire`, one attempt by `client`, models from `wire`."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any, TypeVar

from tagtide.models import Answer, Creator, HashtagTotals, Usage, VideoPage, VideoSeen
from tagtide.ports import Clock
from tagtide.tiktok import wire
from tagtide.tiktok.client import ApiClient, Deadlines, Recorder

T = TypeVar("T")

#: Turns of the event loop that a waiting call needs until its request is on its way.
_TURNS = 2


class ScavioSource:
    """Scavio's TikTok endpoints. Each method makes one call and costs one credit, `usage` none."""

    name = "scavio"

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        clock: Clock,
        max_in_flight: int = 1,
        min_interval: float = 0.0,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        deadline: float = 90.0,
        allow: tuple[str, ...] = (),
        recorder: Recorder | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Set up; opens nothing yet.

        Args:
            base_url: https, or http to this machine.
            api_key: Sent to that host only.
            clock: Time.
            max_in_flight: The plan's concurrency.
            min_interval: Least seconds between two starts; 0 for none.
            connect_timeout: Seconds to connect.
            read_timeout: Seconds between two pieces of an answer.
            deadline: Seconds for a whole attempt, whatever arrives in between.
            allow: CIDR networks to allow although they are private.
            recorder: Gets every exchange.
            context: TLS settings other than the system's.

        Raises:
            ConfigError: the key cannot be a header, or no call may be in flight.
            InvalidInput: the address may not be used.
        """
        self._clock = clock
        self._client = ApiClient(
            base_url,
            api_key,
            clock=clock,
            max_in_flight=max_in_flight,
            deadlines=Deadlines(connect=connect_timeout, read=read_timeout, total=deadline),
            pacing=min_interval,
            allow=allow,
            recorder=recorder,
            context=context,
        )
        self.max_in_flight = self._client.limit.current

    async def hashtag(
        self, *, name: str | None = None, hashtag_id: str | None = None
    ) -> Answer[HashtagTotals]:
        """Totals of a hashtag; by id where it is known. Raises `SourceError`, `InvalidInput`."""
        return await self._ask(
            wire.hashtag_request(name=name, hashtag_id=hashtag_id),
            lambda document: wire.decode_hashtag(document, name=name, hashtag_id=hashtag_id),
        )

    async def hashtag_videos(
        self, hashtag_id: str, *, cursor: str = "0", count: int = 30
    ) -> Answer[VideoPage]:
        """One page of the hashtag's feed, in TikTok's ranking. Raises `SourceError`."""
        return await self._ask(
            wire.hashtag_videos_request(hashtag_id, cursor=cursor, count=count),
            lambda document: wire.decode_video_page(document, endpoint="hashtag_videos"),
        )

    async def search_videos(
        self, keyword: str, *, cursor: str = "0", count: int = 30, published_within_days: int = 0
    ) -> Answer[VideoPage]:
        """One page of a keyword search. Raises `SourceError`, `InvalidInput`."""
        request = wire.search_videos_request(
            keyword, cursor=cursor, count=count, published_within_days=published_within_days
        )
        return await self._ask(
            request, lambda document: wire.decode_video_page(document, endpoint="search_videos")
        )

    async def profile(
        self, *, username: str | None = None, sec_uid: str | None = None
    ) -> Answer[Creator]:
        """A creator with followers. Raises `SourceError`, `InvalidInput`."""
        return await self._ask(
            wire.profile_request(username=username, sec_uid=sec_uid), wire.decode_profile
        )

    async def video(self, video_id: str) -> Answer[VideoSeen]:
        """One video. Raises `SourceError`, `InvalidInput`."""
        return await self._ask(wire.video_request(video_id), wire.decode_video)

    async def usage(self) -> Usage:
        """Plan and balance; free. Raises `SourceError`."""
        return await self._ask(wire.usage_request(), wire.decode_usage)

    async def aclose(self) -> None:
        """Close connections; the source is not usable afterwards."""
        await self._client.aclose()

    async def _ask(self, request: wire.ApiRequest, decode: Callable[[dict[str, Any]], T]) -> T:
        try:
            body = await self._client.call(request)
        finally:
            self.max_in_flight = self._client.limit.current
        # The place this call had is free: let those who wait for one send before we parse.
        for _ in range(_TURNS):
            await self._clock.sleep(0)
        return decode(wire.decode_body(body, endpoint=request.endpoint))
