"""``floorwire watch``: prices of a gateway in the terminal, or as lines in a pipe."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from floorwire.cli import credential
from floorwire.cli.chosen_server import (
    LOCAL_SERVER,
    Ca,
    ChosenServer,
    Json,
    KeyFile,
    ProfileName,
    Url,
    choose,
)
from floorwire.cli.command_error import CommandError, exit_on_error
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import REFRESH_PER_SECOND, is_terminal, live_display, until_pipe_closes
from floorwire.cli.prices import LinePrices, PriceDisplay, TablePrices
from floorwire.core.codes import Code
from floorwire.core.printable import printable

if TYPE_CHECKING:
    from floorwire.client import Client, Stream

LOOK_AGAIN_S: Final = 1.0
"""When the list of symbols is asked for again, while it is empty."""
ItemT = TypeVar("ItemT")


class NeedsKeyError(Exception):
    """The server wants another key, or one at all. The message says why."""


def watch(
    symbols: Annotated[list[str] | None, typer.Argument(help="Symbols; all where none is named.")] = None,
    seconds: Annotated[float, typer.Option(min=0, help="Stop after this long; 0: at Ctrl-C.")] = 0.0,
    no_book: Annotated[
        bool,
        typer.Option("--no-book", help="Without the book and the tape."),
    ] = False,
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Show live prices; reconnects by itself. In a pipe, or with --json, one line a change.

    In a terminal it shows the book and the tape of the first symbol too. A key is needed only where the
    server wants one.
    """
    with exit_on_error(), until_pipe_closes(), ExitStack() as stack:
        server = choose(url, key_file, ca, profile)
        is_table = is_terminal() and not json
        prices = TablePrices(server.url, live_display(stack)) if is_table else LinePrices(json=json)
        asyncio.run(_watch(symbols or [], server, prices, seconds, has_book=is_table and not no_book))


async def _watch(
    symbols: list[str], server: ChosenServer, prices: PriceDisplay, seconds: float, *, has_book: bool
) -> None:
    watcher = Watcher(prices, has_book=has_book)
    try:
        async with asyncio.timeout(seconds or None):
            await _with_key(watcher, symbols, server)
    except TimeoutError:
        if not watcher.has_prices:
            raise CommandError(f"no price within {seconds:g} s", ExitCode.UNREACHED) from None
    finally:
        prices.draw()


async def _with_key(watcher: Watcher, symbols: list[str], server: ChosenServer) -> None:
    """Watch without a key, or with the one that was given. Where the server wants a key, find one."""
    from floorwire.cli.sdk_client import connected

    key = server.key() if server.has_key else None
    while True:
        try:
            async with connected(server, key) as client:
                await watcher.run(client, symbols)
        except NeedsKeyError as error:
            if key is not None:
                said = CommandError(f"{error}; the key is not for prices", ExitCode.NOT_ALLOWED)
                raise server.with_key_file(said, key) from None
            key = _found_key(server, str(error))


def _found_key(server: ChosenServer, why: str) -> str:
    try:
        return server.key()
    except CommandError:
        raise CommandError(
            f"{why}. Give KEY.SECRET: in a file with --key-file, or in {credential.VARIABLE}. "
            "On the server's machine `floorwire keys create --account NAME --scopes market` makes one",
            ExitCode.NOT_ALLOWED,
        ) from None


class Watcher:
    """Reads the streams of a client, and shows what comes."""

    def __init__(self, prices: PriceDisplay, *, has_book: bool) -> None:
        self.has_prices = False
        self._prices = prices
        self._has_book = has_book

    async def run(self, client: Client, symbols: Sequence[str]) -> None:
        """Show prices for ever. Raises CommandError, NeedsKeyError, ClientError, BrokenPipeError."""
        symbols = list(dict.fromkeys(symbols)) or await self._list(client)
        reading = {asyncio.create_task(self._ticker(client, symbol)): symbol for symbol in symbols}
        others = [asyncio.create_task(self._draw(client))]
        if self._has_book:
            others.append(asyncio.create_task(self._depth(client, symbols)))
        try:
            while reading:
                done, _ = await asyncio.wait((*reading, *others), return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    why = task.result()  # raises what is no refusal of one symbol
                    if task in reading:
                        del reading[task]
                        if not reading:
                            text = f"none of the symbols has prices here; {why}"
                            raise CommandError(text, ExitCode.FAILED)
                        self._prices.refuse(why)
                    else:
                        others.remove(task)
        finally:
            for task in (*reading, *others):
                task.cancel()
            await asyncio.gather(*reading, *others, return_exceptions=True)

    async def _list(self, client: Client) -> list[str]:
        """Return all symbols, as soon as there are some."""
        from floorwire.client import RequestRefusedError

        while True:
            try:
                symbols = [row.symbol for row in await client.rest.symbols()]
            except RequestRefusedError as error:
                if error.code in (Code.UNAUTHENTICATED, Code.FORBIDDEN):
                    raise NeedsKeyError(printable(str(error))) from None
                raise
            if symbols:
                return symbols
            self._prices.show_problem("the server lists no symbols yet")
            self._prices.draw()
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _ticker(self, client: Client, symbol: str) -> str:
        """Show its tickers. Return why there are none, if the server refuses the symbol."""
        from floorwire.client import RequestRefusedError, Ticker

        try:
            async for item in client.ticker(symbol):
                if isinstance(item, Ticker):
                    self.has_prices = True
                    self._prices.show(item, time.time_ns() // 1000 - item.sent)
        except RequestRefusedError as error:
            if error.code == Code.UNAUTHENTICATED:
                raise NeedsKeyError(printable(str(error))) from None
            return printable(f"{symbol}: {error}")
        return ""

    async def _depth(self, client: Client, symbols: Sequence[str]) -> str:
        """Show the book and the tape of the first symbol that has them."""
        from floorwire.cli.market_depth import DEPTH, MarketDepth
        from floorwire.client import RequestRefusedError

        for symbol in symbols:
            depth = MarketDepth(symbol)
            self._prices.depth = depth
            book, trades = client.book(symbol, depth=DEPTH), client.trades(symbol, history=DEPTH)
            reading = [
                asyncio.create_task(_read(book, depth.take_book)),
                asyncio.create_task(_read(trades, depth.take_trade)),
            ]
            try:
                await asyncio.gather(*reading)
            except RequestRefusedError:  # its ticker is refused too, and says why
                self._prices.depth = None
            finally:
                for task in reading:
                    task.cancel()
                await asyncio.gather(*reading, return_exceptions=True)
        return ""

    async def _draw(self, client: Client) -> str:
        """Show what has changed, a few times a second."""
        from floorwire.client.connection import Phase

        while True:
            is_open = Phase.OPEN in client.phases
            self._prices.show_problem(
                "" if is_open else f"{printable(client.problem) or 'cut'}; trying again"
            )
            self._prices.draw()
            await asyncio.sleep(1 / REFRESH_PER_SECOND)


async def _read(stream: Stream[ItemT], take: Callable[[ItemT], None]) -> None:
    async for item in stream:
        take(item)
