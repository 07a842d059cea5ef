"""``floorwire watch``: prices of a gateway in the terminal."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Annotated

import msgspec
import typer
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from rich.console import Console
from rich.live import Live
from rich.table import Table

from floorwire.protocol.channel_events import Ticker
from floorwire.protocol.requests import Subscribe, Symbols

REFRESH_PER_SECOND = 8
RETRY_S = 1.0
COLUMNS = ("symbol", "bid", "ask", "last", "change", "volume")


class _Row(msgspec.Struct):
    symbol: str


class _Message(msgspec.Struct):
    """As much of any message as watching needs."""

    status: str = ""
    channel: str = ""
    code: str = ""
    message: str = ""
    symbols: list[_Row | str] = []


class Watcher(WSListener):
    """Keeps the latest ticker of each symbol."""

    def __init__(self, symbols: list[str]) -> None:
        self.tickers: dict[str, Ticker] = {}
        self.problem = ""
        self.lag_us = 0
        self._wanted = symbols

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Ask for the symbols that were named, or for the list of all."""
        if self._wanted:
            self._subscribe(transport, self._wanted)
        else:
            transport.send(WSMsgType.TEXT, msgspec.json.encode(Symbols()))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take in one message."""
        if frame.msg_type != WSMsgType.TEXT:
            return
        data = frame.get_payload_as_bytes()
        message = msgspec.json.decode(data, type=_Message)
        if message.channel == "ticker" and not message.status:
            ticker = msgspec.json.decode(data, type=Ticker)
            self.tickers[ticker.symbol] = ticker
            self.lag_us = time.time_ns() // 1000 - ticker.sent
        elif message.status == "error":
            self.problem = f"{message.code}: {message.message}"
        elif message.status == "ok":
            self._subscribe(transport, [row.symbol for row in message.symbols if isinstance(row, _Row)])

    def table(self, url: str) -> Table:
        """Return what is known as a table."""
        table = Table(title=url, caption=self.problem or f"{self.lag_us} us from the gateway to here")
        for column in COLUMNS:
            table.add_column(column, no_wrap=True, justify="left" if column == "symbol" else "right")
        for ticker in self.tickers.values():
            table.add_row(*(str(getattr(ticker, column) or "") for column in COLUMNS))
        return table

    @staticmethod
    def _subscribe(transport: WSTransport, symbols: list[str]) -> None:
        request = Subscribe(channel="ticker", symbols=tuple(symbols))
        transport.send(WSMsgType.TEXT, msgspec.json.encode(request))


def watch(
    symbols: Annotated[list[str] | None, typer.Argument(help="Symbols; all where none is named.")] = None,
    url: Annotated[str, typer.Option(help="A gateway's WebSocket.")] = "ws://127.0.0.1:8000/ws",
    seconds: Annotated[float, typer.Option(help="Stop after this long; 0: at Ctrl-C.")] = 0.0,
) -> None:
    """Show live prices; reconnects by itself."""
    try:
        asyncio.run(_watch(symbols or [], url, seconds))
    except KeyboardInterrupt:
        raise typer.Exit from None


async def _watch(symbols: list[str], url: str, seconds: float) -> None:
    watcher = Watcher(symbols)
    with Live(console=Console(), refresh_per_second=REFRESH_PER_SECOND) as live, suppress(TimeoutError):
        async with asyncio.timeout(seconds or None), asyncio.TaskGroup() as tasks:
            tasks.create_task(_connect(watcher, url))
            while True:
                live.update(watcher.table(url))
                await asyncio.sleep(1 / REFRESH_PER_SECOND)


async def _connect(watcher: Watcher, url: str) -> None:
    while True:
        try:
            transport, _ = await ws_connect(lambda: watcher, url)
            watcher.problem = ""
            await transport.wait_disconnected()
            watcher.problem = "disconnected"
        except (OSError, WSError) as error:
            watcher.problem = f"no answer: {error}"
        await asyncio.sleep(RETRY_S)
