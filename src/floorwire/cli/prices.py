"""How ``floorwire watch`` shows prices: a table in a terminal, lines in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec
from rich.console import Group
from rich.live import Live

from floorwire.cli.output import Table, echo, write_json, write_line
from floorwire.core.printable import printable
from floorwire.protocol.channel_events import Ticker

if TYPE_CHECKING:
    from floorwire.cli.market_depth import MarketDepth

COLUMNS: Final = ("symbol", "bid", "ask", "last", "change", "volume")


class PriceDisplay(Protocol):
    """Shows prices: in a table or as lines."""

    depth: MarketDepth | None
    """The book and the tape of one symbol; lines do not show it."""

    def show(self, ticker: Ticker, lag_us: int) -> None:
        """Show a ticker. ``lag_us``: microseconds since it was sent."""
        ...

    def refuse(self, reason: str) -> None:
        """Say of which symbol there are no prices, and why."""
        ...

    def show_problem(self, problem: str) -> None:
        """Show what is wrong with the connection; ``""``: nothing is."""
        ...

    def draw(self) -> None:
        """Show what has changed. Called a few times a second."""
        ...


class TablePrices:
    """The latest ticker of each symbol, and the book and the tape of one, in a terminal."""

    def __init__(self, title: str, live: Live) -> None:
        self.depth: MarketDepth | None = None
        self._title = title
        self._live = live
        self._rows: dict[str, tuple[str, ...]] = {}
        self._refused: list[str] = []
        self._problem = ""
        self._lag_us = 0

    def show(self, ticker: Ticker, lag_us: int) -> None:
        """Keep the ticker for the next drawing."""
        self._rows[ticker.symbol] = _row(ticker)
        self._lag_us = lag_us

    def refuse(self, reason: str) -> None:
        """Keep the reason."""
        self._refused.append(reason)

    def show_problem(self, problem: str) -> None:
        """Keep the problem."""
        self._problem = problem

    def draw(self) -> None:
        """Draw the tables anew, once there is anything in them."""
        if not (self._rows or self._problem or self._refused):
            return
        captions = [self._problem or f"{self._lag_us} us from the gateway to here", *self._refused]
        table = Table(title=self._title, caption="\n".join(captions))
        for column in COLUMNS:
            table.add_column(column, no_wrap=True, justify="left" if column == "symbol" else "right")
        for row in self._rows.values():
            table.add_row(*row)
        self._live.update(table if self.depth is None else Group(self.depth.table(), table))


class LinePrices:
    """One line a ticker, on standard output: fields with tabs between, or the message itself as JSON.

    The names of the fields are a line before the first ticker. A ticker in which none of these fields has
    changed gets no line; JSON has all fields, and each message.
    """

    def __init__(self, *, json: bool) -> None:
        self.depth: MarketDepth | None = None
        self._json = json
        self._problem = ""
        self._has_header = json
        self._lines: dict[str, str] = {}
        """The last line of each symbol."""

    def show(self, ticker: Ticker, lag_us: int) -> None:
        """Write the line."""
        if self._json:
            write_json(msgspec.json.encode(ticker))
            return
        if not self._has_header:
            self._has_header = True
            write_line("\t".join(COLUMNS))
        line = "\t".join(printable(field) or "-" for field in _row(ticker))
        if self._lines.get(ticker.symbol) != line:
            self._lines[ticker.symbol] = line
            write_line(line)

    def refuse(self, reason: str) -> None:
        """Say it on standard error."""
        echo(f"floorwire: {reason}", err=True)

    def show_problem(self, problem: str) -> None:
        """Say it on standard error, once while it lasts."""
        if problem and problem != self._problem:
            echo(f"floorwire: {problem}", err=True)
        self._problem = problem

    def draw(self) -> None:
        """Nothing waits: each line is written at once."""


def _row(ticker: Ticker) -> tuple[str, ...]:
    return tuple(str(getattr(ticker, column) or "") for column in COLUMNS)
