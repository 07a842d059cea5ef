"""How ``floorwire watch`` shows prices: a table in a terminal, lines in a pipe."""

from __future__ import annotations

from typing import Final, Protocol

from rich.console import Console
from rich.live import Live

from floorwire.cli.output import Table, echo, write_line
from floorwire.core.printable import printable, printable_json
from floorwire.protocol.channel_events import Ticker

REFRESH_PER_SECOND: Final = 8
COLUMNS: Final = ("symbol", "bid", "ask", "last", "change", "volume")


class PriceDisplay(Protocol):
    """Shows prices: in a table or as lines."""

    def show(self, ticker: Ticker, data: bytes, lag_us: int) -> None:
        """Show a ticker. ``data``: its message. ``lag_us``: microseconds since it was sent."""
        ...

    def refuse(self, symbol: str, reason: str) -> None:
        """Say that there are no prices of the symbol, and why."""
        ...

    def show_problem(self, problem: str) -> None:
        """Show what is wrong with the connection; ``""``: nothing is."""
        ...

    def draw(self) -> None:
        """Show what has changed. Called a few times a second."""
        ...


class TablePrices:
    """The latest ticker of each symbol, in a terminal."""

    def __init__(self, title: str, live: Live) -> None:
        self._title = title
        self._live = live
        self._rows: dict[str, tuple[str, ...]] = {}
        self._refused: dict[str, str] = {}
        self._problem = ""
        self._lag_us = 0

    def show(self, ticker: Ticker, _data: bytes, lag_us: int) -> None:
        """Keep the ticker for the next drawing."""
        self._rows[ticker.symbol] = _row(ticker)
        self._lag_us = lag_us

    def refuse(self, symbol: str, reason: str) -> None:
        """Keep the reason."""
        self._refused[symbol] = reason

    def show_problem(self, problem: str) -> None:
        """Keep the problem."""
        self._problem = problem

    def draw(self) -> None:
        """Draw the table anew, once there is anything in it."""
        if not (self._rows or self._problem or self._refused):
            return
        captions = [self._problem or f"{self._lag_us} us from the gateway to here", *self._refused.values()]
        table = Table(title=self._title, caption="\n".join(captions))
        for column in COLUMNS:
            table.add_column(column, no_wrap=True, justify="left" if column == "symbol" else "right")
        for row in self._rows.values():
            table.add_row(*row)
        self._live.update(table)


class LinePrices:
    """One line a ticker, on standard output: fields with tabs between, or the message itself as JSON.

    The names of the fields are a line before the first ticker. A ticker in which none of these fields has
    changed gets no line; JSON has all fields, and each message.
    """

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._problem = ""
        self._refused: dict[str, str] = {}
        self._has_header = json
        self._lines: dict[str, str] = {}
        """The last line of each symbol."""

    def show(self, ticker: Ticker, data: bytes, _lag_us: int) -> None:
        """Write the line."""
        if not self._has_header:
            self._has_header = True
            write_line("\t".join(COLUMNS))
        if self._json:
            write_line(printable_json(data))
            return
        line = "\t".join(printable(field) or "-" for field in _row(ticker))
        if self._lines.get(ticker.symbol) != line:
            self._lines[ticker.symbol] = line
            write_line(line)

    def refuse(self, symbol: str, reason: str) -> None:
        """Say it once, on standard error."""
        if self._refused.get(symbol) != reason:
            self._refused[symbol] = reason
            echo(f"floorwire: {reason}", err=True)

    def show_problem(self, problem: str) -> None:
        """Say it on standard error, once while it lasts."""
        if problem and problem != self._problem:
            echo(f"floorwire: {problem}", err=True)
        self._problem = problem

    def draw(self) -> None:
        """Nothing waits: each line is written at once."""


def is_terminal() -> bool:
    """Return whether somebody looks at the output, so that a table can be drawn."""
    return Console().is_terminal


def _row(ticker: Ticker) -> tuple[str, ...]:
    return tuple(str(getattr(ticker, column) or "") for column in COLUMNS)
