"""The faces of the fake exchange with several markets, and how their frames and requests are told apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tests.fake_exchange import binance, bybit, coinbase, kraken, okx
from tests.fake_exchange.faults import Faults
from tests.fake_exchange.limits import Counts
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.serving import Face

MIDS_E8 = {"BTC": 60_000 * UNIT, "ETH": 3_000 * UNIT, "SOL": 150 * UNIT, "LTC": 80 * UNIT, "XRP": 2 * UNIT}


class Exchange(Face, Protocol):
    """What is used of each face."""

    skew_us: int
    core: MatchingCore
    counts: Counts
    faults: Faults

    async def disconnect_all(self) -> None: ...
    def start_maintenance(self) -> None: ...
    def end_maintenance(self) -> None: ...
    def restart_ids(self, symbol: str) -> None: ...


@dataclass(frozen=True)
class MarketFace:
    """One face."""

    kind: str
    make: Callable[[list[Market]], Exchange]
    quote: str
    change: str
    """What is in a frame with a change of a book. The names of the market are filled in."""
    snapshot: str
    """What is in a frame with a whole book; empty: it comes by request."""
    snapshot_path: str
    list_path: str
    depth: int | None = None
    """As many levels as the exchange lets a client check; None: all."""
    is_numbered_by_link: bool = False
    """Whether a lost frame costs all books of its connection."""

    def __str__(self) -> str:
        return self.kind

    def markets(self) -> list[Market]:
        """Return markets with ticks of a hundredth and lots of a ten-thousandth."""
        return [Market(base, self.quote, UNIT // 100, UNIT // 10_000) for base in MIDS_E8]


FACES = (
    MarketFace("binance", binance.FakeBinance, "USDT", "{low}@depth", "", "/depth", "/exchangeInfo"),
    MarketFace(
        "bybit", bybit.FakeBybit, "USDT", '"orderbook.200.{plain}"', '"orderbook.200.{plain}"',
        "/ws/subscribe", "/instruments-info",
    ),
    MarketFace(
        "okx", okx.FakeOkx, "USDT", '"books","instId":"{dash}"}},"action":"update"',
        '"books","instId":"{dash}"}},"action":"snapshot"', "/ws/subscribe", "/instruments",
    ),
    MarketFace(
        "kraken", kraken.FakeKraken, "USD", '"book","type":"update","data":[{{"symbol":"{slash}"',
        '"book","type":"snapshot","data":[{{"symbol":"{slash}"', "subscribe", "/AssetPairs", depth=10,
    ),
    MarketFace(
        "coinbase", coinbase.FakeCoinbase, "USD", '"update","product_id":"{dash}"',
        '"snapshot","product_id":"{dash}"', "/ws/subscribe", "/products", is_numbered_by_link=True,
    ),
)  # fmt: skip


def filled_in(pattern: str, market: Market) -> str:
    """Return the text with the market's names."""
    base, quote = market.base, market.quote
    return pattern.format(
        low=f"{base}{quote}".lower(), plain=base + quote, dash=f"{base}-{quote}", slash=f"{base}/{quote}"
    )
