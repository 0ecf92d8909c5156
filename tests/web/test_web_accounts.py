"""Set-up, login, account, users and tokens as a browser, or a stranger, meets them."""

from __future__ import annotations

import asyncio
import html
import re
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from web_lab import GOOD, HOME, PUBLIC, Lab, opened

from tagtide.core.access import How, Role, Scope
from tagtide.services.accounts import identify, new_set_up_token
from tagtide.web.forms import local_path
from tagtide.web.words import browser as browser_name

OTHER = "another marmalade"


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)))


# --- the first account ----------------------------------------------------------------------------


def test_an_empty_installation_leads_to_its_set_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            for path in ("/", "/login", "/account", "/settings/users"):
                answer = await browser.get(path)
                assert (answer.status_code, answer.headers["location"]) == (303, "/setup")
            page = await browser.get("/setup")
            assert page.status_code == 200
            assert 'name="token"' not in page.text
            weak = await browser.post("/setup", name="ana", password="short")
            assert weak.status_code == 422
            assert "shorter than 10" in text_of(weak.text)
            assert 'value="ana"' in weak.text
            made = await browser.post("/setup", name="Ana", password=GOOD)
            assert (made.status_code, made.headers["location"]) == (303, "/")
            assert (await browser.get("/")).status_code == 200
            assert (await browser.get("/settings/users")).status_code == 200
            # From now on there is no set-up.
            assert (await browser.get("/setup")).headers["location"] == "/login"
            eve = await browser.post("/setup", name="eve", password=GOOD)
            assert eve.headers["location"] == "/login"
            assert [user.name for user in await lab.app.store.users()] == ["ana"]

    asyncio.run(main())


REMOTE = [
    # Listening everywhere.
    ({"web__host": "0.0.0.0"}, HOME, "127.0.0.1", {}),
    ({"web__host": "0.0.0.0"}, "http://10.0.0.3:8765", "10.0.0.9", {}),
    # Behind a proxy, as far as anybody can tell.
    ({"web__public_url": PUBLIC}, PUBLIC, "127.0.0.1", {}),
    ({"web__public_url": PUBLIC}, HOME, "127.0.0.1", {}),
    ({}, HOME, "127.0.0.1", {"x-forwarded-for": "203.0.113.9"}),
    ({}, HOME, "127.0.0.1", {"forwarded": "for=203.0.113.9"}),
    ({}, HOME, "127.0.0.1", {"x-real-ip": "127.0.0.1"}),
    ({}, HOME, "127.0.0.1", {"via": "1.1 proxy"}),
    ({}, HOME, "203.0.113.9", {}),
    ({}, HOME, "", {}),
]


@pytest.mark.parametrize(("settings", "home", "peer", "headers"), REMOTE, ids=str)
def test_a_stranger_cannot_take_over_a_fresh_installation(
    tmp_path: Path, settings: dict[str, str], home: str, peer: str, headers: dict[str, str]
) -> None:
    async def main() -> None:
        async with opened(tmp_path, **settings) as lab:
            token = await new_set_up_token(lab.app.accounts)
            assert token is not None
            async with lab.browser(home, peer, **headers) as browser:
                page = await browser.get("/setup")
                assert 'name="token"' in page.text
                assert token not in page.text
                for shown in ("", "x", "0" * 32, token[:-1]):
                    eve = await browser.post("/setup", name="eve", password=GOOD, token=shown)
                    assert eve.status_code == 403, shown
                    assert browser.session is None
                assert not await lab.app.store.has_users()
                # With what stands on the console the owner can.
                page = await browser.get(f"/setup?token={token}")
                assert f'value="{token}"' in page.text
                ana = await browser.post("/setup", name="ana", password=GOOD, token=token)
                assert ana.status_code == 303
                assert (await browser.post("/setup", name="eve", password=GOOD, token=token)
                        ).headers["location"] == "/login"  # fmt: skip
            assert [user.name for user in await lab.app.store.users()] == ["ana"]

    asyncio.run(main())


