"""Requests under a key, on every engine."""

from __future__ import annotations

from dataclasses import replace

from storage_samples import HOUR, NOON, run

from tagtide.ports import RememberedRequest
from tagtide.storage.store import SqlStore


def test_a_request_is_begun_once(store: SqlStore) -> None:
    assert run(store.begin_request("k", "d", NOON)) is None
    under_way = RememberedRequest(key="k", digest="d")
    assert run(store.begin_request("k", "other", NOON)) == under_way
    done = replace(under_way, status=201, body='{"a": "ä"}', location="/x")
    run(store.end_request(done))
    assert run(store.begin_request("k", "d", NOON)) == done
    assert run(store.begin_request("l", "d", NOON)) is None


def test_what_failed_or_is_old_is_forgotten(store: SqlStore) -> None:
    run(store.begin_request("k", "d", NOON))
    run(store.begin_request("l", "d", NOON + HOUR))
    run(store.forget_request("k"))
    assert run(store.begin_request("k", "d", NOON)) is None
    assert run(store.prune_requests(NOON + HOUR)) == 1
    assert run(store.begin_request("k", "d", NOON)) is None
    assert run(store.begin_request("l", "d", NOON)) is not None
