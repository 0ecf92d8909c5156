"""Errors of the API as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong, and what to do."""

    type: str = Field("about:blank", description="Always about:blank; `code` tells them apart.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="One sentence for a person.")
    code: str = Field(description="A stable name for machines.")
    hint: str | None = Field(None, description="What to do next.")
    errors: list[str] = Field(
        default_factory=list, description="Parts of the request that were not understood."
    )


def problem(
    status: int, detail: str, *, code: str, hint: str | None = None, errors: Sequence[str] = ()
) -> JSONResponse:
    """An answer that says what went wrong."""
    body = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        hint=hint or None,
        errors=list(errors),
    )
    return JSONResponse(body.model_dump(), status, media_type=MEDIA_TYPE)


def overtaken(detail: str) -> JSONResponse:
    """The answer to a change that rests on what is not so any more."""
    return problem(412, detail, code="precondition_failed", hint="Read it again.")


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer besides success, for its description."""
    words = {
        400: "The request cannot be read.",
        401: "A token or a session is needed.",
        402: "The budget is spent.",
        403: "This identity may not do this.",
        404: "There is no such thing.",
        409: "It exists already, or somebody else was faster.",
        412: "It is not what it was when it was read.",
        413: "The request is larger than 1 MiB.",
        422: "The request was understood and cannot be used.",
        502: "The data API did not do its part.",
        503: "The database does not answer.",
    }
    return {
        status: {
            "description": words[status],
            "content": {MEDIA_TYPE: {"schema": _schema()}},
        }
        for status in sorted({400, 401, 403, 422, 503, *statuses})
    }


@cache
def _schema() -> dict[str, Any]:
    return Problem.model_json_schema()
