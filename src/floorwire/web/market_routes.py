"""HTTP routes of what the market is now: time, instruments, tickers and books.

A real exchange streams a symbol only while somebody wants it. So a question for one that nobody follows lets
it be streamed for a while, and waits for the first state. The answer says by ``feed`` whether it is current.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from msgspec import UNSET

from floorwire.core.authorization import Action
from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument
from floorwire.core.refusal import Refusal
from floorwire.core.symbols import normalize_symbol
from floorwire.hub.market_state import MarketState
from floorwire.hub.subscription_replies import symbol_row
from floorwire.protocol.channel_events import AnyEvent, BookEvent, Ticker
from floorwire.protocol.cost_budget import STATE_US, SYMBOL_US
from floorwire.protocol.market_replies import BookReply, ServerTime, SymbolPage, TickerList, TickerRow
from floorwire.protocol.topic_names import TopicName
from floorwire.web.auth_context import AUTH_SCHEME, RequestAuth
from floorwire.web.http_content import respond
from floorwire.web.market_read import Market, MarketRead, Symbol
from floorwire.web.openapi_schemas import gives
from floorwire.web.request_fields import CHECK_QUERY, PlainInteger

MAX_SYMBOLS: Final = 1_000
"""The most instruments of one answer."""
MAX_NAMED: Final = 50
"""The most symbols whose tickers one request may name."""
LOOKED_AT_ONCE: Final = 500
"""So many instruments are compared with a filter in one turn of the event loop."""
FIRST_STATE_S: Final = 5.0
"""So long a request waits for the first state of a symbol."""
LOOK_S: Final = 0.05
"""So often it looks meanwhile."""

router = APIRouter(prefix="/api/v1", tags=["market"], dependencies=[AUTH_SCHEME, CHECK_QUERY])


@router.get("/time", responses=gives(ServerTime))
async def read_time(auth: RequestAuth, request: Request) -> Response:
    """Return the server's clock. No key is needed."""
    return respond(request.headers, ServerTime(ts=auth.gateway.clock.wall_us()), "none")


@router.get("/symbols", responses=gives(SymbolPage))
async def list_symbols(
    market: Market,
    auth: RequestAuth,
    venue: Annotated[str | None, Query(max_length=64)] = None,
    text: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
    after: Symbol | None = None,
    limit: Annotated[PlainInteger, Query(ge=1, le=MAX_SYMBOLS)] = MAX_SYMBOLS,
) -> Response:
    """List the instruments, and what their venues can give.

    ``venue``: those of one venue. ``text``: those that have it in their name, in any way to write it.
    """
    market.require(Action.SYMBOLS)
    state, halted = market.hub.market, auth.gateway.desk.halted_symbols()
    wanted = None if text is None else normalize_symbol(text)
    found: list[Instrument] = []
    for count, instrument in enumerate(_after(state, after), 1):
        if count % LOOKED_AT_ONCE == 0:
            await market.wait_turn()
        if venue is not None and instrument.venue != venue:
            continue
        if wanted is not None and wanted not in normalize_symbol(state.names.shown(instrument.symbol)):
            continue
        if market.principal.sees(instrument.symbol):
            found.append(instrument)
            if len(found) > limit:
                break
    rows = await market.rows(found[:limit], lambda instrument: symbol_row(state, instrument, halted))
    seen = {row.venue for row in rows}
    page = SymbolPage(
        symbols=rows,
        venues=[row for row in market.hub.venue_rows if row.venue in seen],
        next=rows[-1].symbol if len(found) > limit else UNSET,
    )
    return market.answer(page, "open")


def _after(state: MarketState, symbol: str | None) -> list[Instrument]:
    """Return the instruments that were listed after this one. Raises Refusal (unknown_symbol)."""
    instruments = list(state.symbols)
    if symbol is None:
        return instruments
    last = state.symbols.resolve(symbol)
    if last is None:
        raise Refusal(Code.UNKNOWN_SYMBOL, f"after: {symbol!r} names no instrument, or more than one")
    return instruments[instruments.index(last) + 1 :]


