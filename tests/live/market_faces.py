"""The faces of the fake exchange with several markets, and how their frames and requests are told apart."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fake_exchange.exchange import FakeExchange
from tests.fake_exchange.market import UNIT, Market
from tests.live.faces import BINANCE, BYBIT, COINBASE, KRAKEN, OKX, Face

MIDS_E8 = {"BTC": 60_000 * UNIT, "ETH": 3_000 * UNIT, "SOL": 150 * UNIT, "LTC": 80 * UNIT, "XRP": 2 * UNIT}


@dataclass(frozen=True)
class MarketFace:
    """One face."""

    face: Face
    change: str
    """What is in a frame with a change of a book. The names of the market are filled in."""
    snapshot: str
    """What is in a frame with a whole book; empty: it comes by request."""
    snapshot_path: str
    list_path: str
    depth: int | None = None
    """As many levels as the exchange lets a client check; None: all."""
    tells_steps: bool = False
    """Whether it tells at once that the steps or the state of a market changed. Otherwise the list does."""
    delisted: str = "closed"
    """What a delisted market is that is still in the list."""
    has_day: bool = True
    """Whether it tells the numbers of the last 24 hours."""
    interval: str = "1m"
    """Of candles that it tells."""
    is_numbered_by_link: bool = False
    """Whether a lost frame costs all books of its connection."""

    def __str__(self) -> str:
        return self.face.kind

    def make(self) -> FakeExchange:
        """Make the exchange, with ticks of a hundredth and lots of a ten-thousandth."""
        markets = [Market(base, self.face.quote, UNIT // 100, UNIT // 10_000) for base in MIDS_E8]
        return self.face.make(markets)


FACES = (
    MarketFace(BINANCE, "{low}@depth", "", "/depth", "/exchangeInfo", delisted="halted", has_day=False),
    MarketFace(
        BYBIT, '"orderbook.200.{plain}"', '"orderbook.200.{plain}"',
        "/ws/subscribe", "/instruments-info",
    ),
    MarketFace(
        OKX, '"books","instId":"{dash}"}},"action":"update"',
        '"books","instId":"{dash}"}},"action":"snapshot"', "/ws/subscribe", "/instruments", tells_steps=True,
    ),
    MarketFace(
        KRAKEN, '"book","type":"update","data":[{{"symbol":"{slash}"',
        '"book","type":"snapshot","data":[{{"symbol":"{slash}"', "subscribe", "/AssetPairs", depth=10,
        tells_steps=True,
    ),
    MarketFace(
        COINBASE, '"update","product_id":"{dash}"',
        '"snapshot","product_id":"{dash}"', "/ws/subscribe", "/products", is_numbered_by_link=True,
        has_day=False, interval="5m",
    ),
)  # fmt: skip


def filled_in(pattern: str, market: Market) -> str:
    """Return the text with the market's names."""
    base, quote = market.base, market.quote
    return pattern.format(
        low=f"{base}{quote}".lower(), plain=base + quote, dash=f"{base}-{quote}", slash=f"{base}/{quote}"
    )
