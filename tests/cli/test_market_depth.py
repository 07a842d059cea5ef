"""The book and the tape that ``floorwire watch`` shows in a terminal."""

from __future__ import annotations

from rich.console import Console

from floorwire.cli.market_depth import DEPTH, MarketDepth
from floorwire.client import Book, StreamGap, Trades

BOOK = Book(
    symbol="BTC-USDT",
    depth=10,
    epoch="e",
    seq=1,
    ts=1,
    sent=1,
    bids=(("100", "1"), ("99", "2")),
    asks=(("101", "3"),),
)


def shown(depth: MarketDepth) -> list[list[str]]:
    """Return the cells of the rows, without those that are empty."""
    console = Console(width=120, record=True, color_system=None)
    with console.capture() as capture:
        console.print(depth.table())
    rows = [line.split("│") for line in capture.get().splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in row if cell.strip()] for row in rows]


def trade(number: int) -> Trades:
    return Trades(
        epoch="e", seq=number, ts=number * 1_000_000, recv=1, sent=1, symbol="BTC-USDT", trade_id=str(number),
        price=str(number), size="1", side="buy",
    )  # fmt: skip


def test_levels_stand_beside_the_latest_trades() -> None:
    depth = MarketDepth("BTC-USDT")
    depth.take_book(BOOK)
    depth.take_trade(trade(1))
    depth.take_trade(trade(2))
    assert shown(depth) == [
        ["1", "100", "101", "3", "00:00:02", "buy", "2", "1"],
        ["2", "99", "00:00:01", "buy", "1", "1"],
    ]


def test_the_tape_is_bounded_and_tells_of_a_gap() -> None:
    depth = MarketDepth("BTC-USDT")
    for number in range(1, 30):
        depth.take_trade(trade(number))
    depth.take_trade(StreamGap("trades", "BTC-USDT", "e", 30, 31, "slow"))
    rows = shown(depth)
    assert len(rows) == DEPTH
    assert rows[0] == ["trades are missing"]
    assert rows[1][0] == "00:00:29"
