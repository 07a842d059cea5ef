"""Backtests: the same strategy on the same recording, beside nautilus_trader's engine and backtrader.

The recording is six minutes of Binance (``frame_sessions``): quotes, trades and changes of the book. Each
contestant has all events in memory before the clock starts. Floorwire is measured from the recording's bytes
too. All play by turns, each in a process of its own, on the server's CPU; CPU time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks import backtest_events, frame_sessions, machine
from benchmarks.backtest_events import MONEY, SIZE, Averages, Event, Result
from benchmarks.contestants import HERE, ContestantError
from benchmarks.figures import Figure, TargetCheck, table
from floorwire import config
from floorwire.bot import Bot, Ticker, Trades
from floorwire.bot.backtest.backtest import Backtest
from floorwire.bot.backtest.market_player import Batch
from floorwire.bot.backtest.recorded_markets import RecordedMarkets
from floorwire.connectors import recording
from floorwire.connectors.venue_specs import specs
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Level, Listing, Quote, Trade
from floorwire.core.ports import Wake, Woke
from floorwire.trading.configured_rules import trading_rules

FLOORWIRE, FROM_BYTES = "Floorwire", "Floorwire, from bytes"
NAUTILUS, BACKTRADER = "nautilus_trader", "backtrader"
OTHERS: Final[Mapping[str, str]] = {NAUTILUS: "nautilus", BACKTRADER: "backtrader"}
"""Contestant -> the end of its module's name. Both are in ``.venv/backtesters``."""
VARIABLE: Final = "BACKTESTERS_PYTHON"
TO_BACKTRADER, TO_NAUTILUS = 1 / 3, 1.0
RECORDING: Final = frame_sessions.FILES["binance"]
SYMBOL: Final = "BTC-USDT"


class Cross(Bot):
    """Holds while the fast average is above the slow one."""

    symbols = (SYMBOL,)

    def on_start(self) -> None:
        """Begin without prices."""
        self._averages = Averages()
        self.trades = 0

    def on_ticker(self, ticker: Ticker) -> None:
        """Take a price."""
        if ticker.bid is None or ticker.ask is None:
            return
        is_up = self._averages.is_up(float(ticker.bid), float(ticker.ask))
        if not self.open_orders and is_up is not bool(self.position(SYMBOL)):
            if is_up:
                self.buy(SYMBOL, SIZE)
            else:
                self.sell(SYMBOL, SIZE)

    def on_trade(self, trade: Trades) -> None:
        """Count trades."""
        self.trades += 1


def compare(rounds: int) -> Iterator[str]:
    """Yield the table and the targets; a sentence for what is not here."""
    yield "### Backtests: the same strategy on the same recording"
    if not RECORDING.exists():
        yield "Not measured: the recording is not in ../shared/recorded."
        return
    python = _python()
    if python is None:
        yield "nautilus_trader and backtrader are left out: `make .venv/backtesters/.done` installs them."
    with tempfile.TemporaryDirectory() as folder:
        yield from _compare(python, Path(folder) / "events.json", rounds)


