"""OKX's book of one instrument: its levels as texts, sequence and checksum."""

import zlib
from itertools import chain, zip_longest

from tests.fake_exchange.market import Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.okx import messages
from tests.fake_exchange.orders import Side
from tests.fake_exchange.sent_levels import Levels, SentLevels

DEPTH = 400
CHECKED = 25
TextLevels = dict[str, list[list[str]]]  # price, size, "0", number of orders


class SentBook:
    """What subscribers of `books` have."""

    def __init__(self, core: MatchingCore, market: Market) -> None:
        self.market = market
        self.seq_id = core.update_ids[market.symbol]
        self.sent_us = 0
        self._levels = SentLevels(core, market, DEPTH, counts_orders=True)

    def snapshot(self, depth: int = DEPTH) -> TextLevels:
        return self._texts(self._levels.snapshot(depth))

    def take_changes(self) -> TextLevels | None:
        changes = self._levels.take_changes()
        return None if changes is None else self._texts(changes)

    def checksum(self) -> int:
        """OKX: CRC32 of the best 25 levels, bid and ask by turns, as a signed number."""
        book = self.snapshot(CHECKED)
        pairs = chain.from_iterable(zip_longest(book["bids"], book["asks"]))
        text = ":".join(f"{level[0]}:{level[1]}" for level in pairs if level is not None)
        checksum = zlib.crc32(text.encode())
        return checksum - (1 << 32) if checksum >= 1 << 31 else checksum

    def _texts(self, levels: Levels) -> TextLevels:
        market = self.market
        return {
            name: [
                [messages.price_text(market, price), messages.size_text(market, lots), "0", str(orders)]
                for price, lots, orders in levels[side]
            ]
            for name, side in (("asks", Side.SELL), ("bids", Side.BUY))
        }
