"""``floorwire watch``: prices of a gateway in the terminal, or as lines in a pipe."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import ExitStack
from typing import Annotated, Final, NoReturn

import typer
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport
from rich.console import Console
from rich.live import Live

from floorwire.cli import credential
from floorwire.cli.address import AddressError, local_url, websocket
from floorwire.cli.admin_client import NOT_ALLOWED, REFUSED, UNREACHED, UNUSABLE, Ca, Json
from floorwire.cli.credential import CredentialError
from floorwire.cli.output import echo
from floorwire.cli.price_server import PriceServer, WatchError, is_refusal, unreached
from floorwire.cli.prices import REFRESH_PER_SECOND, LinePrices, PriceDisplay, TablePrices, is_terminal
from floorwire.core.os_errors import reason
from floorwire.core.printable import printable
from floorwire.protocol.channel_events import Ticker
from floorwire.protocol.client_codec import CLIENT_JSON, UnknownMessageError
from floorwire.protocol.replies import Error, SymbolList
from floorwire.protocol.requests import Subscribe, Symbols

RETRY_S: Final = 1.0
FOR_GOOD: Final = range(4500, 5000)
"""Close codes after which it makes no sense to come back (docs/protocol.md)."""
NEEDS_KEY: Final = frozenset({"unauthenticated", "forbidden"})


class Watcher(WSListener):
    """Reads one connection after the other until ``ending`` is set: then a further one makes no sense."""

    def __init__(self, symbols: list[str], prices: PriceDisplay) -> None:
        self.ending: WatchError | BrokenPipeError | None = None
        self.needs_key = ""
        """Why the server needs a key; empty: it does not."""
        self.has_prices = False
        self._is_understood = False
        """Whether any message was one of Floorwire's. Later ones that are not may be of a newer version."""
        self._asked = symbols
        self._prices = prices
        self._refused: set[str] = set()

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Ask for the symbols that were named, or for the list of all."""
        self.needs_key = ""
        if not self._asked:
            self._send(transport, Symbols())
        # One by one: of several in one request, none is subscribed to where one is wrong.
        for number, symbol in enumerate(self._asked):
            self._send(transport, Subscribe(id=number, channel="ticker", symbol=symbol))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Handle one message."""
        if frame.msg_type == WSMsgType.CLOSE:
            payload = frame.get_payload_as_bytes()
            code, reason = int.from_bytes(payload[:2], "big"), payload[2:].decode(errors="replace")
            if code in FOR_GOOD:
                self._end(transport, f"the server closed for good: {printable(reason) or code}", NOT_ALLOWED)
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            data = frame.get_payload_as_bytes()
            try:
                self._handle(transport, data)
            except BrokenPipeError as error:
                self.ending = error
                transport.disconnect()
            except UnknownMessageError:
                if not self._is_understood:
                    self._end(transport, "what answers there does not speak as Floorwire does", UNREACHED)

    def _handle(self, transport: WSTransport, data: bytes) -> None:
        message = CLIENT_JSON.decode(data)
        self._is_understood = True
        if isinstance(message, Ticker):
            self.has_prices = True
            self._prices.show(message, data, time.time_ns() // 1000 - message.sent)
        elif isinstance(message, Error):
            self._refuse(transport, message)
        elif isinstance(message, SymbolList):
            self._listed(transport, [row.symbol for row in message.symbols])

    def _listed(self, transport: WSTransport, symbols: list[str]) -> None:
        if symbols:
            self._send(transport, Subscribe(channel="ticker", symbols=tuple(symbols)))
        else:  # the venue has not said yet
            self._prices.show_problem("the server lists no symbols yet")
            asyncio.get_running_loop().call_later(RETRY_S, self._send, transport, Symbols())

    def _refuse(self, transport: WSTransport, error: Error) -> None:
        said = f"{printable(error.code)}: {printable(error.message)}"
        is_of_symbol = isinstance(error.id, int) and error.code != "unauthenticated"
        if error.code in NEEDS_KEY and not is_of_symbol:
            self.needs_key = said
            transport.disconnect()
        elif isinstance(error.id, int):
            symbol = self._asked[error.id]
            why = f"{symbol}: {said}"
            self._refused.add(symbol)
            if len(self._refused) == len(set(self._asked)):
                self._end(transport, f"none of the symbols has prices here; {why}", REFUSED)
            else:
                self._prices.refuse(symbol, why)
        else:
            self._end(transport, said, REFUSED)

    def _end(self, transport: WSTransport, reason: str, exit_code: int) -> None:
        self.ending = self.ending or WatchError(reason, exit_code)  # the first: others may follow it
        transport.disconnect()

    @staticmethod
    def _send(transport: WSTransport, request: Subscribe | Symbols) -> None:
        transport.send(WSMsgType.TEXT, CLIENT_JSON.encode(request))


KeyFile = Annotated[
    str | None,
    typer.Option(
        envvar="FLOORWIRE_KEY_FILE",
        help=f"File with a key; else FLOORWIRE_KEY; where the server needs one, {credential.DEFAULT_FILE}.",
    ),
]
Url = Annotated[
    str,
    typer.Option(
        envvar="FLOORWIRE_URL",
        help="A gateway's WebSocket, or its address.",
        show_default="ws://127.0.0.1:8000/ws, or FLOORWIRE_PORT's port",
    ),
]


def watch(
    symbols: Annotated[list[str] | None, typer.Argument(help="Symbols; all where none is named.")] = None,
    url: Url = "",
    seconds: Annotated[float, typer.Option(min=0, help="Stop after this long; 0: at Ctrl-C.")] = 0.0,
    key_file: KeyFile = None,
    ca: Ca = None,
    json: Json = False,
) -> None:
    """Show live prices; reconnects by itself. In a pipe, or with --json, one line a change."""
    try:
        server = PriceServer(websocket(url or local_url("ws", "/ws")), key_file, ca)
        asyncio.run(_watch(symbols or [], server, seconds, json=json))
    except KeyboardInterrupt:
        raise typer.Exit from None
    except BrokenPipeError:  # the reader of the pipe has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None
    except (AddressError, CredentialError) as error:
        _fail(str(error), UNUSABLE)
    except WatchError as error:
        _fail(str(error), error.exit_code)


def _fail(message: str, exit_code: int) -> NoReturn:
    echo(f"floorwire: {message}", err=True)
    raise typer.Exit(exit_code) from None


async def _watch(symbols: list[str], server: PriceServer, seconds: float, *, json: bool) -> None:
    with ExitStack() as stack:
        if json or not is_terminal():
            prices: PriceDisplay = LinePrices(json=json)
        else:
            live = stack.enter_context(Live(console=Console(), refresh_per_second=REFRESH_PER_SECOND))
            prices = TablePrices(server.url, live)
        watcher = Watcher(symbols, prices)
        drawing = asyncio.create_task(_draw(prices))
        try:
            async with asyncio.timeout(seconds or None):
                await _follow(watcher, server, prices)
        except TimeoutError:
            if not watcher.has_prices:
                raise WatchError(f"no price within {seconds:g} s", UNREACHED) from None
        finally:
            drawing.cancel()
            prices.draw()


async def _draw(prices: PriceDisplay) -> None:
    while True:
        prices.draw()
        await asyncio.sleep(1 / REFRESH_PER_SECOND)


async def _follow(watcher: Watcher, server: PriceServer, prices: PriceDisplay) -> None:
    """Read prices, over one connection after the other. Raises WatchError where that leads nowhere."""
    was_connected = False
    while True:
        try:
            transport = await server.connect(watcher)
        except (OSError, WSError) as error:
            if not was_connected or is_refusal(error):
                raise unreached(server, error) from None
            prices.show_problem(f"no answer: {reason(error)}; trying again")
        else:
            was_connected = True
            prices.show_problem("")
            await transport.wait_disconnected()
            if watcher.ending is not None:
                raise watcher.ending
            if watcher.needs_key:
                _find_key(watcher, server)
                continue
            prices.show_problem("disconnected; trying again")
        await asyncio.sleep(RETRY_S)


def _find_key(watcher: Watcher, server: PriceServer) -> None:
    """Show a key on the next connection. Raises WatchError where there is none, or it was shown already."""
    if server.has_key:
        raise WatchError(f"{watcher.needs_key}; the key is not for prices", NOT_ALLOWED)
    try:
        server.use_key()
    except CredentialError:
        raise WatchError(
            f"{watcher.needs_key}. Give KEY.SECRET: in a file with --key-file, or in {credential.VARIABLE}. "
            "On the server's machine `floorwire keys create --account NAME --scopes market` makes one",
            NOT_ALLOWED,
        ) from None
