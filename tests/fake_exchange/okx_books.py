"""OKX's books of one instrument: the levels that were sent, what changed since, sequence and checksum."""

import zlib
from itertools import chain, zip_longest

from tests.fake_exchange import okx_messages as messages
from tests.fake_exchange.market import Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Side

DEPTH = 400
CHECKED = 25
Level = list[str]  # price, size, "0", number of orders
Levels = dict[int, tuple[int, int]]  # price: lots and number of orders


class SentBook:
    """What subscribers of `books` have. All of them have the same."""

    def __init__(self, core: MatchingCore, market: Market) -> None:
        self.market = market
        self.seq_id = core.update_ids[market.symbol]
        self.sent_us = 0
        self._core = core
        self._levels: dict[Side, Levels] = {side: self._now(side) for side in Side}

    def snapshot(self, depth: int = DEPTH) -> dict[str, list[Level]]:
        return {
            name: [self._level(p, *kept) for p, kept in list(self._levels[side].items())[:depth]]
            for side, name in ((Side.SELL, "asks"), (Side.BUY, "bids"))
        }

    def take_changes(self) -> dict[str, list[Level]] | None:
        """The levels that are other than those that were sent, or None if none are."""
        changes: dict[str, list[Level]] = {}
        for side, name in ((Side.SELL, "asks"), (Side.BUY, "bids")):
            before, after = self._levels[side], self._now(side)
            changed = [self._level(p, *kept) for p, kept in after.items() if before.get(p) != kept]
            # Levels that are pushed out of the depth are deleted too.
            changes[name] = changed + [self._level(p, 0, 0) for p in before if p not in after]
            self._levels[side] = after
        return changes if changes["asks"] or changes["bids"] else None

    def checksum(self) -> int:
        """OKX: CRC32 of the best 25 levels, bid and ask by turns, as a signed number."""
        book = self.snapshot(CHECKED)
        pairs = chain.from_iterable(zip_longest(book["bids"], book["asks"]))
        text = ":".join(f"{level[0]}:{level[1]}" for level in pairs if level is not None)
        checksum = zlib.crc32(text.encode())
        return checksum - (1 << 32) if checksum >= 1 << 31 else checksum

    def _now(self, side: Side) -> Levels:
        symbol = self.market.symbol
        counts = self._core.level_orders(symbol, side)
        return {p: (lots, counts[p]) for p, lots in self._core.levels(symbol, side)[:DEPTH]}

    def _level(self, price_ticks: int, lots: int, orders: int) -> Level:
        price = messages.price_text(self.market, price_ticks)
        return [price, messages.size_text(self.market, lots), "0", str(orders)]
