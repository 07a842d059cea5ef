"""A request that reads market data: what it may read, what it is charged, and its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec
from fastapi import Depends, Query, Request, Response

from floorwire.auth.client_address import network_of
from floorwire.core.authorization import Action, Principal, decide
from floorwire.core.codes import Code
from floorwire.core.market_history import HistoryUnavailableError
from floorwire.core.refusal import Refusal
from floorwire.hub.hub import Hub
from floorwire.protocol.cost_budget import KIB_US, REQUEST_US, ROW_US
from floorwire.protocol.topic_names import TopicChoice
from floorwire.web.auth_context import RequestAuth
from floorwire.web.http_content import Cache, respond

ROWS_AT_ONCE: Final = 100
"""So many rows are made in one turn of the event loop."""
ROWS_US: Final = 500
"""What these take, at most."""

Source = TypeVar("Source")
RowT = TypeVar("RowT")


class MarketRead:
    """One such request. It is charged to the budget of its key or address, as the WebSocket's are.

    Raises Refusal if that is spent.
    """

    def __init__(self, auth: RequestAuth, request: Request) -> None:
        self.hub: Hub = auth.gateway.hub
        self.history = auth.gateway.history
        self.principal: Principal = auth.principal
        self._auth = auth
        self.headers = request.headers
        self._owner = auth.principal.key or network_of(auth.address)
        self._budget = self.hub.budgets.of(self._owner, self.hub.now_us())
        wait_us = self._budget.wait_us(self.hub.now_us())
        if wait_us:
            raise Refusal(Code.RATE_LIMITED, "this client's requests made too much work", wait_us=wait_us)
        self.charge(REQUEST_US)

    def charge(self, cost_us: int) -> None:
        """Charge for work."""
        self._budget.charge(cost_us, self.hub.now_us())

    def require(self, action: Action) -> None:
        """Raise Refusal if the principal may not do this."""
        self._auth.require(action)

    def choose(
        self, channel: str, symbol: str, depth: int | None = None, interval: str | None = None
    ) -> TopicChoice:
        """Return the topic, if the principal may read it. Raises Refusal."""
        self.require(Action.SUBSCRIBE)
        choice = self.hub.market.choose(channel, symbol, depth, interval)
        wall_us = self._auth.gateway.clock.wall_us()
        refusal = decide(
            self.principal, Action.SUBSCRIBE, wall_us, symbol=choice.topic.symbol, shown=choice.asked
        )
        self._auth.require_none(Action.SUBSCRIBE, refusal)
        return choice

    async def wait_turn(self) -> None:
        """Return in this client's turn, to make some more rows."""
        await self.hub.turns.wait(self._owner, ROWS_US)

    async def wait_budget(self) -> None:
        """Return when half of the budget is there: what goes on for long leaves the rest to others."""
        while True:
            wait_us = self._budget.wait_for_half_us(self.hub.now_us())
            if wait_us == 0:
                return
            await asyncio.sleep(wait_us / 1_000_000)

    async def rows(self, sources: Iterable[Source], make: Callable[[Source], RowT]) -> list[RowT]:
        """Make the rows, some in each turn of the event loop, and charge for them."""
        rows: list[RowT] = []
        for source in sources:
            if rows and len(rows) % ROWS_AT_ONCE == 0:
                await self.wait_turn()
            rows.append(make(source))
        self.charge(ROW_US * len(rows))
        return rows

    def answer(self, message: msgspec.Struct, cache: Cache) -> Response:
        """Return the answer, and charge for its size."""
        response = respond(self.headers, message, cache)
        self.charge(KIB_US * len(response.body) // 1024)
        return response


Market: TypeAlias = Annotated[MarketRead, Depends(MarketRead)]
Symbol: TypeAlias = Annotated[str, Query(min_length=1, max_length=64)]


@contextmanager
def history_errors() -> Iterator[None]:
    """Raise Refusal where market history cannot be read."""
    try:
        yield
    except HistoryUnavailableError as error:
        raise Refusal(Code.HISTORY_UNAVAILABLE, f"market history: {error}") from None