def _compare(python: str | None, file: Path, rounds: int) -> Iterator[str]:
    backtest_events.write(file, events())
    contestants: dict[str, Callable[[], Result]] = {
        name: _process(sys.executable, "backtest", option)
        for name, option in ((FLOORWIRE, "--decoded"), (FROM_BYTES, "--bytes"))
    }
    if python is not None:
        contestants |= {
            name: _process(python, f"backtest_{module}", str(file)) for name, module in OTHERS.items()
        }
    measured: dict[str, list[Result]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            measured[name].append(contestants[name]())
    yield from _report(measured)


def _report(measured: Mapping[str, list[Result]]) -> Iterator[str]:
    cost = {
        name: Figure.of(1e6 * one.seconds / one.events for one in results)
        for name, results in measured.items()
    }
    rows = [
        [
            name,
            f"{results[0].events:,}",
            str(results[0].fills),
            cost[name].text(),
            f"{1e6 / cost[name].median:,.0f}",
            cost[FLOORWIRE].ratio_to(cost[name]).text(),
        ]
        for name, results in measured.items()
    ]
    yield table(["engine", "events", "fills", "us an event", "events a second", "Floorwire to it"], rows)
    targets = ((BACKTRADER, TO_BACKTRADER), (NAUTILUS, TO_NAUTILUS))
    yield "\n".join(
        TargetCheck(f"Floorwire to {name}", cost[FLOORWIRE].ratio_to(cost[name]), at_most).text()
        for name, at_most in targets
        if name in cost
    )


# --- Floorwire --------------------------------------------------------------------------------------------


def markets() -> RecordedMarkets:
    """Return the recorded market."""
    return RecordedMarkets(config.load(None, {}, (), {"venue": [f"replay:{RECORDING}"]}))


def play(recorded: RecordedMarkets, batches: Iterable[Batch]) -> tuple[int, int]:
    """Run the strategy; return how many events and fills there were."""
    (venue,) = recorded.venues()
    settings = config.load(None, {}, (), {"venue": [f"replay:{RECORDING}"]})
    rules = trading_rules(settings, venue.name)
    backtest = Backtest([venue], rules, recorded.begin_us, {"USDT": str(MONEY)})
    for _ in backtest.play(Cross(), batches):
        pass
    assert backtest.run.failure is None, backtest.run.failure
    return backtest.market_events, backtest.run.record.fill_count


def measure(*, is_decoded: bool) -> Result:
    """Run it once, from what is decoded or from the recording's bytes."""
    recorded = markets()
    batches: Iterable[Batch] = recorded.play(Cross())
    if is_decoded:
        batches = list(batches)
    began = time.process_time()
    count, fills = play(recorded, batches)
    return Result(time.process_time() - began, count, fills)


def events() -> list[Event]:
    """Return the quotes, trades and changes of the book for the others."""
    found: list[Event] = []
    instrument: Instrument | None = None
    for spec in specs(config.load(None, {}, (), {"venue": [f"replay:{RECORDING}"]})):
        assert spec.recorded is not None, "it is a recording"
        venue = recording.replay(spec.recorded, spec.prefix, 1.0)
        now_us = spec.recorded.first_us
        outputs = venue.start(now_us)
        while outputs:
            wake_us = now_us
            for output in outputs:
                if isinstance(output, Wake):
                    wake_us = output.at_us
                elif isinstance(output, Listing):
                    (instrument,) = output.instruments
                elif isinstance(output, Quote | Trade | BookChange | BookSnapshot):
                    assert instrument is not None, "it is listed first"
                    found.append(_for_others(output, instrument, now_us * 1_000))
            now_us = max(now_us, wake_us)
            outputs = venue.receive(Woke(), now_us)
    return found


def _for_others(
    event: Quote | Trade | BookChange | BookSnapshot, instrument: Instrument, at_ns: int
) -> Event:
    price, size = instrument.price.format, instrument.size.format
    if isinstance(event, Quote):
        return backtest_events.Quote(
            at_ns,
            price(event.bid_ticks),
            size(event.bid_lots),
            price(event.ask_ticks),
            size(event.ask_lots),
        )
    if isinstance(event, Trade):
        return backtest_events.Trade(
            at_ns, price(event.price_ticks), size(event.size_lots), event.side, event.trade_id
        )

    def levels(side: tuple[Level, ...]) -> list[backtest_events.Level]:
        return [(price(ticks), size(lots)) for ticks, lots in side]

    is_snapshot = isinstance(event, BookSnapshot)
    return backtest_events.Book(at_ns, is_snapshot, levels(event.bids), levels(event.asks))


# --- processes ----------------------------------------------------------------------------------------------


def _process(python: str, module: str, argument: str) -> Callable[[], Result]:
    command = [python, "-m", f"benchmarks.{module}", argument]

    def run() -> Result:
        done = subprocess.run(
            command,
            cwd=HERE.parent,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: os.sched_setaffinity(0, {machine.cpu_of_server()}),
        )
        if done.returncode:
            raise ContestantError(f"{module}: {done.stderr[-500:]}")
        return Result(*json.loads(done.stdout.splitlines()[-1]))

    return run


def _python() -> str | None:
    """Return the Python of the environment with both engines; None if they are not installed."""
    python = os.environ.get(VARIABLE) or str(HERE.parent / ".venv" / "backtesters" / "bin" / "python")
    try:
        run = subprocess.run(
            [python, "-c", "import backtrader, nautilus_trader"], capture_output=True, check=False
        )
    except OSError:
        return None
    return None if run.returncode else python


if __name__ == "__main__":
    backtest_events.print_result(measure(is_decoded=sys.argv[1] == "--decoded"))
