"""Names of topics: one stream of events, all streams of a venue, and the catalogue of what there is."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeAlias

from floorwire.protocol.requests import OnSlow


class ClosedCandles(NamedTuple):
    """The option of candles that come only when they are closed."""

    interval: str

    def __str__(self) -> str:
        return f"{self.interval}, closed only"


TopicOption: TypeAlias = int | str | ClosedCandles | None
"""The option of a stream: the depth of a book, the interval of candles."""


class TopicName(NamedTuple):
    """Channel, canonical symbol (None where the channel has none) and option."""

    channel: str
    symbol: str | None
    option: TopicOption


class TopicChoice(NamedTuple):
    """The topic that a request names. ``asked``: the symbol as the client wrote it.

    ``on_slow``: the default contract for slow clients. ``contracts``: those that the client may choose.
    """

    topic: TopicName
    asked: str | None
    on_slow: OnSlow
    contracts: frozenset[OnSlow]


class VenueTopics(NamedTuple):
    """The topics of all symbols of a venue: those of a channel with an option."""

    channel: str
    venue: str
    option: TopicOption
    on_slow: OnSlow
    contracts: frozenset[OnSlow]

    def of(self, symbol: str, shown: str) -> TopicChoice:
        """Return the topic of one symbol. ``shown``: the symbol as clients know it."""
        name = TopicName(self.channel, symbol, self.option)
        return TopicChoice(name, shown, self.on_slow, self.contracts)


class TopicCatalogue(Protocol):
    """All topics that clients may subscribe to."""

    def choose(
        self, channel: str, symbol: str | None, depth: int | None, interval: str | None, closed_only: bool
    ) -> TopicChoice:
        """Return the topic. Raises Refusal (unknown_channel, unknown_symbol, bad_request)."""
        ...

    def choose_venue(
        self, channel: str, venue: str | None, depth: int | None, interval: str | None, closed_only: bool
    ) -> tuple[VenueTopics, list[TopicChoice]]:
        """Return the topics of a venue, None: the default one, and those that there are now.

        Raises Refusal (unknown_channel, bad_request).
        """
        ...
