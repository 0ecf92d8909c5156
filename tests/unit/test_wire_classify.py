"""Every status with every shape of body: one error, one charge, and never an exception."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tagtide.errors import (
    AuthenticationFailed,
    Charge,
    CreditsExhausted,
    ItemNotFound,
    RateLimited,
    Reason,
    RequestRefused,
    SourceError,
    SourceUnavailable,
    UnexpectedResponse,
)
from tagtide.tiktok.wire import classify

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
UNKNOWN, FREE, PAID = Charge.UNKNOWN, Charge.NOT_CHARGED, Charge.CHARGED

BODIES = {
    "string": {"error": "It went wrong"},
    "object": {"error": {"code": "bad", "message": "It went wrong"}},
    "message": {"message": "It went wrong"},
}

TABLE = [
    (101, UnexpectedResponse, Reason.UNDECODABLE, UNKNOWN),
    (301, UnexpectedResponse, Reason.REDIRECT, UNKNOWN),
    (302, UnexpectedResponse, Reason.REDIRECT, UNKNOWN),
    (307, UnexpectedResponse, Reason.REDIRECT, UNKNOWN),
    (400, RequestRefused, Reason.BAD_REQUEST, FREE),
    (401, AuthenticationFailed, Reason.AUTH, FREE),
    (402, CreditsExhausted, Reason.CREDITS, FREE),
    (403, AuthenticationFailed, Reason.AUTH, FREE),
    (404, ItemNotFound, Reason.NOT_FOUND, UNKNOWN),
    (405, RequestRefused, Reason.BAD_REQUEST, FREE),
    (408, SourceUnavailable, Reason.UPSTREAM, UNKNOWN),
    (410, RequestRefused, Reason.BAD_REQUEST, FREE),
    (422, RequestRefused, Reason.BAD_REQUEST, FREE),
    (425, SourceUnavailable, Reason.UPSTREAM, UNKNOWN),
    (429, RateLimited, Reason.RATE_LIMITED, FREE),
    (500, SourceUnavailable, Reason.UPSTREAM, UNKNOWN),
    (502, SourceUnavailable, Reason.UPSTREAM, UNKNOWN),
    (503, SourceUnavailable, Reason.UPSTREAM, UNKNOWN),
    (504, SourceUnavailable, Reason.UPSTREAM, UNKNOWN),
    (599, SourceUnavailable, Reason.UPSTREAM, UNKNOWN),
]


@pytest.mark.parametrize(("status", "kind", "reason", "charge"), TABLE)
@pytest.mark.parametrize("body", sorted(BODIES))
def test_status_and_body(status, kind, reason, charge, body):
    error = classify(status, {}, json.dumps(BODIES[body]).encode(), "hashtag", now=NOW)
    assert (type(error), error.reason, error.charge) == (kind, reason, charge)
    assert (error.status, error.endpoint, error.detail) == (status, "hashtag", "It went wrong")


HOSTILE_BODIES = [
    b"",
    b"<html>502 Bad Gateway</html>",
    b"\xff\xfe",
    b"[]",
    b"null",
    b'{"error":null}',
    b'{"error":5,"message":[]}',
    b'{"error":{"code":{}}}',
    b'{"retry_after":"soon"}',
    b'{"retry_after":NaN}',
    b'{"credits_used":"x","credits_remaining":-1}',
    b"[" * 100_000,
    b'{"error":"\\u0000\\u202e\\ud800"}',
]


@pytest.mark.parametrize(("status", "kind", "reason", "charge"), TABLE)
@pytest.mark.parametrize("body", HOSTILE_BODIES)
def test_the_status_decides_whatever_the_body_is(status, kind, reason, charge, body):
    error = classify(status, {"Retry-After": "\x00"}, body, "hashtag", now=NOW)
    assert (type(error), error.reason, error.charge) == (kind, reason, charge)
    assert error.detail.isascii()
    assert error.detail.isprintable()
    assert len(error.detail) <= 200


@pytest.mark.parametrize("status", [404, 400, 500, 429, 302])
def test_stated_credits_settle_the_charge(status):
    for used, charge in ((0, FREE), (1, PAID), ("1", PAID), (None, None), (True, None)):
        body = json.dumps({"error": "x", "credits_used": used, "credits_remaining": 997}).encode()
        error = classify(status, {}, body, "video", now=NOW)
        expected = charge or classify(status, {}, b"{}", "video", now=NOW).charge
        assert error.charge is expected
        assert error.credits_remaining == 997


def test_an_exhausted_balance_is_read_from_either_name():
    body = json.dumps({"error": "Insufficient credits", "credit_balance": 0}).encode()
    assert classify(402, {}, body, "hashtag", now=NOW).credits_remaining == 0


WAITS = [
    ({"Retry-After": "2"}, {}, 2.0),
    ({"retry-after": "0"}, {}, 0.0),
    ({"RETRY-AFTER": "1.5"}, {}, 1.5),
    ({"Retry-After": "3600"}, {"retry_after": 1}, 3600.0),
    ({"Retry-After": "Fri, 20 Nov 2026 12:00:30 GMT"}, {}, 30.0),
    ({"Retry-After": "Fri, 20 Nov 2026 11:00:00 GMT"}, {}, 0.0),
    ({"Retry-After": "soon"}, {"retry_after": 3}, 3.0),
    ({"Retry-After": "-5"}, {}, None),
    ({"Retry-After": "inf"}, {}, None),
    ({"Retry-After": "nan"}, {}, None),
    ({"Retry-After": "9" * 400}, {}, None),
    ({}, {"retry_after": 1}, 1.0),
    ({}, {"retry_after": True}, None),
    ({}, {"error": {"retry_after": 7}}, 7.0),
    ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 12)}, {}, 12.0),
    ({"X-RateLimit-Reset": str(int(NOW.timestamp()) - 12)}, {}, 0.0),
    ({"X-RateLimit-Reset": "x"}, {}, None),
    ({}, {}, None),
]


@pytest.mark.parametrize(("headers", "body", "wait"), WAITS)
def test_how_long_to_wait(headers, body, wait):
    error = classify(429, headers, json.dumps(body).encode(), "hashtag", now=NOW)
    assert isinstance(error, RateLimited)
    assert error.retry_after == wait


def test_nothing_like_a_key_is_quoted():
    body = b'{"error":"key sk_live_abc123 and Bearer eyJhbGciOi are wrong"}'
    error = classify(401, {}, body, "hashtag", now=NOW)
    assert "abc123" not in error.detail
    assert "eyJ" not in error.detail
    assert isinstance(error, SourceError)
