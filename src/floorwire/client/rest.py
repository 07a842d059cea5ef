"""The HTTP API: what is now, and everything of the past, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import UNSET

from floorwire.client.address import Address
from floorwire.client.errors import RequestRefusedError, UnreachableError
from floorwire.client.table import Table
from floorwire.client.transport import HttpAnswer, Transport
from floorwire.protocol.account_rows import BalanceRow, FillRow, LedgerRow, OrderRow, PositionRow
from floorwire.protocol.market_replies import (
    BookReply,
    CandleList,
    CandleRow,
    HoleRow,
    ServerTime,
    SymbolPage,
    TickerList,
    TickerRow,
    TradeList,
    TradeRow,
)
from floorwire.protocol.replies import (
    AccountReply,
    BalanceList,
    Error,
    FillList,
    LedgerList,
    OrderError,
    OrderList,
    OrderReply,
    PositionList,
    SymbolRow,
    VenueRow,
)
from floorwire.protocol.trading_requests import OrderFilter

When: TypeAlias = datetime | int
"""A date: with its time zone, or in microseconds since the epoch, UTC."""
TIMEOUT_S: Final = 30.0
TRIES: Final = 4
"""How often it asks where the server says that the same may work later."""
WAIT_S: Final = 0.5
PAGE: Final = 1_000
"""The most rows of one answer."""
LAST: Final = 500
"""How many rows a list has where nothing else is said."""
OK: Final = range(200, 300)
AnswerT = TypeVar("AnswerT")
PageT = TypeVar("PageT", bound=OrderList | FillList | LedgerList)
RowT = TypeVar("RowT", bound=msgspec.Struct)
Query: TypeAlias = dict[str, str | int | None]


class Rest:
    """Asks one gateway over HTTP. Everything here only reads, so it is asked again where that may help."""

    def __init__(
        self, address: Address, transport: Transport, headers: Callable[[], Mapping[str, str]]
    ) -> None:
        self._address = address
        self._transport = transport
        self._headers = headers

    # --- what is now -------------------------------------------------------------------------------------

    async def time(self) -> int:
        """Return the server's date, in microseconds since the epoch, UTC."""
        return (await self._ask("/time", ServerTime)).ts

    async def symbols(self, venue: str | None = None, text: str | None = None) -> Table[SymbolRow]:
        """Return the instruments: all, of one venue, or with this text in their name."""
        rows: list[SymbolRow] = []
        after: str | None = None
        while True:
            page = await self._ask("/symbols", SymbolPage, venue=venue, text=text, after=after, limit=PAGE)
            rows += page.symbols
            if page.next is UNSET:
                return Table(rows, SymbolRow)
            after = page.next

    async def venues(self) -> Table[VenueRow]:
        """Return the venues: what each can give, and whether its orders are paper or live."""
        return Table((await self._ask("/symbols", SymbolPage, limit=PAGE)).venues, VenueRow)

    async def tickers(self, *symbols: str, venue: str | None = None) -> Table[TickerRow]:
        """Return the tickers of these symbols, of a venue, or all."""
        answer = await self._ask("/ticker", TickerList, symbols=",".join(symbols) or None, venue=venue)
        return Table(answer.tickers, TickerRow)

    async def book(self, symbol: str, depth: int = 10) -> BookReply:
        """Return the best levels of a book."""
        return await self._ask("/book", BookReply, symbol=symbol, depth=depth)

    async def balances(self) -> Table[BalanceRow]:
        """Return what the account has."""
        return Table((await self._ask("/balances", BalanceList)).balances, BalanceRow)

    async def positions(self) -> Table[PositionRow]:
        """Return what the account holds of each instrument."""
        return Table((await self._ask("/positions", PositionList)).positions, PositionRow)

    async def account(self, currency: str | None = None, days: int = 30) -> AccountReply:
        """Return what the account is worth, its profit, and its latest days."""
        return await self._ask("/account", AccountReply, currency=currency, days=days)

    async def order(self, order_id: str) -> OrderRow:
        """Return an order by the server's id."""
        return (await self._ask(f"/orders/{quote(order_id, safe='')}", OrderReply)).order

    # --- the past ----------------------------------------------------------------------------------------

    async def candles(
        self,
        symbol: str,
        interval: str = "1m",
        *,
        start: When | None = None,
        end: When | None = None,
        limit: int = LAST,
    ) -> Table[CandleRow]:
        """Return the latest candles that begin from ``start`` on and before ``end``, the oldest first."""
        rows: list[CandleRow] = []
        holes: list[HoleRow] = []
        to = _us(end)
        while True:
            size = min(limit - len(rows), PAGE)
            page = await self._ask(
                "/candles",
                CandleList,
                symbol=symbol,
                interval=interval,
                limit=size,
                **{"from": _us(start), "to": to},
            )
            rows, holes = page.candles + rows, page.holes + holes
            if page.next is UNSET or len(rows) >= limit:
                return Table(rows, CandleRow, _distinct(holes), is_complete=page.next is UNSET)
            to = page.next

    async def trades(
        self, symbol: str, *, start: When | None = None, end: When | None = None, limit: int = LAST
    ) -> Table[TradeRow]:
        """Return the latest trades from ``start`` on and before ``end``, the oldest first."""
        rows: list[TradeRow] = []
        holes: list[HoleRow] = []
        before: str | None = None
        while True:
            size = min(limit - len(rows), PAGE)
            page = await self._ask(
                "/trades",
                TradeList,
                symbol=symbol,
                limit=size,
                before=before,
                **{"from": _us(start), "to": _us(end)},
            )
            rows, holes = rows + page.trades, holes + page.holes
            if page.next is UNSET or len(rows) >= limit:
                return Table(rows[::-1], TradeRow, _distinct(holes), is_complete=page.next is UNSET)
            before = page.next

    async def orders(
        self,
        symbol: str | None = None,
        *,
        state: OrderFilter = "open",
        start: When | None = None,
        end: When | None = None,
        limit: int = LAST,
    ) -> Table[OrderRow]:
        """Return orders, the oldest first: open ones, or with ``state`` the latest of these."""
        if state == "open":
            asked: Query = {"symbol": symbol}
            rows, is_complete = await self._pages("/orders", OrderList, _orders, asked, limit, "after")
            return Table(rows, OrderRow, is_complete=is_complete)
        asked = _times(start, end, symbol=symbol, state=state)
        return await self._latest("/orders", OrderList, OrderRow, _orders, asked, limit)

    async def fills(
        self,
        symbol: str | None = None,
        *,
        start: When | None = None,
        end: When | None = None,
        limit: int = LAST,
    ) -> Table[FillRow]:
        """Return the latest fills, the oldest first."""
        asked = _times(start, end, symbol=symbol)
        return await self._latest("/fills", FillList, FillRow, lambda page: page.fills, asked, limit)

    async def ledger(
        self,
        asset: str | None = None,
        *,
        start: When | None = None,
        end: When | None = None,
        limit: int = LAST,
    ) -> Table[LedgerRow]:
        """Return the latest changes of balances, the oldest first."""
        asked = _times(start, end, asset=asset)
        return await self._latest("/ledger", LedgerList, LedgerRow, lambda page: page.entries, asked, limit)

    async def _latest(
        self,
        path: str,
        kind: type[PageT],
        row_kind: type[RowT],
        rows_of: Callable[[PageT], list[RowT]],
        asked: Query,
        limit: int,
    ) -> Table[RowT]:
        """Return the latest rows, the oldest first, of what the server tells newest first."""
        rows, is_complete = await self._pages(path, kind, rows_of, asked, limit, "before")
        return Table(rows[::-1], row_kind, is_complete=is_complete)

    async def _pages(
        self,
        path: str,
        kind: type[PageT],
        rows_of: Callable[[PageT], list[RowT]],
        asked: Query,
        limit: int,
        cursor: Literal["before", "after"],
    ) -> tuple[list[RowT], bool]:
        """Return the rows of as many pages as it needs, and whether there are no more."""
        rows: list[RowT] = []
        at: str | None = None
        while True:
            page = await self._ask(path, kind, **asked, limit=min(limit - len(rows), PAGE), **{cursor: at})
            rows += rows_of(page)
            if page.next is UNSET or len(rows) >= limit:
                return rows, page.next is UNSET
            at = page.next

    async def _ask(self, path: str, kind: type[AnswerT], **query: str | int | None) -> AnswerT:
        """Return the answer. Raises RequestRefusedError, UnreachableError."""
        given = urlencode({name: value for name, value in query.items() if value is not None})
        url = f"{self._address.api_url}{path}" + (f"?{given}" if given else "")
        for _ in range(TRIES - 1):
            try:
                return _decoded(await self._transport.request(url, self._headers(), TIMEOUT_S), kind, url)
            except RequestRefusedError as error:
                if not error.retry:
                    raise
                await asyncio.sleep(max(WAIT_S, error.retry_after_ms / 1_000))
            except UnreachableError:
                await asyncio.sleep(WAIT_S)
        return _decoded(await self._transport.request(url, self._headers(), TIMEOUT_S), kind, url)


