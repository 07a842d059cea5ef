"""Makes the recordings in ``sessions``: markets invented by a seed, in the words of the exchanges.

``python -m tests.recorded.make`` writes them anew. A test checks that the files are what this makes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "sessions"
SECOND_US = 1_000_000
START_US = 1_720_000_020 * SECOND_US
LENGTH_US = 12 * SECOND_US
STEP_US = 100_000
SHOWN = 12
"""So many levels a side at the start."""


class Product(NamedTuple):
    """One invented product; prices in units of ten to the power ``-decimals``."""

    base: str
    quote: str
    decimals: int
    lot_decimals: int
    start_ticks: int

    def price(self, ticks: int, decimals: int | None = None) -> str:
        return _decimal(ticks, self.decimals, self.decimals if decimals is None else decimals)

    def size(self, lots: int, decimals: int | None = None) -> str:
        return _decimal(lots, self.lot_decimals, self.lot_decimals if decimals is None else decimals)


def _decimal(units: int, decimals: int, shown: int) -> str:
    digits = str(units).zfill(decimals + 1)
    fraction = digits[-decimals:] if decimals else ""
    whole = digits[: len(digits) - decimals]
    fraction = fraction.ljust(shown, "0")
    return f"{whole}.{fraction}" if fraction else whole


PRODUCTS = (
    Product("ABC", "USDT", 2, 3, 150_025),
    Product("XYZ", "EUR", 4, 1, 5_004),
    Product("QRS", "USDT", 3, 2, 71_250),
)


class Print(NamedTuple):
    """A trade; ``side`` is the taker's."""

    trade_id: int
    side: str
    ticks: int
    lots: int
    is_whole: bool
    """Whether the level went with it."""


class Market:
    """One product's book and figures, and a dice that moves them."""

    def __init__(self, product: Product, dice: random.Random) -> None:
        self.product = product
        self._dice = dice
        mid = product.start_ticks
        self.bids = {mid - place: self._size() for place in range(1, SHOWN + 1)}
        self.asks = {mid + place: self._size() for place in range(1, SHOWN + 1)}
        self.trade_id = 1_000
        self.open = self.high = self.low = self.last = mid
        self.volume = 0

    def _size(self) -> int:
        return self._dice.randrange(1, 5_000)

    def best(self) -> tuple[int, int, int, int]:
        bid, ask = max(self.bids), min(self.asks)
        return bid, self.bids[bid], ask, self.asks[ask]

    def move(self) -> tuple[list[tuple[str, int, int]], Print | None]:
        """Return the levels that changed, as (side, ticks, lots), and the trade that did it."""
        roll = self._dice.random()
        if roll < 0.22:
            return self._trade()
        side = self._dice.choice(("buy", "sell"))
        levels, sign = (self.bids, 1) if side == "buy" else (self.asks, -1)
        bid, _, ask, _ = self.best()
        near = bid if side == "buy" else ask
        better = self._dice.random() < 0.3 and ask - bid > 1
        ticks = near + sign if better else near - sign * self._dice.randrange(0, SHOWN)
        if roll < 0.4 and ticks in levels and len(levels) > 4:
            del levels[ticks]
            return [(side, ticks, 0)], None
        levels[ticks] = self._size()
        return [(side, ticks, levels[ticks])], None

    def _trade(self) -> tuple[list[tuple[str, int, int]], Print | None]:
        taker = self._dice.choice(("buy", "sell"))
        maker, levels = ("sell", self.asks) if taker == "buy" else ("buy", self.bids)
        bid, bid_lots, ask, ask_lots = self.best()
        ticks, shown = (ask, ask_lots) if taker == "buy" else (bid, bid_lots)
        whole = len(levels) > 4 and self._dice.random() < 0.4
        lots = shown if whole else self._dice.randrange(1, shown + 1)
        if lots == shown and len(levels) <= 4:
            return [], None
        if lots == shown:
            del levels[ticks]
        else:
            levels[ticks] -= lots
        self.trade_id += 1
        self.last, self.volume = ticks, self.volume + lots
        self.high, self.low = max(self.high, ticks), min(self.low, ticks)
        return [(maker, ticks, shown - lots)], Print(self.trade_id, taker, ticks, lots, lots == shown)


