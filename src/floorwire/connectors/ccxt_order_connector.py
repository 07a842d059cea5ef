"""Runs ccxt for the order adapter of its exchanges: each request of the adapter is one call of a method.

The link is the account: it is up once the exchange has told the balances, and while calls succeed. Where ccxt
streams orders, it carries them. Nothing is called twice: ccxt repeats a request only if its option
``maxRetriesOnFailure`` says so, and that is 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Protocol

import msgspec
import structlog

from floorwire.connectors import ccxt_order_messages as messages
from floorwire.connectors.ccxt_exchange import CcxtOrderExchange
from floorwire.connectors.input_queue import InputQueue
from floorwire.connectors.owned_tasks import OwnedTasks
from floorwire.core.ports import Answer, Close, Closed, Fetch, Frame, Open, Opened, Send, VenueInput
from floorwire.core.venue_traffic import VenueTraffic
from floorwire.venues.ccxt.order_messages import (
    OK,
    REFUSED,
    Call,
    CancelCall,
    CreateOrder,
    EditCall,
    FetchBalance,
    FetchList,
    FetchOrder,
    SignedInFrame,
)

WATCH: Final = "watchOrders"
MOST_FAILURES: Final = 3
"""So many calls without an answer in a row end the link: the exchange cannot be reached."""
MAX_UNREAD: Final = 1_000
"""Inputs that wait. One more ends the link."""
UNUSABLE: Final = (TypeError, ValueError, KeyError, IndexError, ArithmeticError)

log = structlog.get_logger("floorwire.venues")
_calls: msgspec.json.Decoder[Call] = msgspec.json.Decoder(Call)


class MakesCcxtOrderExchange(Protocol):
    """Makes a new object of ccxt with the key of the account."""

    def __call__(self) -> CcxtOrderExchange: ...


class CcxtOrderConnector:
    """All that runs of ccxt for the orders of one venue. It owns the tasks; ``close`` ends them."""

    def __init__(self, venue: str, make_exchange: MakesCcxtOrderExchange, secrets: Iterable[str]) -> None:
        """``secrets``: never in what is passed on of an error."""
        self.traffic = VenueTraffic()
        self._venue = venue
        self._make_exchange = make_exchange
        self._secrets = tuple(secrets)
        self._exchange: CcxtOrderExchange | None = None
        self._link: str | None = None
        self._account: asyncio.Task[None] | None = None
        """Signs in, and reads the stream."""
        self._failures = 0
        self._inputs: InputQueue[VenueInput] = InputQueue()
        """Bounded by MAX_UNREAD, and the adapter's own requests."""
        self._tasks = OwnedTasks(venue)
        """The account, and calls."""
        self._closing = OwnedTasks(venue)
        """Close what former exchange objects have open. They are not cancelled."""

    def start(self, on_input: Callable[[], None], _on_frame: Callable[[Frame], bool] | None = None) -> None:
        """Call this whenever an input was queued, from now on."""
        self._inputs.start(on_input)

    def reset(self) -> None:
        """End everything in the background, and forget what waits: the adapter starts anew."""
        if self._link is not None:
            self._down("the venue starts again or stops")
        self._tasks.cancel()
        self._inputs.waiting.clear()
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._closing.start(_close(exchange))

    async def close(self) -> None:
        """End everything, and wait for that."""
        self._inputs.stop()
        self.reset()
        await self._tasks.wait()
        await self._closing.wait()

    def next_input(self) -> VenueInput | None:
        """Return what happened next; None if nothing waits."""
        return self._inputs.waiting.popleft() if self._inputs.waiting else None

    def carry_out(self, effect: Open | Send | Close | Fetch) -> None:
        """Begin to do what the adapter asks for."""
        match effect:
            case Open(link):
                self._link, self._failures = link, 0
                self.traffic.link(link).state = "opening"
                self._account = self._tasks.start(self._follow(link))
            case Close(link, reason):
                if self._link == link:
                    self._down(reason)
                self._inputs.put(Closed(link, reason))
            case Fetch():
                self.traffic.requested += 1
                self._tasks.start(self._answer(effect))
            case Send():
                raise NotImplementedError("ccxt sends by itself")

    # --- the account --------------------------------------------------------------------------------

    async def _follow(self, link: str) -> None:
        """Sign in, then tell the orders that change."""
        try:
            exchange = self._made()
            await exchange.load_markets()
            await exchange.fetch_balance()
            traffic = self.traffic.link(link)
            traffic.state = "up"
            traffic.opened += 1
            log.info("link up", venue=self._venue, link=link, times=traffic.opened)
            self._inputs.put(Opened(link))
            self._inputs.put(Frame(link, msgspec.json.encode(SignedInFrame())))
            while exchange.has.get(WATCH) is True:
                frame = messages.orders_frame(await exchange.watch_orders())
                traffic.frames += 1
                traffic.bytes += len(frame)
                self._inputs.put(Frame(link, frame))
                if len(self._inputs.waiting) > MAX_UNREAD:
                    self._lost(link, "too much waits to be read")
        except Exception as error:  # noqa: BLE001 - of ccxt, or of any library below it
            self._lost(link, type(error).__name__)

    def _lost(self, link: str, reason: str) -> None:
        """The link is down by itself."""
        if self._link == link:
            self._down(reason)
            self._inputs.put(Closed(link, reason))

    def _down(self, reason: str) -> None:
        assert self._link is not None, "there is a link"
        traffic = self.traffic.link(self._link)
        traffic.state, traffic.last_reason = "down", reason
        log.info("link down", venue=self._venue, link=self._link, reason=reason)
        self._link = None
        account, self._account = self._account, None
        if account is not None:
            account.cancel()

    # --- calls --------------------------------------------------------------------------------------

    async def _answer(self, fetch: Fetch) -> None:
        status, body = 0, b""
        try:
            async with asyncio.timeout(fetch.timeout_us / 1_000_000):
                body = await _called(self._made(), _calls.decode(fetch.body))
            status = OK
        except asyncio.CancelledError:
            if self._exchange is None:
                raise
        except UNUSABLE as error:
            log.warning("an answer cannot be read", venue=self._venue, reason=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - of ccxt, or of any library below it
            found = messages.failure(error, self._secrets)
            if found is not None:
                status, body = REFUSED, found
            log.info("call failed", venue=self._venue, reason=type(error).__name__)
        self.traffic.answered(status)
        self._inputs.put(Answer(fetch.request, status, body))
        self._failures = 0 if status else self._failures + 1
        if self._failures >= MOST_FAILURES and self._link is not None:
            self._lost(self._link, "calls are not answered")

    def _made(self) -> CcxtOrderExchange:
        if self._exchange is None:
            self._exchange = self._make_exchange()
        return self._exchange


async def _called(exchange: CcxtOrderExchange, call: Call) -> bytes:
    """Make the call, once. ccxt takes floats; the adapter has looked that they are exact."""
    match call:
        case CreateOrder() | EditCall() | CancelCall():
            return messages.order(await _changed(exchange, call))
        case FetchOrder(order_id, symbol):
            return messages.order(await exchange.fetch_order(order_id, symbol))
        case FetchList("fetchMyTrades", symbol, since_ms, limit):
            return messages.executions(await exchange.fetch_my_trades(symbol, since_ms, limit))
        case FetchList(name, symbol, since_ms, limit):
            fetch = {
                "fetchOpenOrders": exchange.fetch_open_orders,
                "fetchOrders": exchange.fetch_orders,
                "fetchClosedOrders": exchange.fetch_closed_orders,
                "fetchCanceledOrders": exchange.fetch_canceled_orders,
            }[name]
            return messages.orders(await fetch(symbol, since_ms, limit))
        case FetchBalance():
            return messages.balances(await exchange.fetch_balance())


async def _changed(exchange: CcxtOrderExchange, call: CreateOrder | EditCall | CancelCall) -> object:
    """Place, amend or cancel an order; return what ccxt says of it."""
    match call:
        case CreateOrder(symbol, side, amount, price, params):
            return await exchange.create_order(symbol, "limit", side, float(amount), float(price), params)
        case EditCall(order_id, symbol, amount, price):
            # no side: those that keep the order need none
            return await exchange.edit_order(order_id, symbol, "limit", None, float(amount), float(price))
        case CancelCall(order_id, symbol):
            await exchange.cancel_order(order_id, symbol)
            return {"id": order_id}


async def _close(exchange: CcxtOrderExchange) -> None:
    with suppress(Exception):  # nothing is left to do with it
        await exchange.close()
