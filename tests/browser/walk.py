"""Pages of every kind, found by following links, so that a new page is looked at by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urldefrag, urlsplit

#: Things in a path that make two pages the same kind.
_VARIABLE = re.compile(r"/(?:\d+|[0-9a-f]{8,}|MS4w[\w-]+|[^/]*[%@][^/]*)(?=/|$)")
_NO_PAGE = re.compile(r"^/(api|assets|logout|metrics|healthz|readyz)|\.\w+$|/(export|events)(/|$)")


def kind_of(address: str) -> str:
    """The path without what differs between pages of a kind."""
    path = _VARIABLE.sub("/x", urlsplit(address).path)
    return re.sub(r"/(hashtags|creators)/[^/]+", r"/\1/x", path)


def form_of(address: str) -> str:
    """The kind of a page with the names of what it was asked for."""
    return " ".join((kind_of(address), *sorted(parse_qs(urlsplit(address).query))))


def is_page(address: str, home: str) -> bool:
    """Whether a link leads to a page of ours that is to be looked at."""
    return address.startswith(home) and not _NO_PAGE.search(urlsplit(address).path)


def walk(
    page: Any, home: str, *, of_a_kind: int, kind: Callable[[str], str] = kind_of
) -> Iterator[str]:
    """Addresses of pages, so many of a kind at most; each is open in the browser when it comes."""
    waiting, seen, kinds = [f"{home}/"], set(), {}
    while waiting:
        address = waiting.pop(0)
        its_kind = kind(address)
        if address in seen or kinds.get(its_kind, 0) >= of_a_kind:
            continue
        seen.add(address)
        kinds[its_kind] = kinds.get(its_kind, 0) + 1
        response = page.goto(address)
        assert response.status == 200, f"{address} answers {response.status}"
        found = page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        waiting += [urldefrag(link)[0] for link in found if is_page(link, home)]
        yield address
    print("pages:", *sorted(kinds), sep="\n  ")
