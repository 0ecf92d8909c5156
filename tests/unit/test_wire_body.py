"""Bytes to a document: strict, bounded, and never another exception than the one that says so."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from tagtide.errors import Charge, Reason, UnexpectedResponse
from tagtide.tiktok.wire import MAX_BODY, decode_body

NOT_JSON_OBJECTS = [
    b"",
    b" ",
    b"{",
    b'{"a":1',
    b'{"a":1}x',
    b'{"a":1}{}',
    b'{"a" 1}',
    b"{a:1}",
    b'{"a":1,}',
    b'{,"a":1}',
    b"{1:2}",
    b"[]",
    b"null",
    b'"text"',
    b"5",
    b"<html></html>",
    b'\xef\xbb\xbf{"a":1}',
    b'{"a":"\xff"}',
    b'{"a":"\xed\xa0\x80"}',
    '{"a":1}'.encode("utf-16"),
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b'{"a":-Infinity}',
    b'{"a":1,"a":2}',
    b'{"d":{"a":1,"a":2}}',
    b'{"d":[{"a":1,"\\u0061":2}]}',
    b'{"a":01}',
    b"{'a':1}",
    b'{"a":"\n"}',
    b'{"a":"\\x"}',
    b'{"a":1}\x00',
]


@pytest.mark.parametrize("body", NOT_JSON_OBJECTS)
def test_undecodable(body):
    with pytest.raises(UnexpectedResponse) as caught:
        decode_body(body, endpoint="hashtag")
    assert caught.value.reason is Reason.UNDECODABLE
    assert caught.value.charge is Charge.CHARGED
    assert caught.value.endpoint == "hashtag"
    assert caught.value.detail.isascii()


OVERSIZE = {
    "bytes": b'{"a":"' + b"x" * MAX_BODY + b'"}',
    "depth of lists": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "depth of objects": b'{"a":' * 65 + b"1" + b"}" * 65,
    "open brackets": b"[" * 1_000_000,
    "digits": b'{"a":' + b"9" * 5_000 + b"}",
    "items": b'{"a":[' + b"0," * 1_000_000 + b"0]}",
    "objects": b'{"a":[' + b"{}," * 1_000_000 + b"{}]}",
}


@pytest.mark.parametrize("name", sorted(OVERSIZE))
def test_oversize_is_refused_in_little_memory(name):
    tracemalloc.start()
    try:
        with pytest.raises(UnexpectedResponse) as caught:
            decode_body(OVERSIZE[name])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.reason is Reason.OVERSIZE
    assert caught.value.charge is Charge.CHARGED
    assert peak < 64 * 1024 * 1024


DOCUMENTS = [
    {},
    {"a": 1},
    {"data": {"x": [1, 2.5, None, True, "é\n"]}, "b": "[{}]"},
    {"a": '\\" ] } \\\\'},
    {"deep": json.loads("[" * 63 + "]" * 63)},
    {"digits in a caption": "9" * 5_000},
    {"brackets in a caption": "[" * 5_000},
    {"quotes in a caption": '\\"' * 5_000 + "[" * 100},
]


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("indent", [None, 3])
def test_what_json_can_say_is_read(document, indent):
    for ascii_only in (True, False):
        body = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
        assert decode_body(b" \n" + body + b"\t ") == document


def test_the_hash_covers_data_and_nothing_else():
    one = decode_body(b'{"data":{"a":[1,2]},"response_time":1,"credits_remaining":5}')
    same = decode_body(b'{"response_time":9, "credits_remaining":4, "data": {"a":[1,2]} }')
    other = decode_body(b'{"data":{"a":[1,3]},"response_time":1,"credits_remaining":5}')
    assert one.data_hash == same.data_hash != other.data_hash
