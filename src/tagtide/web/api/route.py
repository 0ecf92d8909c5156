"""What every route of the API has: a description of its failures, and an ETag on what it reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from tagtide.errors import Conflict, InvalidInput
from tagtide.ports import RememberedRequest
from tagtide.web.frame import shared_of, visitor_of

PREFIX = "/api/v1"
_READ = "private, no-cache"


Inner = Callable[[Request], Coroutine[Any, Any, Response]]

#: A sender that does not know whether its request arrived repeats it under the same key.
KEY_HEADER = "idempotency-key"
_LONGEST_KEY = 200


class ApiRoute(APIRoute):
    """Whoever may not use it is sent away before a word of the request is read.

    Answers to GET carry an ETag; who has the same already gets 304 and no body.

    A POST with an ``Idempotency-Key`` is done once for 24 hours; repeated, it is answered as then.
    """

    def get_route_handler(self) -> Inner:
        """The handler of the route, with what every route has around it."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            await request.app.state.let_in(request)
            if request.method == "POST" and KEY_HEADER in request.headers:
                return await once(request, inner)
            response = await inner(request)
            if request.method != "GET" or response.status_code != 200 or not _has_body(response):
                return response
            tag = etag_of(bytes(response.body))
            headers = {"ETag": tag, "Cache-Control": _READ}
            if matches(request.headers.get("if-none-match"), tag):
                return Response(status_code=304, headers=headers)
            response.headers.update(headers)
            return response

        return handler


def api_router(tag: str) -> APIRouter:
    """Routes of one topic."""
    return APIRouter(prefix=PREFIX, tags=[tag], route_class=ApiRoute)


def etag_of(body: bytes) -> str:
    """Changes when the answer does."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def tag_of(body: BaseModel) -> str:
    """The ETag under which a route gives this body."""
    return etag_of(body.model_dump_json().encode())


def matches(header: str | None, tag: str) -> bool:
    """Whether an ``If-None-Match`` or ``If-Match`` header names the tag."""
    if header is None:
        return False
    given = {part.strip().removeprefix("W/") for part in header.split(",")}
    return "*" in given or tag in given


def _has_body(response: Response) -> bool:
    return isinstance(getattr(response, "body", None), bytes | memoryview)


def tell_once(request: Request, *names: str) -> None:
    """What the answer holds under these names is a secret: whoever repeats the request gets null.

    So that it is kept nowhere, not even with the answers to requests under a key.
    """
    request.state.told_once = names


async def once(request: Request, inner: Inner) -> Response:
    """Do a request under a key, or answer it as it was answered before, to the same eyes only.

    Raises `InvalidInput` for a key that cannot be used or was used for something else, `Conflict`
    while the first request is under way.
    """
    context = shared_of(request).app.context
    key, digest = await _names_of(request)
    known = await context.store.begin_request(key, digest, context.clock.now())
    if known is not None:
        return _answered(known, digest)
    try:
        response = await inner(request)
    except BaseException:
        await context.store.forget_request(key)
        raise
    # What was refused left nothing behind: it may be tried again under its key.
    if response.status_code >= 400 or not _has_body(response):
        await context.store.forget_request(key)
        return response
    await context.store.end_request(
        RememberedRequest(
            key=key,
            digest=digest,
            status=response.status_code,
            body=_without_secrets(request, bytes(response.body)),
            location=response.headers.get("location"),
        )
    )
    return response


def _without_secrets(request: Request, body: bytes) -> str:
    names = getattr(request.state, "told_once", ())
    if not names:
        return body.decode()
    return json.dumps({**json.loads(body), **dict.fromkeys(names)})


async def _names_of(request: Request) -> tuple[str, str]:
    given = request.headers[KEY_HEADER].strip()
    if not given or len(given) > _LONGEST_KEY or not given.isprintable():
        raise InvalidInput(f"An idempotency key has 1 to {_LONGEST_KEY} printable characters.")
    parts = (str(visitor_of(request).key), request.method, request.url.path, given)
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    query = request.url.query.encode()
    return key, hashlib.sha256(query + b"\0" + await request.body()).hexdigest()


def _answered(known: RememberedRequest, digest: str) -> Response:
    if known.digest != digest:
        raise InvalidInput(
            "This idempotency key was used for another request.", hint="Use a new one."
        )
    if known.status is None:
        raise Conflict(
            "The first request under this idempotency key is still under way.",
            hint="Try again in a moment.",
        )
    headers = {"Idempotent-Replayed": "true"}
    if known.location is not None:
        headers["Location"] = known.location
    return Response(known.body, known.status, headers, media_type="application/json")