def _decoded(answer: HttpAnswer, kind: type[AnswerT], url: str) -> AnswerT:
    if answer.status == 0:
        raise UnreachableError(answer.body.decode(errors="replace"), url)
    try:
        if answer.status in OK:
            return msgspec.json.decode(answer.body, type=kind)
        raise RequestRefusedError(_error(answer.body))
    except msgspec.MsgspecError:
        raise UnreachableError(f"answers {answer.status}, and not as Floorwire does", url) from None


def _error(body: bytes) -> Error:
    try:
        return msgspec.json.decode(body, type=OrderError)
    except msgspec.ValidationError:
        return msgspec.json.decode(body, type=Error)


def _orders(page: OrderList) -> list[OrderRow]:
    return page.orders


def _us(date: When | None) -> int | None:
    if isinstance(date, datetime):
        if date.tzinfo is None:
            raise ValueError(f"{date} has no time zone")
        return round(date.timestamp() * 1e6)
    return date


def _times(start: When | None, end: When | None, **query: str | None) -> Query:
    return {**query, "from": _us(start), "to": _us(end)}


def _distinct(holes: Sequence[HoleRow]) -> list[HoleRow]:
    """Return the holes once each, the earliest first: two pages may tell of the same one."""
    return sorted({(hole.first, hole.reason): hole for hole in holes}.values(), key=lambda hole: hole.first)
