"""Subscribes a client to the symbols that a venue lists, if it is subscribed to all symbols of the venue."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from floorwire.core.codes import Code
from floorwire.hub.client_transport import ClientTransport
from floorwire.hub.hub import Hub
from floorwire.hub.topic_join import join
from floorwire.protocol.channel_events import ListedNotice
from floorwire.protocol.requests import OnSlow
from floorwire.protocol.session import Session
from floorwire.protocol.topic_names import TopicChoice, VenueTopics


class ListingFollower:
    """One client, and the symbols that its venues listed and that it is not subscribed to yet.

    It subscribes to one symbol in each turn. A symbol waits once, so no more wait than the venues have.
    """

    __slots__ = ("_client", "_hub", "_session", "_symbols", "venues")

    def __init__(self, hub: Hub, client: ClientTransport, session: Session) -> None:
        self._hub = hub
        self._client = client
        self._session = session
        self._symbols: dict[str, None] = {}
        self.venues: dict[str, None] = {}
        """The venues whose listings are followed."""

    def listed(self, symbols: Iterable[str]) -> None:
        """A venue listed these symbols."""
        if not self._client.is_open:
            return
        if not self._symbols:
            self._hub.turns.add(self._join_next, self._client.network)
        self._symbols.update(dict.fromkeys(symbols))

    def _join_next(self) -> bool:
        if not self._client.is_open or not self._symbols:
            return False
        symbol = next(iter(self._symbols))
        del self._symbols[symbol]
        instrument = self._hub.market.states[symbol].instrument
        for venue, on_slow in list(self._session.subscriptions.venues.items()):
            if instrument is not None and venue.venue == instrument.venue:
                self._join(venue, venue.of(symbol, instrument.symbol), on_slow)
        self._client.flush()
        return bool(self._symbols)

    def _join(self, venue: VenueTopics, choice: TopicChoice, on_slow: OnSlow) -> None:
        client, session = self._client, self._session
        is_added = session.subscriptions.add_listed(venue, choice, session.principal)
        if is_added is None:
            return
        joined = join(self._hub, client, choice, on_slow, None) if is_added else None
        client.send(
            ListedNotice(
                channel=venue.channel,
                symbol=choice.asked or "",
                venue=venue.venue,
                subscription=UNSET if joined is None else joined.row,
                code=UNSET if is_added else Code.TOO_MANY_SUBSCRIPTIONS.value,
                sent=self._hub.moment().stamp_us,
            )
        )
        if joined is not None and client.is_open:
            client.send_first_frames(joined.subscription, joined.first_frames)
