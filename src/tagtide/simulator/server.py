"""The local API server: sockets, keys, credits, calls in flight, and a record of everything.

It speaks the data API's protocol on loopback. It is for demonstrations, tests and benchmarks; it
has no TLS and must not be reachable from outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import h11

from tagtide.ports import Clock
from tagtide.simulator.faults import FaultPlan, FaultRule, Occasion
from tagtide.simulator.protocol import (
    PLANS,
    Answered,
    Answers,
    ApiCall,
    Data,
    Endpoint,
    Refusal,
    Verbatim,
    bad_request,
    bearer_key,
    endpoint_of,
    envelope,
    error_body,
    insufficient_credits,
    not_found,
    parse_call,
    to_json,
    too_many_in_flight,
    unauthorized,
    unknown_route,
)
from tagtide.simulator.simclock import SimClock
from tagtide.simulator.wire import Conversation, Delivery, HttpRequest, Reply, RequestTooLarge

CLOCK_PATH = "/simulate/clock"
STATE_PATH = "/simulate/state"

#: Deliveries during which the provider would still count the call as in flight.
_SLOW = frozenset({Delivery.NEVER, Delivery.DRIP})


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the server saw it: the oracle of a test."""

    at: datetime
    endpoint: str
    #: Validated parameters; of a refused request whatever was sent, when it was a JSON object.
    body: dict[str, Any]
    status: int
    #: Credits taken for it.
    charged: int
    #: Name of the fault that was injected, or "".
    fault: str = ""


@dataclass(slots=True)
class _Account:
    credits: int
    used: int = 0

    def charge(self) -> int:
        taken = min(1, self.credits)
        self.credits -= taken
        self.used += taken
        return taken