# --- logging in -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "home", "name", "is_secure"),
    [
        ({}, HOME, "tagtide", False),
        ({"web__public_url": PUBLIC}, PUBLIC, "__Host-tagtide", True),
        # The same server by its own address: a Secure cookie would never come back.
        ({"web__public_url": PUBLIC}, HOME, "tagtide", False),
        ({"web__public_url": "http://tagtide.example.com"}, "http://tagtide.example.com",
         "tagtide", False),
    ],
)  # fmt: skip
def test_the_cookie_is_as_strict_as_it_can_be(
    tmp_path: Path, settings: dict[str, str], home: str, name: str, is_secure: bool
) -> None:
    async def main() -> None:
        async with opened(tmp_path, **settings) as lab, lab.browser(home) as browser:
            await lab.user("ana", Role.ADMIN)
            answer = await browser.log_in("ana")
            (cookie,) = answer.headers.get_list("set-cookie")
            parts = [part.strip().lower() for part in cookie.split(";")]
            assert parts[0].startswith(f"{name.lower()}=")
            assert {"httponly", "samesite=lax", "path=/"} <= set(parts)
            assert ("secure" in parts) == is_secure
            assert not [part for part in parts if part.startswith("domain")]
            assert (await browser.get("/account")).status_code == 200
            gone = (await browser.post("/logout")).headers["set-cookie"].lower()
            assert gone.startswith(f"{name.lower()}=")
            assert "max-age=0" in gone
            assert ("secure" in gone) == is_secure

    asyncio.run(main())