def seconds(us: int) -> str:
    return f"{us // SECOND_US}.{us % SECOND_US:06d}"


def text(said: object) -> str:
    return json.dumps(said, separators=(",", ":"))


def iso(us: int) -> str:
    at = datetime.fromtimestamp(us // SECOND_US, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{us % SECOND_US:06d}Z"


# --- Binance ------------------------------------------------------------------------------------------


def binance(seed: int = 1) -> dict[str, str]:
    """Return the files of a session of Binance: differences, snapshots, trades, klines, tickers."""
    dice = random.Random(seed)
    markets = [Market(product, dice) for product in PRODUCTS]
    natives = [f"{product.base}{product.quote}" for product in PRODUCTS]
    kinds = ("depth@100ms", "aggTrade", "bookTicker", "ticker", "kline_1m")
    names = "/".join(f"{native.lower()}@{kind}" for native in natives for kind in kinds)
    lines = [f"wss://stream.binance.com:9443/stream?streams={names} <-> {seconds(START_US - SECOND_US)}"]
    books: list[str] = []
    ids = dict.fromkeys(natives, 7_000)
    for at_us in range(START_US, START_US + LENGTH_US, STEP_US):
        for market, native in zip(markets, natives, strict=True):
            lines += _binance_step(market, native, ids, at_us, dice)
            if at_us == START_US + 15 * STEP_US:
                books.append(_binance_snapshot(market, native, ids[native], at_us))
    url = "https://api.binance.com/api/v3/exchangeInfo"
    listed = f"{url} -> {seconds(START_US - 2 * SECOND_US)}: {text(_binance_list())}"
    return {
        "BINANCE.0": listed + "\n",
        "BINANCE.http.0.0": "\n".join(books) + "\n",
        "BINANCE.ws.1.0": "\n".join(lines) + "\n",
    }


def _binance_list() -> dict[str, object]:
    return {
        "symbols": [
            {
                "symbol": f"{of.base}{of.quote}",
                "status": "TRADING",
                "baseAsset": of.base,
                "quoteAsset": of.quote,
                "filters": [
                    {"filterType": "PRICE_FILTER", "tickSize": of.price(1, 8)},
                    {"filterType": "LOT_SIZE", "stepSize": of.size(1, 8)},
                    {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
                ],
            }
            for of in PRODUCTS
        ]
    }


def _binance_snapshot(market: Market, native: str, last_id: int, at_us: int) -> str:
    of = market.product
    bids = [[of.price(p, 8), of.size(lots, 8)] for p, lots in sorted(market.bids.items(), reverse=True)]
    asks = [[of.price(p, 8), of.size(lots, 8)] for p, lots in sorted(market.asks.items())]
    off_tick = _decimal(market.product.start_ticks * 9 // 10 * 10 + 5, of.decimals + 1, 8)
    bids.append([off_tick, of.size(700, 8)])
    said = {"lastUpdateId": last_id, "bids": bids, "asks": asks}
    url = f"https://api.binance.com/api/v3/depth?symbol={native}&limit=100"
    return f"{url} -> {seconds(at_us + 40_000)}: {text(said)}"


def _binance_step(
    market: Market, native: str, ids: dict[str, int], at_us: int, dice: random.Random
) -> Iterator[str]:
    of, changed = market.product, dict[tuple[str, int], int]()
    first = ids[native] + 1
    for number in range(dice.randrange(0, 4)):
        now_us = at_us + number * 20_000
        before = market.best()
        levels, traded = market.move()
        for side, ticks, lots in levels:
            ids[native] += 1
            changed[side, ticks] = lots
        if market.best() != before:
            bid, bid_lots, ask, ask_lots = market.best()
            said = {"u": ids[native], "s": native, "b": of.price(bid, 8), "B": of.size(bid_lots, 8)}
            said |= {"a": of.price(ask, 8), "A": of.size(ask_lots, 8)}
            yield _combined(native, "bookTicker", said, now_us + 1_000)
        if traded is not None:
            yield from _binance_trade(market, native, traded, now_us)
    if changed:
        sides = {
            key: [[of.price(p, 8), of.size(lots, 8)] for (on, p), lots in changed.items() if on == side]
            for side, key in (("buy", "b"), ("sell", "a"))
        }
        said = {"e": "depthUpdate", "E": (at_us + 90_000) // 1000, "s": native, "U": first, "u": ids[native]}
        yield _combined(native, "depth@100ms", said | sides, at_us + 95_000)
    if at_us % SECOND_US == 0:
        yield _combined(native, "ticker", _binance_day(market, native, at_us), at_us + 97_000)


def _binance_trade(market: Market, native: str, traded: Print, now_us: int) -> Iterator[str]:
    of, ms = market.product, now_us // 1000
    said: dict[str, object] = {"e": "aggTrade", "E": ms + 2, "s": native, "a": traded.trade_id - 100}
    said |= {"p": of.price(traded.ticks, 8), "q": of.size(traded.lots, 8)}
    said |= {"f": traded.trade_id, "l": traded.trade_id, "T": ms, "m": traded.side == "sell", "M": True}
    yield _combined(native, "aggTrade", said, now_us + 4_000)
    start = now_us - now_us % (60 * SECOND_US)
    bar: dict[str, object] = {"t": start // 1000, "T": start // 1000 + 59_999, "s": native, "i": "1m"}
    prices = {"o": market.open, "h": market.high, "l": market.low, "c": traded.ticks}
    bar |= {key: of.price(ticks, 8) for key, ticks in prices.items()}
    bar |= {"v": of.size(market.volume, 8), "n": market.trade_id - 1_000, "x": False}
    yield _combined(native, "kline_1m", {"e": "kline", "E": ms + 5, "s": native, "k": bar}, now_us + 6_000)


def _binance_day(market: Market, native: str, at_us: int) -> dict[str, object]:
    of = market.product
    prices = {"o": market.open, "h": market.high, "l": market.low, "c": market.last}
    day: dict[str, object] = {"e": "24hrTicker", "E": at_us // 1000 + 96, "s": native}
    day |= {key: of.price(ticks, 8) for key, ticks in prices.items()}
    turnover = _decimal(market.volume * market.last, of.decimals + of.lot_decimals, 8)
    return day | {"v": of.size(market.volume, 8), "q": turnover}


def _combined(native: str, stream: str, said: object, at_us: int) -> str:
    return f"{seconds(at_us)}: {text({'stream': f'{native.lower()}@{stream}', 'data': said})}"


# --- Coinbase -----------------------------------------------------------------------------------------


def coinbase(seed: int = 2) -> dict[str, str]:
    """Return the files of a session of Coinbase Exchange: level2, matches, ticker, heartbeat."""
    dice = random.Random(seed)
    markets = [Market(product, dice) for product in PRODUCTS]
    ids = [f"{product.base}-{product.quote}" for product in PRODUCTS]
    url, at_us = "wss://ws-feed.exchange.coinbase.com", START_US - SECOND_US
    asked = {
        "type": "subscribe",
        "product_ids": ids,
        "channels": ["level2", "matches", "ticker", "heartbeat"],
    }
    lines = [f"{url} <-> {seconds(at_us)}", f"{url} <- {seconds(at_us + 9_000)}: {text(asked)}"]
    lines += [f"{seconds(at_us + 20_000)}: {text({'type': 'subscriptions', 'channels': []})}"]
    for market, name in zip(markets, ids, strict=True):
        at_us += 30_000
        lines.append(f"{seconds(at_us)}: {text(_coinbase_snapshot(market, name, at_us - 2_000))}")
        last = Print(market.trade_id, "sell", market.last, 700, is_whole=False)
        said = _coinbase_match(market, name, last, "last_match", at_us - 700_000)
        lines.append(f"{seconds(at_us + 1_000)}: {text(said)}")
        lines.append(
            f"{seconds(at_us + 2_000)}: {text(_coinbase_ticker(market, name, last, at_us - 700_000))}"
        )
    for at_us in range(START_US, START_US + LENGTH_US, STEP_US):
        for market, name in zip(markets, ids, strict=True):
            lines += _coinbase_step(market, name, at_us, dice)
    listed = f"https://api.exchange.coinbase.com/products -> {seconds(START_US - 2 * SECOND_US)}: "
    return {
        "COINBASE.0": listed + text([_coinbase_product(of) for of in PRODUCTS]) + "\n",
        "COINBASE.ws.28.0": "\n".join(lines) + "\n",
    }


def _coinbase_product(of: Product) -> dict[str, object]:
    names = {"id": f"{of.base}-{of.quote}", "base_currency": of.base, "quote_currency": of.quote}
    steps = {"quote_increment": of.price(1), "base_increment": of.size(1), "min_market_funds": "1"}
    return names | steps | {"status": "online", "trading_disabled": False}


def _coinbase_snapshot(market: Market, name: str, at_us: int) -> dict[str, object]:
    of = market.product
    bids = [[of.price(p), of.size(lots)] for p, lots in sorted(market.bids.items(), reverse=True)]
    asks = [[of.price(p), of.size(lots)] for p, lots in sorted(market.asks.items())]
    return {"type": "snapshot", "product_id": name, "bids": bids, "asks": asks, "time": iso(at_us)}


def _coinbase_match(market: Market, name: str, of: Print, kind: str, at_us: int) -> dict[str, object]:
    maker = {"buy": "sell", "sell": "buy"}[of.side]
    said: dict[str, object] = {"type": kind, "trade_id": of.trade_id, "side": maker, "product_id": name}
    said |= {"size": market.product.size(of.lots), "price": market.product.price(of.ticks)}
    return said | {"sequence": of.trade_id * 10, "time": iso(at_us)}


def _coinbase_ticker(market: Market, name: str, last: Print, at_us: int) -> dict[str, object]:
    of = market.product
    bid, bid_lots, ask, ask_lots = market.best()
    said: dict[str, object] = {"type": "ticker", "sequence": last.trade_id * 10, "product_id": name}
    said |= {
        "price": of.price(last.ticks),
        "open_24h": of.price(market.open),
        "volume_24h": of.size(market.volume),
    }
    said |= {"low_24h": of.price(market.low), "high_24h": of.price(market.high), "volume_30d": "9999"}
    said |= {"best_bid": of.price(bid), "best_bid_size": of.size(bid_lots)}
    said |= {"best_ask": of.price(ask), "best_ask_size": of.size(ask_lots), "side": last.side}
    return said | {"time": iso(at_us), "trade_id": last.trade_id, "last_size": of.size(last.lots)}


def _coinbase_step(market: Market, name: str, at_us: int, dice: random.Random) -> Iterator[str]:
    of = market.product
    for number in range(dice.randrange(0, 4)):
        now_us = at_us + number * 20_000
        levels, traded = market.move()
        if levels:
            changes = [[side, of.price(p), of.size(lots)] for side, p, lots in levels]
            said = {"type": "l2update", "product_id": name, "changes": changes, "time": iso(now_us)}
            yield f"{seconds(now_us + 3_000)}: {text(said)}"
        if traded is not None:
            yield f"{seconds(now_us + 4_000)}: {text(_coinbase_match(market, name, traded, 'match', now_us))}"
            yield f"{seconds(now_us + 5_000)}: {text(_coinbase_ticker(market, name, traded, now_us))}"
    if at_us % SECOND_US == 0:
        beat = {"type": "heartbeat", "last_trade_id": market.trade_id, "product_id": name}
        beat |= {"sequence": market.trade_id * 10 + 5, "time": iso(at_us + 90_000)}
        yield f"{seconds(at_us + 95_000)}: {text(beat)}"


# --- Coinbase Advanced Trade --------------------------------------------------------------------------


def advanced(seed: int = 3) -> dict[str, str]:
    """Return the file of a session of Advanced Trade, with books, trades, tickers, candles, heartbeats."""
    dice = random.Random(seed)
    market, name = Market(PRODUCTS[0], dice), f"{PRODUCTS[0].base}-{PRODUCTS[0].quote}"
    url, at_us, of = "wss://advanced-trade-ws.coinbase.com", START_US - SECOND_US, PRODUCTS[0]
    asked = {"type": "subscribe", "product_ids": [name], "channel": "level2"}
    said: list[tuple[int, str, list[dict[str, object]]]] = [
        (at_us, "l2_data", [_l2(market, name, "snapshot", [*_levels(market)], at_us)])
    ]
    for at_us in range(START_US, START_US + LENGTH_US, STEP_US):
        for number in range(dice.randrange(0, 4)):
            now_us = at_us + number * 20_000
            levels, traded = market.move()
            if levels:
                said.append((now_us, "l2_data", [_l2(market, name, "update", levels, now_us)]))
            if traded is not None:
                trade = {"trade_id": str(traded.trade_id), "product_id": name, "side": traded.side.upper()}
                trade |= {"price": of.price(traded.ticks), "size": of.size(traded.lots), "time": iso(now_us)}
                said.append((now_us, "market_trades", [{"type": "update", "trades": [trade]}]))
        if at_us % SECOND_US == 0:
            said += _advanced_second(market, name, at_us + 80_000)
    lines = [f"{url} <-> {seconds(START_US - 2 * SECOND_US)}"]
    lines.append(f"{url} <- {seconds(START_US - 2 * SECOND_US)}: {text(asked)}")
    for number, (us, channel, happened) in enumerate(said):
        head = {"channel": channel, "client_id": "", "timestamp": iso(us), "sequence_num": number}
        lines.append(f"{seconds(us + 3_000)}: {text(head | {'events': happened})}")
    return {"ADVANCED.ws.1.0": "\n".join(lines) + "\n"}


def _levels(market: Market) -> Iterator[tuple[str, int, int]]:
    for side, levels in (("buy", market.bids), ("sell", market.asks)):
        yield from ((side, ticks, lots) for ticks, lots in levels.items())


def _l2(
    market: Market, name: str, kind: str, levels: list[tuple[str, int, int]], at_us: int
) -> dict[str, object]:
    of = market.product
    updates = [
        {
            "side": "bid" if side == "buy" else "offer",
            "event_time": iso(at_us),
            "price_level": of.price(ticks),
            "new_quantity": of.size(lots),
        }
        for side, ticks, lots in levels
    ]
    return {"type": kind, "product_id": name, "updates": updates}


def _advanced_second(
    market: Market, name: str, at_us: int
) -> Iterator[tuple[int, str, list[dict[str, object]]]]:
    of = market.product
    bid, bid_lots, ask, ask_lots = market.best()
    ticker = {"type": "ticker", "product_id": name, "price": of.price(market.last), "best_bid": of.price(bid)}
    ticker |= {"best_bid_quantity": of.size(bid_lots), "best_ask": of.price(ask)}
    ticker |= {"best_ask_quantity": of.size(ask_lots)}
    yield at_us, "ticker", [{"type": "update", "tickers": [ticker]}]
    start = at_us // SECOND_US - at_us // SECOND_US % 300
    candle = {"start": str(start), "product_id": name, "open": of.price(market.open)}
    candle |= {"high": of.price(market.high), "low": of.price(market.low), "close": of.price(market.last)}
    yield at_us, "candles", [{"type": "update", "candles": [candle | {"volume": of.size(market.volume)}]}]
    beat = {"current_time": iso(at_us), "heartbeat_counter": (at_us - START_US) // SECOND_US}
    yield at_us, "heartbeats", [beat]


def all_files() -> dict[str, str]:
    """Return every file by its name."""
    return binance() | coinbase() | advanced()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in all_files().items():
        (FOLDER / name).write_text(content)
