"""Each exchange's least order becomes the instrument's minima. They stay in the journal."""

from __future__ import annotations

import msgspec
import pytest

from floorwire.core.account_events import Listed
from floorwire.core.instrument import Instrument
from floorwire.venues.binance import mapping as binance
from floorwire.venues.binance.messages import Symbol
from floorwire.venues.bybit import mapping as bybit
from floorwire.venues.bybit.messages import InstrumentRow as BybitRow
from floorwire.venues.coinbase import mapping as coinbase
from floorwire.venues.coinbase.messages import Product
from floorwire.venues.kraken import mapping as kraken
from floorwire.venues.okx import mapping as okx
from floorwire.venues.okx.messages import InstrumentRow as OkxRow

BINANCE = {
    "symbol": "ABCUSDT", "status": "TRADING", "baseAsset": "ABC", "quoteAsset": "USDT",
    "filters": [
        {"filterType": "LOT_SIZE", "stepSize": "0.00100000", "minQty": "0.01000000"},
        {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.00000000", "minQty": "0.50000000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
    ],
}  # fmt: skip
COINBASE = {
    "product_id": "ABC-USD", "base_currency_id": "ABC", "quote_currency_id": "USD", "base_increment": "0.001",
    "price_increment": "0.01", "base_min_size": "0.01", "quote_min_size": "5", "status": "online",
}  # fmt: skip
KRAKEN = {"wsname": "ABC/USD", "tick_size": "0.1", "lot_decimals": 3, "ordermin": "0.010", "costmin": "5"}
KRAKEN_STREAM = {
    "symbol": "ABC/USD", "base": "ABC", "quote": "USD", "status": "online", "price_increment": 0.1,
    "qty_increment": 0.001, "qty_min": 0.01, "cost_min": 5,
}  # fmt: skip
OKX = {
    "instType": "SPOT", "instId": "ABC-USDT", "baseCcy": "ABC", "quoteCcy": "USDT", "tickSz": "0.1",
    "lotSz": "0.001", "minSz": "0.01", "state": "live",
}  # fmt: skip
BYBIT = {
    "symbol": "ABCUSDT", "baseCoin": "ABC", "quoteCoin": "USDT", "status": "Trading",
    "lotSizeFilter": {"basePrecision": "0.001", "minOrderQty": "0.01", "minOrderAmt": "5"},
    "priceFilter": {"tickSize": "0.1"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("instrument", "quantity", "notional"),
    [
        (binance.instrument(msgspec.convert(BINANCE, Symbol), ""), "0.01", "5"),
        (coinbase.instrument(msgspec.convert(COINBASE, Product), ""), "0.01", "5"),
        (kraken.listed(msgspec.json.encode(KRAKEN), "")[1], "0.01", "5"),
        (kraken.listed(msgspec.json.encode(KRAKEN_STREAM), "")[1], "0.01", "5"),
        (okx.instrument(msgspec.convert(OKX, OkxRow), ""), "0.01", "0"),
        (bybit.instrument(msgspec.convert(BYBIT, BybitRow), ""), "0", "5"),
    ],
    ids=["binance", "coinbase", "kraken", "kraken stream", "okx", "bybit"],
)
def test_minima(instrument: Instrument, quantity: str, notional: str) -> None:
    assert (instrument.lot_size, instrument.min_quantity, instrument.min_notional) == (
        "0.001",
        quantity,
        notional,
    )


def test_a_record_without_a_least_quantity_is_read() -> None:
    record = Listed(okx.instrument(msgspec.convert(OKX, OkxRow), ""), 1)
    assert msgspec.json.decode(msgspec.json.encode(record), type=Listed) == record
    earlier = msgspec.json.decode(msgspec.json.encode(record))
    del earlier[1]["min_quantity"]
    assert msgspec.convert(earlier, Listed).instrument.min_quantity == "0"