def test_a_login_leads_to_where_one_wanted_to_go(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await lab.user("ana", Role.ADMIN)
            away = await browser.get("/settings/users?done=changed&x=%2F%2Fevil")
            where = away.headers["location"]
            form = await browser.get(where)
            target = re.search(r'name="next" value="([^"]*)"', form.text)
            assert target is not None
            wanted = html.unescape(target[1])
            assert wanted == "/settings/users?done=changed&x=%2F%2Fevil"
            came = await browser.post("/login", name="ana", password=GOOD, next=wanted)
            assert came.headers["location"] == wanted
            assert (await browser.get(where)).headers["location"] == wanted

    asyncio.run(main())


HOSTILE_TARGETS = [
    "https://evil.example",
    "http://evil.example/",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "/%09/evil.example\t",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "evil.example",
    "evil.example/path",
    "?x=1",
    "#x",
    "",
    " ",
    "/a//evil.example",
    "/./ /evil",
    "//evil.example/..",
    "/\u2028/evil.example",
    "/\u3000/evil.example",
    "\uff0f\uff0fevil.example",
    "/\xe9",
    "//localhost@evil.example",
    "http:evil.example",
    "http:/evil.example",
    "/\x00/evil.example",
    "/a\r\nSet-Cookie: x=1",
    "/<script>",
    '/"onclick="x',
    "/" + "a" * 3000,
    "https:evil.example",
    "/\\\\evil.example",
    "/;//evil.example",
    ".//evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/login",
    "/login?next=/login",
    "/logout",
    "/setup",
]


def test_a_login_leads_nowhere_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await lab.user("ana", Role.ADMIN)
            for target in HOSTILE_TARGETS:
                answer = await browser.post("/login", name="ana", password=GOOD, next=target)
                assert (answer.status_code, answer.headers["location"]) == (303, "/"), target
                answer = await browser.inner.get("/login", params={"next": target})
                assert (answer.status_code, answer.headers["location"]) == (303, "/"), target

    asyncio.run(main())


@pytest.mark.parametrize(
    "target",
    ["/", "/campaigns", "/campaigns/1?period=7d", "/campaigns/1/hashtags/%C3%A9?x=a+b&y=1%2F2",
     "/creators/MS4w-x_y", "/a/", "/a?next=//b", "/@x"],
)  # fmt: skip
def test_own_paths_are_kept(target: str) -> None:
    assert local_path(target) == target


def test_long_targets_are_judged_at_once() -> None:
    for nasty in ("/" + "a/" * 990 + "\\", "/?" + "a" * 1990 + "\\", "/" + "%" * 1990 + " "):
        assert local_path(nasty) == "/"


def test_wrong_names_and_wrong_passwords_look_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await lab.user("ana", Role.ADMIN)
            pages = []
            for name in ("ana", "eve"):
                answer = await browser.post("/login", name=name, password="wrong password")
                pages.append((answer.status_code, answer.text.replace(name, "NAME")))
                assert "wrong password" not in answer.text
            assert pages[0] == pages[1]
            assert pages[0][0] == 401
            # A form without fields is a wrong password like any other.
            assert (await browser.post("/login")).status_code == 401

    asyncio.run(main())


@pytest.mark.parametrize("name", ["ana", "eve"])
def test_the_eleventh_wrong_password_has_to_wait(tmp_path: Path, name: str) -> None:
    async def main() -> None:
        async with opened(tmp_path, web__proxies="127.0.0.1/32") as lab:
            await lab.user("ana", Role.ADMIN)
            for n in range(10):
                # From ten addresses, behind our own proxy.
                far = {"x-forwarded-for": f"198.51.100.{n}"}
                async with lab.browser(**far) as browser:
                    answer = await browser.post("/login", name=name, password=f"guess {n}")
                    assert answer.status_code == 401
                lab.clock.advance(timedelta(seconds=30))
            async with lab.browser(**{"x-forwarded-for": "198.51.100.77"}) as browser:
                answer = await browser.post("/login", name=name, password=GOOD)
                assert answer.status_code == 429
                assert answer.headers["retry-after"] == "600"
                assert "for this account. Try again in 10 minutes." in text_of(answer.text)
                assert browser.session is None
                other = await browser.post("/login", name="ben", password="x")
                assert other.status_code == 401
                lab.clock.advance(timedelta(seconds=600))
                answer = await browser.post("/login", name=name, password=GOOD)
                assert answer.status_code == (303 if name == "ana" else 401)

    asyncio.run(main())


def test_forwarded_addresses_of_strangers_do_not_help_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab:
            await lab.user("ana", Role.ADMIN)
            found = []
            for n in range(12):
                async with lab.browser(**{"x-forwarded-for": f"198.51.100.{n}"}) as browser:
                    answer = await browser.post("/login", name=f"user{n}", password="guess")
                    found.append(answer.status_code)
            assert found == [401] * 10 + [429] * 2

    asyncio.run(main())


def test_nothing_that_was_typed_is_logged(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await lab.user("ana", Role.ADMIN)
            with structlog.testing.capture_logs() as logs:
                await browser.post("/login", name="my-secret-password", password="typed-secret-1")
                await browser.post("/login", name="ana", password="typed-secret-2")
                await browser.log_in("ana")
                await browser.post("/account/password", current=GOOD, new=OTHER)
            assert [log["event"] for log in logs] == ["login_failed", "login_failed"]
            assert [log["user"] for log in logs] == [None, "ana"]
            text = repr(logs)
            for secret in ("secret", GOOD, OTHER, str(browser.session)):
                assert secret not in text

    asyncio.run(main())


def test_each_login_is_a_new_session_and_ends_the_one_before(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            ana = await lab.user("ana", Role.ADMIN)
            planted = "f" * 32
            async with lab.browser(cookie=f"tagtide={planted}") as victim:
                # What somebody planted in the browser is not taken up.
                answer = await victim.log_in("ana")
                assert answer.cookies["tagtide"] != planted
                assert (await identify(lab.app.accounts, session=planted)).how is How.NOBODY
            first = (await browser.log_in("ana")).cookies["tagtide"]
            second = (await browser.log_in("ana")).cookies["tagtide"]
            assert second != first
            assert (await identify(lab.app.accounts, session=first)).how is How.NOBODY
            assert (await identify(lab.app.accounts, session=second)).how is How.SESSION
            assert len(await lab.app.store.sessions(ana.user_id)) == 2

    asyncio.run(main())


def test_a_session_ends_by_itself(tmp_path: Path) -> None:
    async def main() -> None:
        settings = {"web__session_idle_hours": "2", "web__session_days": "1"}
        async with opened(tmp_path, **settings) as lab, lab.browser() as browser:
            await lab.user("ana", Role.ADMIN)
            await browser.log_in("ana")
            for _ in range(12):
                lab.clock.advance(timedelta(hours=1, minutes=59))
                assert (await browser.get("/account")).status_code == 200
            lab.clock.advance(timedelta(minutes=20))
            assert (await browser.get("/account")).status_code == 303
            await browser.log_in("ana")
            lab.clock.advance(timedelta(hours=2))
            assert (await browser.get("/account")).status_code == 303

    asyncio.run(main())


def test_scripts_are_sent_to_the_login_too(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await lab.user("ana", Role.ADMIN)
            answer = await browser.get("/", **{"hx-request": "true"})
            assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/login?next=%2F")

    asyncio.run(main())


# --- the own account ------------------------------------------------------------------------------


def test_a_changed_password_ends_the_sessions_of_other_browsers(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as here, lab.browser() as there:
            ana = await lab.user("ana", Role.VIEWER)
            await lab.user("root", Role.ADMIN)
            await here.log_in("ana")
            await there.log_in("ana")
            bearer = {"authorization": f"Bearer {await lab.token(Scope.READ, ana)}"}
            for fields, status, said in [
                ({"current": "wrong", "new": OTHER}, 403, "present password is not right"),
                ({"current": GOOD, "new": "short"}, 422, "shorter than 10"),
                ({"current": GOOD, "new": GOOD}, 422, "the old one"),
                ({}, 422, "shorter than 10"),
            ]:
                answer = await here.post("/account/password", **fields)
                assert answer.status_code == status
                assert said in text_of(answer.text)
            assert (await there.get("/account")).status_code == 200
            answer = await here.post("/account/password", current=GOOD, new=OTHER)
            assert answer.headers["location"] == "/account?done=password"
            page = await here.get("/account?done=password")
            assert "every other session has ended" in text_of(page.text)
            assert (await there.get("/account")).status_code == 303
            assert (await there.get("/", **bearer)).status_code == 200
            await here.post("/account/password", current=OTHER, new=GOOD, revoke_tokens="yes")
            assert (await there.get("/", **bearer)).status_code == 401
            # A word in the address is only what we know ourselves.
            page = await here.get("/account?done=<b>You+won</b>")
            assert "You won" not in text_of(page.text)

    asyncio.run(main())


def test_sessions_are_listed_and_ended(tmp_path: Path) -> None:
    async def main() -> None:
        agent = {"user-agent": "<script>alert(1)</script>\u202e\x1b[31m".encode()}
        async with opened(tmp_path) as lab, lab.browser() as here, lab.browser() as there:
            await lab.user("ana", Role.ADMIN)
            await lab.user("ben", Role.VIEWER)
            there.inner.headers.update(agent)
            await here.log_in("ana")
            await there.log_in("ana")
            async with lab.browser() as bens:
                await bens.log_in("ben")
                page = (await here.get("/account")).text
                assert "<script>alert" not in page
                assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
                assert not {"\u202e", "\x1b"} & set(page)
                (theirs,) = re.findall(r'name="session_id" value="(\d+)"', page)
                # The session of somebody else is nothing to her.
                ben = await lab.app.store.user("ben")
                bens_id = (await lab.app.store.sessions(ben.user_id))[0].session_id
                for wrong in (str(bens_id), "0", "-1", "x", "9" * 30, ""):
                    await here.post("/account/sessions/revoke", session_id=wrong)
                assert (await bens.get("/account")).status_code == 200
                assert (await there.get("/account")).status_code == 200
                await here.post("/account/sessions/revoke", session_id=theirs)
                assert (await there.get("/account")).status_code == 303
                await there.log_in("ana")
                await here.post("/account/sessions/revoke", session_id="others")
                assert (await there.get("/account")).status_code == 303
                assert (await here.get("/account")).status_code == 200
                assert (await bens.get("/account")).status_code == 200

    asyncio.run(main())


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
         "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 "
         "Safari/537.36 Edg/142.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 "
         "Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36",
         "Chrome on Android"),
        ("curl/8.5", "curl"),
        ("a script\x1b[31m of ours", "a script[31m of ours"),
        ("", "not said"),
    ],
)  # fmt: skip
def test_browsers_have_the_names_people_know(agent: str, name: str) -> None:
    assert browser_name(agent) == name


def test_own_tokens_are_shown_once_and_revoked(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser, lab.browser() as bens:
            await lab.user("ana", Role.OPERATOR)
            await lab.user("ben", Role.VIEWER)
            await browser.log_in("ana")
            await bens.log_in("ben")
            name = "<img src=x onerror=alert(1)>"
            made = await browser.post("/account/tokens", name=name, scope="operate", expires="90")
            assert made.status_code == 200
            (secret,) = set(re.findall(r"tt_[0-9a-f]{32}", made.text))
            assert "<img" not in made.text
            page = (await browser.get("/account")).text
            assert secret not in page
            assert "&lt;img src=x" in page
            who = await identify(lab.app.accounts, token=secret)
            assert (who.scope, who.role, who.name) == (Scope.OPERATE, Role.OPERATOR, name)
            for fields, status in [
                ({"name": name, "scope": "operate", "expires": "90"}, 409),
                ({"name": "x", "scope": "admin", "expires": "90"}, 422),
                ({"name": "x", "scope": "all", "expires": "90"}, 422),
                ({"name": "x", "scope": "read", "expires": "9999"}, 422),
                ({"name": "", "scope": "read", "expires": "90"}, 422),
                ({}, 422),
            ]:
                answer = await browser.post("/account/tokens", **fields)
                assert answer.status_code == status, fields
                assert "tt_" not in answer.text
            for other in (str(who.token_id), "0", "x", "9" * 30):
                assert (
                    await bens.post("/account/tokens/revoke", token_id=other)
                ).status_code == 404
            await browser.post("/account/tokens/revoke", token_id=str(who.token_id))
            assert (await identify(lab.app.accounts, token=secret)).how is How.NOBODY

    asyncio.run(main())


# --- admins ---------------------------------------------------------------------------------------


async def with_admin(lab: Lab) -> None:
    await lab.user("ana", Role.ADMIN)


def test_admins_manage_users(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser, lab.browser() as bens:
            await with_admin(lab)
            await browser.log_in("ana")
            made = await browser.post("/settings/users", name="Ben", role="operator")
            (secret,) = set(re.findall(r"<code>([0-9a-f]{32})</code>", made.text))
            await bens.log_in("ben", secret)
            ben = await lab.app.store.user("ben")
            to = f"/settings/users/{ben.user_id}"
            page = (await browser.get("/settings/users")).text
            assert secret not in page
            assert "2 users may log in." in text_of(page)
            # Another role: the session is over, the next one has it.
            await browser.post(to, role="viewer")
            assert (await bens.get("/")).status_code == 303
            await bens.log_in("ben", secret)
            await browser.post(f"{to}/logout")
            assert (await bens.get("/")).status_code == 303
            renewed = await browser.post(f"{to}/password")
            (fresh,) = set(re.findall(r"<code>([0-9a-f]{32})</code>", renewed.text))
            assert fresh != secret
            await bens.log_in("ben", fresh)
            assert (await browser.post(f"{to}/remove", confirm="bem")).status_code == 422
            assert (await bens.get("/")).status_code == 200
            await browser.post(f"{to}/remove", confirm=" BEN ")
            assert (await bens.get("/")).status_code == 303
            page = text_of((await browser.get("/settings/users")).text)
            assert "User removed: ben by ana" in page

    asyncio.run(main())


def test_what_an_admin_cannot_do_is_said(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await with_admin(lab)
            await browser.log_in("ana")
            own = f"/settings/users/{(await lab.app.store.user('ana')).user_id}"
            for path, fields, status, said in [
                ("/settings/users", {"name": "ana", "role": "viewer"}, 409, "already"),
                ("/settings/users", {"name": "b n", "role": "viewer"}, 422, "user name"),
                ("/settings/users", {"name": "ben", "role": "boss"}, 422, "Choose a role"),
                ("/settings/users", {"name": "ben", "role": "viewer", "password": "password123"},
                 422, "everybody tries"),
                (own, {"role": "viewer"}, 409, "last admin"),
                (f"{own}/remove", {"confirm": "ana"}, 409, "last admin"),
                (f"{own}/password", {}, 422, "under Account"),
                ("/settings/users/77", {"role": "viewer"}, 404, "no such user"),
                (f"/settings/users/{'9' * 40}", {"role": "viewer"}, 404, "no such user"),
                ("/settings/users/x/remove", {"confirm": "x"}, 404, "no such user"),
                ("/settings/tokens/x/revoke", {}, 404, "no such token"),
                (f"/settings/tokens/{'9' * 40}/revoke", {}, 404, "no such token"),
                ("/settings/tokens", {"name": "x", "scope": "read", "expires": "1"}, 422, "Choose"),
            ]:  # fmt: skip
                answer = await browser.post(path, **fields)
                assert (answer.status_code, said in text_of(answer.text)) == (status, True), path
            assert [u.name for u in await lab.app.store.users()] == ["ana"]
            assert (await browser.get("/account")).status_code == 200

    asyncio.run(main())


def test_admins_manage_all_tokens(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await with_admin(lab)
            ben = await lab.user("ben", Role.VIEWER)
            bens = await lab.token(Scope.READ, ben)
            await browser.log_in("ana")
            made = await browser.post("/settings/tokens", name="Nightly", scope="admin", expires="")
            (secret,) = set(re.findall(r"tt_[0-9a-f]{32}", made.text))
            who = await identify(lab.app.accounts, token=secret)
            assert (who.user_id, who.scope) == (None, Scope.ADMIN)
            page = (await browser.get("/settings/tokens")).text
            assert secret not in page
            assert "the installation" in page
            bens_id = (await identify(lab.app.accounts, token=bens)).token_id
            await browser.post(f"/settings/tokens/{bens_id}/revoke")
            assert (await identify(lab.app.accounts, token=bens)).how is How.NOBODY
            assert (await identify(lab.app.accounts, token=secret)).how is How.TOKEN

    asyncio.run(main())


def test_the_first_page_speaks_of_what_is_new_to_its_reader(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await with_admin(lab)
            await browser.log_in("ana")
            assert "(24 h ago)" in (await browser.get("/")).text
            lab.clock.advance(timedelta(hours=5))
            for _ in range(3):
                assert "(5 h ago)" in text_of((await browser.get("/")).text)

    asyncio.run(main())