class SimulatorServer:
    """The data API on a local port.

    Args:
        answers: What is said: a world, a replay, or both.
        clock: Real time; the world's time is ``sim_clock`` and can be set.
        host: Address to listen on.
        port: 0 takes a free one; read it from ``port`` after the start.
        keys: Accepted keys; None accepts any key that is not empty.
        plan: Name of a plan in `PLANS`; gives the credits and the calls in flight.
        credits: Balance at the start; None takes the plan's.
        concurrency: Calls in flight at once; None takes the plan's.
        latency: Real seconds each billed call takes.
        faults: What goes wrong, and when.
    """

    def __init__(
        self,
        answers: Answers,
        *,
        clock: Clock,
        host: str = "127.0.0.1",
        port: int = 0,
        keys: Collection[str] | None = None,
        plan: str = "project",
        credits: int | None = None,  # noqa: A002 -- the provider's word, and the flag's
        concurrency: int | None = None,
        latency: float = 0.0,
        faults: FaultPlan | None = None,
    ) -> None:
        terms = PLANS[plan]
        self.answers = answers
        self.faults = faults or FaultPlan()
        self.sim_clock = clock if isinstance(clock, SimClock) else SimClock(clock)
        self.calls: list[Call] = []
        self.concurrency = terms.concurrency if concurrency is None else concurrency
        self.latency = latency
        self.host = host
        self._port = port
        self._plan = plan
        self._keys = None if keys is None else frozenset(keys)
        self._account = _Account(terms.credits if credits is None else credits)
        self._in_flight = 0
        self._server: asyncio.Server | None = None
        self._conversations: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    # --- life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen. Raises `OSError` when the port is taken."""
        self._server = await asyncio.start_server(
            self._converse, self.host, self._port, backlog=512, limit=1 << 18
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection, at once."""
        if self._server is None:
            return
        self._server.close()
        # A connection that was accepted a moment ago becomes a conversation within four rounds of
        # the loop; without them its socket would outlive the server.
        for _ in range(4):
            await self.sim_clock.sleep(0)
        for task, writer in self._conversations.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[SimulatorServer]:
        """Start, and stop at the end of the block."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    @contextlib.contextmanager
    def run_in_thread(self) -> Iterator[SimulatorServer]:
        """Serve from a thread of its own until the end of the block, for blocking clients."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="tagtide-simulator", daemon=True)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.start(), loop).result()
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self.stop(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._port

    @property
    def url(self) -> str:
        """Base URL for a client."""
        return f"http://{self.host}:{self._port}"

    # --- what tests ask ---------------------------------------------------------------------------

    @property
    def charged(self) -> int:
        """Credits taken since the start."""
        return self._account.used

    @property
    def balance(self) -> int:
        """Credits left."""
        return self._account.credits

    @balance.setter
    def balance(self, credits_left: int) -> None:
        self._account.credits = credits_left

    def state(self) -> dict[str, Any]:
        """What ``GET /simulate/state`` says."""
        return {
            "now": _iso(self.sim_clock.now()),
            "calls": len(self.calls),
            "charged": self.charged,
            "credits": self.balance,
            "in_flight": self._in_flight,
            "plan": self._plan,
            "concurrency": self.concurrency,
        }

    # --- one connection ---------------------------------------------------------------------------

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations[task] = writer
        try:
            await self._talk(Conversation(reader, writer, self.sim_clock))
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            # Otherwise the loop can end before the socket does. A server that stops meanwhile
            # cancels what is only waiting, and asyncio prints a task that ends in that way.
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()
            del self._conversations[task]

    async def _talk(self, conversation: Conversation) -> None:
        try:
            while request := await conversation.next_request():
                reply = await self._reply_to(request)
                if not await self._deliver(conversation, reply):
                    return
        except RequestTooLarge:
            conversation.refuse(_refused(Refusal(413, error_body("too_large", "Body too large"))))
        except h11.RemoteProtocolError as error:
            status = error.error_status_hint
            conversation.refuse(_refused(Refusal(status, error_body("bad_http", "Not HTTP/1.1"))))

    async def _deliver(self, conversation: Conversation, reply: Reply) -> bool:
        held = reply.delivery in _SLOW
        self._in_flight += held
        try:
            return await conversation.send(reply)
        finally:
            self._in_flight -= held

    # --- one request ------------------------------------------------------------------------------

    async def _reply_to(self, request: HttpRequest) -> Reply:
        if request.path in {CLOCK_PATH, STATE_PATH}:
            return self._control(request)
        endpoint = endpoint_of(request.path)
        if endpoint is None:
            return _refused(unknown_route(request.path))
        expected = "GET" if endpoint is Endpoint.USAGE else "POST"
        if request.method != expected:
            body = error_body("method_not_allowed", f"Use {expected}")
            return _refused(Refusal(405, body, (("Allow", expected),)))
        call = self._accepted(endpoint, request)
        if isinstance(call, Refusal):
            return self._refuse(endpoint.value, _loose_object(request.body), call)
        rule = self._fault_for(call)
        if endpoint is Endpoint.USAGE:
            return self._usage() if rule is None else self._faulty(rule, call)
        return await self._billed(call, rule)

    def _accepted(self, endpoint: Endpoint, request: HttpRequest) -> ApiCall | Refusal:
        key = bearer_key(request.headers.get("authorization", ""))
        if key is None or (self._keys is not None and key not in self._keys):
            return unauthorized()
        if endpoint is Endpoint.USAGE:
            return ApiCall(endpoint, {})
        return parse_call(endpoint, request.body)

    def _fault_for(self, call: ApiCall) -> FaultRule | None:
        hashtag_id = call.text("hashtag_id")
        hashtag = call.text("hashtag_name") or (
            self.answers.name_of(hashtag_id) if hashtag_id else None
        )
        return self.faults.match(call, hashtag, self.sim_clock.now())

    async def _billed(self, call: ApiCall, rule: FaultRule | None) -> Reply:
        if self._in_flight >= self.concurrency:
            refusal = too_many_in_flight(self._plan, self.concurrency, self._in_flight + 1)
            return self._refuse(call.endpoint.value, dict(call.params), refusal)
        self._in_flight += 1
        try:
            if self.latency:
                await self.sim_clock.sleep(self.latency)
            if rule is not None:
                return self._faulty(rule, call)
            return self._honest(call)
        finally:
            self._in_flight -= 1

    def _out_of_credits(self, call: ApiCall) -> Reply:
        refusal = insufficient_credits(self._account.credits)
        return self._refuse(call.endpoint.value, dict(call.params), refusal)

    def _honest(self, call: ApiCall) -> Reply:
        if self._account.credits <= 0:
            return self._out_of_credits(call)
        answered = self.answers.answer(self.sim_clock.now(), call)
        charged = self._account.charge() if _is_billed(answered) else 0
        return self._recorded(call, self._worded(answered, charged), charged)

    def _faulty(self, rule: FaultRule, call: ApiCall) -> Reply:
        billable = rule.charged and call.endpoint is not Endpoint.USAGE
        if billable and self._account.credits <= 0:
            return self._out_of_credits(call)
        charged = self._account.charge() if billable else 0
        reply = rule.apply(
            Occasion(
                rule=rule,
                call=call,
                answer=self._answer_before,
                wrap=lambda answered: self._worded(answered, charged),
                credits_remaining=self._account.credits,
            )
        )
        return self._recorded(call, reply, charged, rule.fault)

    def _answer_before(self, call: ApiCall, ago: timedelta) -> Answered:
        if call.endpoint is Endpoint.USAGE:
            return Data(to_json(self._usage_body()))
        return self.answers.answer(self.sim_clock.now() - ago, call)

    def _worded(self, answered: Answered, charged: int) -> Reply:
        if isinstance(answered, Data):
            body = envelope(
                answered.json,
                response_time=max(1, round(self.latency * 1000)),
                credits_used=charged,
                credits_remaining=self._account.credits,
            )
            return Reply(200, body)
        if isinstance(answered, Verbatim):
            return self._as_recorded(answered, charged)
        return _refused(not_found())

    def _as_recorded(self, answered: Verbatim, charged: int) -> Reply:
        body = answered.body
        if not isinstance(body, bytes):
            balance = {"credits_used": charged, "credits_remaining": self._account.credits}
            body = to_json({name: balance.get(name, value) for name, value in body.items()})
        return Reply(answered.status, body, content_type=answered.content_type)

    def _recorded(self, call: ApiCall, reply: Reply, charged: int, fault: str = "") -> Reply:
        self._note(call.endpoint.value, dict(call.params), reply.status, charged, fault)
        return reply

    def _refuse(self, endpoint: str, body: dict[str, Any], refusal: Refusal) -> Reply:
        self._note(endpoint, body, refusal.status, 0, "")
        return _refused(refusal)

    def _note(
        self, endpoint: str, body: dict[str, Any], status: int, charged: int, fault: str
    ) -> None:
        self.calls.append(Call(self.sim_clock.now(), endpoint, body, status, charged, fault))

    def _usage(self) -> Reply:
        self._note(Endpoint.USAGE.value, {}, 200, 0, "")
        return Reply(200, to_json(self._usage_body()))

    def _usage_body(self) -> dict[str, Any]:
        month = self.sim_clock.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return {
            "plan": self._plan,
            "credit_balance": self._account.credits,
            "purchased_credits": 0,
            "searches_used": self._account.used,
            "period_start": _iso(month),
            "auto_recharge": {"enabled": False, "threshold": 0, "amount": 0, "cost": 0},
        }

    # --- the control endpoints, which the real API does not have ----------------------------------

    def _control(self, request: HttpRequest) -> Reply:
        if request.path == STATE_PATH and request.method == "GET":
            return Reply(200, to_json(self.state()))
        if request.path == CLOCK_PATH and request.method == "POST":
            refusal = self._set_clock(_loose_object(request.body))
            return _refused(refusal) if refusal else Reply(200, to_json(self.state()))
        return _refused(Refusal(405, error_body("method_not_allowed", "Use GET or POST")))

    def _set_clock(self, wish: dict[str, Any]) -> Refusal | None:
        try:
            if "now" in wish:
                self.sim_clock.set(_instant(wish["now"]))
            else:
                self.sim_clock.advance(timedelta(seconds=float(wish["advance_seconds"])))
        except (KeyError, TypeError, ValueError, OverflowError):
            return bad_request('Send {"now": "2026-01-31T08:00:00Z"} or {"advance_seconds": 3600}')
        return None


def _is_billed(answered: Answered) -> bool:
    if isinstance(answered, Verbatim):
        body = answered.body
        return answered.status < 300 if isinstance(body, bytes) else bool(body.get("credits_used"))
    return isinstance(answered, Data)


def _refused(refusal: Refusal) -> Reply:
    return Reply(refusal.status, to_json(refusal.body), refusal.headers)


def _loose_object(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
