"""A catalogue for sessions under test: two channels with symbols, one without."""

from __future__ import annotations

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.requests import OnSlow
from floorwire.protocol.topic_names import TopicChoice, TopicName, VenueTopics

CONTRACTS: dict[str, frozenset[OnSlow]] = {
    "ticker": frozenset(("conflate", "skip", "disconnect")),
    "book": frozenset(("conflate", "disconnect")),
    "heartbeat": frozenset(("conflate",)),
}


class Shelf:
    """Every upper-case symbol on ``ticker`` and ``book``; ``heartbeat`` has none."""

    def choose(
        self, channel: str, symbol: str | None, depth: int | None, interval: str | None, closed_only: bool
    ) -> TopicChoice:
        """Return what the names name; lower case names the same symbol."""
        if channel not in CONTRACTS:
            raise Refusal(Code.UNKNOWN_CHANNEL, channel)
        if (symbol is None) != (channel == "heartbeat"):
            raise Refusal(Code.BAD_REQUEST, "symbol", {"field": "symbol"})
        if symbol is not None and not symbol.isalpha():
            raise Refusal(Code.UNKNOWN_SYMBOL, symbol)
        if channel != "book" and depth is not None:
            raise Refusal(Code.BAD_REQUEST, "depth", {"field": "depth"})
        name = TopicName(channel, symbol and symbol.upper(), depth if interval is None else interval)
        return TopicChoice(name, symbol, "conflate", CONTRACTS[channel])

    def choose_venue(
        self, channel: str, venue: str | None, depth: int | None, interval: str | None, closed_only: bool
    ) -> tuple[VenueTopics, list[TopicChoice]]:
        """Return the topics of three symbols, which every venue has."""
        topics = VenueTopics(channel, venue or "default", depth, "conflate", CONTRACTS[channel])
        return topics, [topics.of(symbol, symbol) for symbol in ("AAA", "BBB", "CCC")]
