"""What a client does with the book channel, naively: apply the messages and check every one."""

from __future__ import annotations

from decimal import Decimal
from zlib import crc32

from msgspec import UNSET

from floorwire.protocol.channel_events import AnyEvent, BookEvent, WireLevel


class BookClient:
    """A book rebuilt from the messages of one subscription alone."""

    def __init__(self) -> None:
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}
        self.seq = 0

    def read(self, message: AnyEvent) -> None:
        """Apply a message; fail where it does not follow, or what comes out is not what it says."""
        assert isinstance(message, BookEvent)
        if message.type == "snapshot":
            assert message.prev is UNSET
            self.bids, self.asks = dict(message.bids), dict(message.asks)
        else:
            assert message.prev == self.seq, "an update out of turn"
            self._update(self.bids, message.bids)
            self._update(self.asks, message.asks)
        self.seq = message.seq
        assert max(len(self.bids), len(self.asks)) <= message.depth
        assert self.checksum() == message.checksum

    @staticmethod
    def _update(side: dict[str, str], levels: tuple[WireLevel, ...]) -> None:
        assert len({price for price, _ in levels}) == len(levels), "a level twice in one message"
        for price, size in levels:
            assert side.get(price, "0") != size, "a level that did not change"
            side[price] = size
            if size == "0":
                del side[price]

    def view(self) -> tuple[tuple[WireLevel, ...], tuple[WireLevel, ...]]:
        """Return bids and asks, best first."""
        bids = sorted(self.bids.items(), key=lambda level: -Decimal(level[0]))
        return tuple(bids), tuple(sorted(self.asks.items(), key=lambda level: Decimal(level[0])))

    def checksum(self) -> int:
        """Return the CRC32 as the protocol describes it."""
        bids, asks = self.view()
        return crc32("|".join(f"{price}:{size}" for price, size in bids[:10] + asks[:10]).encode())
