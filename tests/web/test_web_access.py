"""Who gets where: every route, every method, every kind of identity, from the router itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, Response
from web_lab import HOME, PUBLIC, Browser, Lab, opened, routes_of

from tagtide.core.access import Need, Role, Scope
from tagtide.services.accounts import edit_user
from tagtide.web.access import ACCESS
from tagtide.web.identity import client_address

#: A status that no page of ours gives: the request has come through to the route.
REACHED = 299


def stub_routes(lab: Lab) -> None:
    """Let every route only say that it was reached: what is tried here is the way to it."""

    async def reached(**_: Any) -> Response:
        return Response(status_code=REACHED)

    for _, route in routes_of(lab.web):
        # Put back at the end: the routes of the API are shared by all applications.
        lab.patch.setattr(route.dependant, "call", reached)


def came_through(answer: httpx2.Response) -> bool:
    """Whether it came to the route, or to the check of its parameters or body: behind the door."""
    return answer.status_code in {REACHED, 415, 422}


def address_of(route: Any) -> str:
    return re.sub(r"\{[^}]+\}", "1", route.path)


#: Levels that each identity reaches; ACCOUNT is a matter of its own.
LEVELS = {
    "anonymous": 0,
    "ended session": 0,
    "wrong token": 0,
    "viewer": 1,
    "operator": 2,
    "admin": 3,
    "token read": 1,
    "token operate": 2,
    "token admin": 3,
    "admin's token read": 1,
    "demoted user's token admin": 1,
}
NEEDS = {Need.PUBLIC: 0, Need.READ: 1, Need.OPERATE: 2, Need.ADMIN: 3}
PEOPLE = {"viewer", "operator", "admin"}


@asynccontextmanager
async def everybody(lab: Lab) -> AsyncIterator[dict[str, Browser]]:
    """A browser, or a program, for each identity."""
    people = {role.value: await lab.user(role.value, role) for role in Role}
    fallen = await lab.user("fallen", Role.ADMIN)
    secrets = {f"token {s.value}": await lab.token(s) for s in Scope}
    secrets["admin's token read"] = await lab.token(Scope.READ, people["admin"])
    secrets["demoted user's token admin"] = await lab.token(Scope.ADMIN, fallen)
    secrets["wrong token"] = "tt_" + "0" * 32
    await edit_user(lab.app.accounts, fallen, by="admin", role=Role.VIEWER)
    async with lab.browser() as left:
        await left.log_in("viewer")
        ended = left.session
        assert (await left.get("/")).status_code == 200
        await left.post("/logout")
    async with AsyncExitStack() as stack:
        found: dict[str, Browser] = {}
        for name in LEVELS:
            shown = {"authorization": f"Bearer {secrets[name]}"} if name in secrets else {}
            if name == "ended session":
                shown["cookie"] = f"tagtide={ended}"
            found[name] = await stack.enter_async_context(lab.browser(**shown))
            if name in PEOPLE:
                await found[name].log_in(name)
        yield found


def expected(need: Need, who: str) -> bool:
    if need is Need.ACCOUNT:
        return who in PEOPLE
    return LEVELS[who] >= NEEDS[need]


def test_every_route_lets_in_whom_the_table_says_and_nobody_else(tmp_path: Path) -> None:
    async def main() -> int:
        tried = 0
        async with opened(tmp_path) as lab, everybody(lab) as identities:
            stub_routes(lab)
            for method, route in routes_of(lab.web):
                need = ACCESS[method, route.path]
                for who, browser in identities.items():
                    answer = await browser.inner.request(
                        method, address_of(route), headers={"origin": HOME}
                    )
                    case = f"{who}: {method} {route.path} needs {need}"
                    assert came_through(answer) == expected(need, who), case
                    if not came_through(answer):
                        assert_turned_away(answer, who, method, case)
                    tried += 1
        return tried

    assert asyncio.run(main()) >= 11 * 20


ODD_BODIES = (b"{", b"\xff\xfe", b"[" * 5000, b'{"name": NaN}')


def test_nobody_is_read_before_being_let_in(tmp_path: Path) -> None:
    """What is wrong with a request is no matter of those who may not make it."""

    async def main() -> None:
        async with opened(tmp_path) as lab, everybody(lab) as identities:
            changing = [
                (method, route)
                for method, route in routes_of(lab.web)
                if route.path.startswith("/api/") and method not in {"GET", "DELETE"}
            ]
            assert len(changing) > 5
            for who in ("anonymous", "viewer", "token read"):
                for method, route in changing:
                    for body in ODD_BODIES:
                        answer = await identities[who].inner.request(
                            method,
                            address_of(route),
                            headers={"origin": HOME, "content-type": "application/json"},
                            content=body,
                        )
                        case = f" {who}: {method} {route.path} "
                        assert_turned_away(answer, who, method, case)

    asyncio.run(main())


def assert_turned_away(answer: httpx2.Response, who: str, method: str, case: str) -> None:
    is_api = " /api/" in case
    if "token" in who or is_api:
        status = 401 if LEVELS[who] == 0 else 403
        assert answer.status_code == status, case
        assert answer.headers["content-type"] == "application/problem+json", case
        assert ("www-authenticate" in answer.headers) == (status == 401), case
    elif LEVELS[who]:
        assert answer.status_code == 403, case
    elif method == "GET":
        assert answer.status_code == 303, case
        assert answer.headers["location"].startswith("/login?next="), case
    else:
        assert answer.status_code == 401, case
        assert "Nothing was changed" in answer.text, case


def test_the_router_and_the_table_are_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab:
            assert {(method, route.path) for method, route in routes_of(lab.web)} == set(ACCESS)

    asyncio.run(main())


OPEN = {
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/assets/{digest}/{name}"),
    ("GET", "/setup"), ("POST", "/setup"), ("GET", "/login"), ("POST", "/login"),
    ("POST", "/logout"),
    # Asks for a token by itself, and answers nothing unless it is switched on.
    ("POST", "/mcp"),
    # A link that was handed out: its secret is the permission.
    ("GET", "/shared/{secret}"), ("GET", "/shared/{secret}/report.{style}"),
    ("GET", "/shared/{secret}/chart-{number}.png"),
    # Likewise, to stop the one thing that it came with.
    ("GET", "/unsubscribe/{secret}"), ("POST", "/unsubscribe/{secret}"),
}  # fmt: skip


def test_the_table_says_nothing_careless() -> None:
    """What the table itself must not say, in words of its own."""
    for (method, path), need in ACCESS.items():
        if need is Need.PUBLIC:
            assert (method, path) in OPEN, path
        elif method != "GET":
            assert need is not Need.READ, f"{method} {path} changes something"
        if re.match(r"/(api/v1|settings)/?.*(users|tokens)", path):
            assert need is Need.ADMIN, path
        if path.startswith("/account"):
            assert need is Need.ACCOUNT, path


def test_a_route_without_an_entry_is_closed_to_admins_too(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, everybody(lab) as identities:
            forgotten = APIRouter()
            forgotten.add_api_route("/forgotten", lambda: "secret", methods=["GET", "POST"])
            lab.web.include_router(forgotten)
            for who, browser in identities.items():
                for method in ("GET", "POST"):
                    answer = await browser.inner.request(
                        method, "/forgotten", headers={"origin": HOME}
                    )
                    assert (answer.status_code, "secret" in answer.text) == (403, False), who

    asyncio.run(main())


def test_the_open_demo_is_an_operator_without_an_account(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path, web__open_on_loopback="true") as lab, lab.browser() as browser:
            stub_routes(lab)
            for method, route in routes_of(lab.web):
                need = ACCESS[method, route.path]
                answer = await browser.inner.request(
                    method, address_of(route), headers={"origin": HOME}
                )
                is_open = need in {Need.PUBLIC, Need.READ, Need.OPERATE}
                assert came_through(answer) == is_open, route.path
                if not is_open:
                    assert answer.status_code == 403

    asyncio.run(main())


def test_in_the_open_demo_nobody_becomes_an_admin(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path, web__open_on_loopback="true") as lab, lab.browser() as browser:
            for answer in (
                await browser.post("/setup", name="eve", password="kumquat marmalade"),
                await browser.get("/setup"),
                await browser.get("/login"),
            ):
                assert (answer.status_code, answer.headers["location"]) == (303, "/")
            assert not await lab.app.store.has_users()
            page = (await browser.get("/")).text
            assert "open demo" in page
            assert 'href="/account"' not in page

    asyncio.run(main())


# --- requests that another page makes -------------------------------------------------------------

FOREIGN: list[dict[str, str]] = [
    {},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "http://localhost.evil.example"},
    {"origin": "http://localhost:8766"},
    {"origin": "file://"},
    {"origin": HOME, "sec-fetch-site": "cross-site"},
    {"origin": HOME, "sec-fetch-site": "same-site"},
    {"origin": HOME, "sec-fetch-site": "none"},
    {"sec-fetch-site": "same-origin"},
    {"referer": f"{HOME}/"},
    {"authorization": "Basic dGFndGlkZTp0YWd0aWRl"},
    {"authorization": "bearer"},
]


def test_no_other_page_can_change_anything(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await lab.user("ana", Role.ADMIN)
            await browser.log_in("ana")
            stub_routes(lab)
            unsafe = [(m, address_of(r)) for m, r in routes_of(lab.web) if m != "GET"]
            # A mail program sends no origin; what it may change is what its secret is of.
            unsafe.remove(("POST", "/unsubscribe/1"))
            for method, path in unsafe:
                own = await browser.inner.request(method, path, headers={"origin": HOME})
                assert came_through(own)
                for headers in FOREIGN:
                    for kind in ("application/x-www-form-urlencoded", "text/plain"):
                        answer = await browser.inner.request(
                            method,
                            path,
                            headers={**headers, "content-type": kind},
                            content=b'{"role": "admin"}',
                        )
                        assert answer.status_code == 403, f"{method} {path} {headers}"

    asyncio.run(main())


KINDS = ("text/plain", "application/json", "multipart/form-data; boundary=x", "")


def test_only_forms_of_ours_are_understood(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await lab.user("ana", Role.ADMIN)
            await browser.log_in("ana")
            before = await lab.app.store.account_events()
            for method, route in routes_of(lab.web):
                if method == "GET" or route.path.startswith(("/api/", "/logout", "/mcp")):
                    continue
                for kind in KINDS:
                    answer = await browser.inner.request(
                        method,
                        address_of(route),
                        headers={"origin": HOME, "content-type": kind},
                        content=b'{"name": "eve", "role": "admin", "password": "kumquat jam"}',
                    )
                    # Of a mail program parts are taken too, for a secret that is known.
                    parts = (route.path, kind) == ("/unsubscribe/{secret}", KINDS[2])
                    assert answer.status_code == (404 if parts else 415), f"{route.path} {kind}"
            assert await lab.app.store.account_events() == before

    asyncio.run(main())


def test_a_header_with_a_token_makes_the_session_count_for_nothing(tmp_path: Path) -> None:
    """A foreign page that could set one header would otherwise act as the reader."""

    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await lab.user("ana", Role.ADMIN)
            await browser.log_in("ana")
            read = await lab.token(Scope.READ)
            stub_routes(lab)
            assert (await browser.get("/settings/users")).status_code == REACHED
            for value in ("Bearer x", "bearer ", "BEARER tt_", f"Bearer {browser.session}"):
                answer = await browser.get("/settings/users", authorization=value)
                assert answer.status_code == 401, value
            answer = await browser.get("/settings/users", authorization=f"Bearer {read}")
            assert answer.status_code == 403
            # Also when another kind of Authorization stands in front of it.
            for pair in (["Basic x", "Bearer x"], ["Bearer x", "Basic x"]):
                answer = await browser.inner.request(
                    "POST",
                    "/settings/users",
                    headers=[("authorization", value) for value in pair],
                )
                assert answer.status_code in {401, 403}, pair
            # The password of a proxy in front is not ours.
            answer = await browser.get("/settings/users", authorization="Basic x")
            assert answer.status_code == REACHED

    asyncio.run(main())


NAMES = (
    "evil.example", "localhost.evil.example", "evil.example:80", "127.0.0.1.nip.io", "",
    "localhost@evil.example", "tagtide.example.com",
)  # fmt: skip


def test_no_other_name_leads_to_us(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await lab.user("ana", Role.ADMIN)
            await browser.log_in("ana")
            stub_routes(lab)
            for method, route in routes_of(lab.web):
                for host in NAMES:
                    for origin in (f"http://{host}", HOME):
                        answer = await browser.inner.request(
                            method, address_of(route), headers={"host": host, "origin": origin}
                        )
                        assert answer.status_code == 421, f"{method} {route.path} {host}"

    asyncio.run(main())


# --- where requests come from ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "address"),
    [
        ("192.0.2.1", "", [], "192.0.2.1"),
        # Nobody's word counts unless it was said so.
        ("192.0.2.1", "198.51.100.7", [], "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", ["127.0.0.1/32"], "192.0.2.1"),
        ("127.0.0.1", "198.51.100.7", ["127.0.0.1/32"], "198.51.100.7"),
        # What the client itself wrote in front is not believed.
        ("127.0.0.1", "10.0.0.1, 198.51.100.7", ["127.0.0.1/32"], "198.51.100.7"),
        ("10.0.0.2", "203.0.113.5, 10.0.0.9", ["10.0.0.0/8"], "203.0.113.5"),
        ("10.0.0.2", "10.0.0.9", ["10.0.0.0/8"], "10.0.0.9"),
        ("127.0.0.1", "garbage", ["127.0.0.1/32"], "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7, garbage", ["127.0.0.1/32"], "127.0.0.1"),
        ("::1", "2001:db8::7", ["::1/128"], "2001:db8::7"),
        ("::ffff:127.0.0.1", "198.51.100.7", ["127.0.0.1/32"], "198.51.100.7"),
        ("", "198.51.100.7", ["127.0.0.1/32"], ""),
    ],
)
def test_addresses_behind_proxies(
    peer: str, forwarded: str, proxies: list[str], address: str
) -> None:
    assert client_address(peer, forwarded.split(","), proxies) == address


# --- what is said to a supervisor -----------------------------------------------------------------


def test_probes_answer_everybody_and_say_little(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            assert (await browser.get("/healthz")).text == "ok\n"
            assert set((await browser.get("/readyz")).json()) == {"status", "reasons"}
            token = await lab.token(Scope.READ)
            told = await browser.get("/readyz", authorization=f"Bearer {token}")
            assert set(told.json()) == {"status", "reasons", "details"}
            assert (await browser.get("/metrics")).status_code == 303
            figures = await browser.get("/metrics", authorization=f"Bearer {token}")
            assert "tagtide_" in figures.text

    asyncio.run(main())


def test_forms_of_ours_say_where_they_come_from(tmp_path: Path) -> None:
    """With "no-referrer" a browser sends our own forms with `Origin: null`, which is refused."""

    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            for path in ("/setup", "/healthz"):
                assert (await browser.get(path)).headers["referrer-policy"] == "same-origin"

    asyncio.run(main())


def test_the_name_behind_https_is_served(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path, web__public_url=PUBLIC) as lab:
            await lab.user("ana", Role.ADMIN)
            async with lab.browser(PUBLIC) as browser:
                assert (await browser.get("/login")).status_code == 200
                await browser.log_in("ana")
                assert (await browser.get("/account")).status_code == 200

    asyncio.run(main())


def walk(text: str) -> Iterator[str]:
    yield from re.findall(r'(?:href|action)="([^"]*)"', text)


@pytest.mark.parametrize("path", ["/login", "/account", "/settings/users", "/settings/tokens"])
def test_pages_link_only_to_what_exists(tmp_path: Path, path: str) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await lab.user("ana", Role.ADMIN)
            if path != "/login":
                await browser.log_in("ana")
            page = (await browser.get(path)).text
            known = {address_of(route) for _, route in routes_of(lab.web)}
            for link in walk(page):
                if link.startswith(("/assets/", "data:", "#")):
                    continue
                assert re.sub(r"/\d+(?=/|$)", "/1", link) in known | {"/"}, link

    asyncio.run(main())