@router.get("/ticker", responses=gives(TickerList))
async def list_tickers(
    market: Market,
    symbol: Symbol | None = None,
    symbols: Annotated[str | None, Query(min_length=1, max_length=2_000)] = None,
    venue: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Return the tickers of a symbol, of several (with commas between), of a venue, or of all venues.

    Symbols that are named are streamed from now on, if they were not, and their first state is waited for. Of
    a venue or of all, only those come of which something is known; ``feed`` says whether that is current.
    """
    if sum(given is not None for given in (symbol, symbols, venue)) > 1:
        raise Refusal(Code.BAD_REQUEST, "symbol, symbols, venue: give one", {"field": "symbol"})
    if symbol is None and symbols is None:
        return await _all_tickers(market, venue)
    named = [symbol] if symbol is not None else str(symbols).split(",")
    if len(named) > MAX_NAMED:
        raise Refusal(Code.BAD_REQUEST, f"symbols: {MAX_NAMED} at most", {"field": "symbols"})
    topics = [market.choose("ticker", name).topic for name in named]
    states = await _current(market, topics)
    return market.answer(TickerList(tickers=[_ticker(market, *state) for state in states]), "none")


@router.get("/book", responses=gives(BookReply))
async def read_book(
    market: Market, symbol: Symbol, depth: Annotated[PlainInteger, Query(ge=1, le=500)] = 10
) -> Response:
    """Return the best levels of a book. ``depth``: one that the channel ``book`` has."""
    topic = market.choose("book", symbol, depth).topic
    [(_, state)] = await _current(market, [topic])
    assert isinstance(state, BookEvent)
    assert topic.symbol is not None
    book = BookReply(
        symbol=state.symbol,
        feed=market.hub.market.feed(topic.symbol),
        ts=state.ts,
        depth=state.depth,
        bids=state.bids,
        asks=state.asks,
        checksum=state.checksum,
    )
    return market.answer(book, "none")


async def _current(market: MarketRead, topics: Iterable[TopicName]) -> list[tuple[TopicName, AnyEvent]]:
    """Return the states of topics. If some are only coming, wait for these together.

    Raises Refusal if one has not come in time.
    """
    hub, loop = market.hub, asyncio.get_running_loop()
    states, end_s = [], loop.time() + FIRST_STATE_S
    for topic in topics:
        hub.want(topic)
        while (state := hub.state(topic)) is None or _is_coming(market, topic):
            market.charge(SYMBOL_US)
            if loop.time() >= end_s:
                break
            await asyncio.sleep(LOOK_S)
        market.charge(STATE_US)
        if state is None:
            shown = hub.market.shown(topic.symbol)
            raise Refusal(Code.VENUE_UNAVAILABLE, f"{shown}: nothing came of the {topic.channel} yet")
        states.append((topic, state))
    return states


def _is_coming(market: MarketRead, topic: TopicName) -> bool:
    """Return whether the venue was asked for the symbol and has not sent it yet."""
    state = market.hub.market
    instrument = state.states[topic.symbol].instrument
    is_closed = instrument is not None and instrument.state == "closed"
    return state.feed(topic.symbol) == "connecting" and not is_closed


async def _all_tickers(market: MarketRead, venue: str | None) -> Response:
    market.require(Action.SUBSCRIBE)
    state = market.hub.market
    if venue is not None:
        state.choose_venue("ticker", venue, None, None)  # raises Refusal if there is none
    tickers: list[TickerRow] = []
    topics = [
        TopicName("ticker", instrument.symbol, None)
        for instrument in state.symbols
        if (venue is None or instrument.venue == venue) and market.principal.sees(instrument.symbol)
    ]

    def row(topic: TopicName) -> TickerRow | None:
        ticker = market.hub.state(topic)
        return None if ticker is None else _ticker(market, topic, ticker)

    rows = await market.rows(topics, row)
    tickers = [ticker for ticker in rows if ticker is not None]
    return market.answer(TickerList(tickers=tickers), "none")


def _ticker(market: MarketRead, topic: TopicName, state: AnyEvent) -> TickerRow:
    assert isinstance(state, Ticker)
    return TickerRow(
        symbol=state.symbol,
        feed=market.hub.market.feed(topic.symbol),
        ts=state.ts,
        bid=state.bid,
        bid_size=state.bid_size,
        ask=state.ask,
        ask_size=state.ask_size,
        last=state.last,
        last_size=state.last_size,
        open=state.open,
        high=state.high,
        low=state.low,
        volume=state.volume,
        quote_volume=state.quote_volume,
        change=state.change,
    )
