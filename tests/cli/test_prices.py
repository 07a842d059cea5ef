"""What ``floorwire watch`` writes into a pipe."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from floorwire.cli.prices import LinePrices
from floorwire.protocol.channel_events import Ticker

TICKER = Ticker(
    epoch="e", seq=1, ts=1, recv=1, sent=1, symbol="BTC-USDT", bid="1", bid_size="5",
    ask="2", ask_size="5", last="1",
    last_size="1", open="1", high="1", low="1", volume="9", quote_volume="9", change="0",
)  # fmt: skip


def written(prices: LinePrices, capsys: pytest.CaptureFixture[str], *tickers: Ticker) -> list[str]:
    for ticker in tickers:
        prices.show(ticker, 0)
    return capsys.readouterr().out.splitlines()


def test_a_line_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    """A size that changed is in no column."""
    other = replace(TICKER, symbol="ETH-USDT")
    later = replace(TICKER, seq=2, bid_size="7")
    lines = written(
        LinePrices(json=False), capsys, TICKER, other, later, other, replace(later, bid="0.5"), TICKER
    )
    assert [line.split("\t")[:2] for line in lines[1:]] == [
        ["BTC-USDT", "1"], ["ETH-USDT", "1"], ["BTC-USDT", "0.5"], ["BTC-USDT", "1"],
    ]  # fmt: skip


def test_json_has_every_message(capsys: pytest.CaptureFixture[str]) -> None:
    lines = written(LinePrices(json=True), capsys, TICKER, replace(TICKER, seq=2, bid_size="7"))
    assert len(lines) == 2
