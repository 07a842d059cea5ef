"""What one client is subscribed to, and what each of its subscribe and unsubscribe requests changes.

It decides: authorization, options, contracts, and the most subscriptions of a connection. It joins no topic:
``hub/market_subscriptions.py`` and ``trading/private_subscriptions.py`` do.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET, UnsetType

from floorwire.core.account_events import PrivateChannel
from floorwire.core.authorization import Action, Principal, decide
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.requests import Names, OnSlow, Subscribe, Unsubscribe
from floorwire.protocol.session_decisions import (
    SubscribePrivate,
    SubscribeTopics,
    UnsubscribePrivate,
    UnsubscribeTopics,
)
from floorwire.protocol.topic_names import TopicCatalogue, TopicChoice, TopicName, VenueTopics

PRIVATE_ACTIONS: dict[PrivateChannel, Action] = {
    "orders": Action.ORDERS,
    "fills": Action.FILLS,
    "balances": Action.BALANCES,
    "positions": Action.POSITIONS,
}
"""Each private channel, and the action that a subscriber must be allowed to do."""
WITH_HISTORY = frozenset(("candles", "trades"))
"""Market channels whose subscriptions may begin with history."""
PRIVATE_CHANNELS: dict[str, PrivateChannel] = {channel: channel for channel in PRIVATE_ACTIONS}


class ClientSubscriptions:
    """The topics, private channels and venues that one client is subscribed to.

    ``limit``: the most topics and private channels at once. ``default_channel``: the channel of a request
    that names none, or None.
    """

    __slots__ = ("_catalogue", "_default_channel", "_limit", "private_channels", "topics", "venues")

    def __init__(self, catalogue: TopicCatalogue, limit: int, default_channel: str | None) -> None:
        self.topics: dict[TopicName, TopicChoice] = {}
        """The topics, as the client named them."""
        self.private_channels: dict[PrivateChannel, None] = {}
        """The private channels, in order."""
        self.venues: dict[VenueTopics, OnSlow] = {}
        """The venues all of whose symbols are subscribed to, and the contracts."""
        self._catalogue = catalogue
        self._limit = limit
        self._default_channel = default_channel

    def clear(self) -> None:
        """End all subscriptions."""
        self.topics.clear()
        self.private_channels.clear()
        self.venues.clear()

    def check_visible(self, before: Principal, principal: Principal, wall_us: int) -> None:
        """Raise Refusal if the principal may not see a subscription that was begun by the one ``before``."""
        for topic, choice in self.topics.items():
            if decide(principal, Action.SUBSCRIBE, wall_us, symbol=topic.symbol) is not None:
                raise _unsubscribe_first(_described(choice))
        for channel in self.private_channels:
            narrowed = principal.symbols != before.symbols
            if narrowed or decide(principal, PRIVATE_ACTIONS[channel], wall_us) is not None:
                raise _unsubscribe_first(channel)

    def subscribe(
        self, request: Subscribe, principal: Principal, wall_us: int
    ) -> SubscribeTopics | SubscribePrivate:
        """Decide on a subscribe. Raises Refusal."""
        channel = _private(request)
        if channel is not None:
            return self._subscribe_private(request, channel, principal, wall_us)
        require(principal, Action.SUBSCRIBE, wall_us)
        if request.history is not UNSET and (request.symbols is not UNSET or request.all is True):
            raise _bad("history", "of one symbol; subscribe to each by itself")
        if request.all is True:
            return self._subscribe_venue(request, principal)
        choices = self._choices(request)
        for choice in choices:
            require(principal, Action.SUBSCRIBE, wall_us, choice.topic.symbol, choice.asked)
        if request.resume is not UNSET and len(choices) > 1:
            raise _bad("resume", "a place in one stream; subscribe to each symbol by itself")
        if request.history is not UNSET and choices[0].topic.channel not in WITH_HISTORY:
            raise _bad("history", f"{choices[0].topic.channel} has none")
        for choice in choices:
            _check_contract(request.on_slow, choice.contracts, choice.topic.channel)
        added = {choice.topic: choice for choice in choices}
        if not self._has_room(added):
            raise self._too_many()
        self.topics.update(added)
        return SubscribeTopics(request, tuple(added.values()), self._is_minimal(request))

    def _subscribe_venue(self, request: Subscribe, principal: Principal) -> SubscribeTopics:
        if request.resume is not UNSET:
            raise _bad("resume", "a place in one stream; resume what you had first, then ask for all")
        venue, choices = self._choose_venue(request)
        _check_contract(request.on_slow, venue.contracts, venue.channel)
        seen = {choice.topic: choice for choice in choices if principal.sees(choice.topic.symbol or "")}
        if not self._has_room(seen):
            raise self._too_many()
        self.topics.update(seen)
        self.venues[venue] = venue.on_slow if request.on_slow is UNSET else request.on_slow
        return SubscribeTopics(request, tuple(seen.values()), minimal=False, venue=venue)

    def add_listed(self, venue: VenueTopics, choice: TopicChoice, principal: Principal) -> bool | None:
        """Add a topic of a symbol that one of ``venues`` listed.

        Return False if that is one too many. None: it was there, or the principal may not see it.
        """
        symbol = choice.topic.symbol
        if choice.topic in self.topics or venue not in self.venues or symbol is None:
            return None
        if not principal.sees(symbol):
            return None
        if not self._has_room({choice.topic: choice}):
            return False
        self.topics[choice.topic] = choice
        return True

    def _has_room(self, added: Mapping[TopicName, TopicChoice]) -> bool:
        return len(self.topics.keys() | added.keys()) + len(self.private_channels) <= self._limit

    @property
    def _count(self) -> int:
        return len(self.topics) + len(self.private_channels)

    def _subscribe_private(
        self, request: Subscribe, channel: PrivateChannel, principal: Principal, wall_us: int
    ) -> SubscribePrivate:
        require(principal, PRIVATE_ACTIONS[channel], wall_us)
        if request.on_slow is not UNSET and request.on_slow != "disconnect":
            raise _bad("on_slow", f"{channel} takes disconnect")
        if request.history is not UNSET:
            raise _bad("history", f"{channel} has none")
        if channel not in self.private_channels and self._count >= self._limit:
            raise self._too_many()
        self.private_channels[channel] = None
        return SubscribePrivate(request, channel)

    def unsubscribe(self, request: Unsubscribe) -> UnsubscribeTopics | UnsubscribePrivate:
        """Decide on an unsubscribe. Raises Refusal."""
        if request.gives_only("id"):
            return self._unsubscribe_everything(request)
        channel = _private(request)
        if channel is not None:
            if channel not in self.private_channels:
                raise Refusal(Code.NOT_SUBSCRIBED, f"not subscribed to {channel}")
            del self.private_channels[channel]
            return UnsubscribePrivate(request, channel)
        if request.all is True:
            return self._unsubscribe_venue(request)
        choices = {choice.topic: choice for choice in self._choices(request)}
        for topic, choice in choices.items():
            if topic not in self.topics:
                raise Refusal(Code.NOT_SUBSCRIBED, f"not subscribed to {_described(choice)}")
        for topic in choices:
            del self.topics[topic]
        return UnsubscribeTopics(request, tuple(choices.values()), self._is_minimal(request))

    def _unsubscribe_venue(self, request: Unsubscribe) -> UnsubscribeTopics:
        venue, choices = self._choose_venue(request)
        if venue not in self.venues:
            raise Refusal(Code.NOT_SUBSCRIBED, f"not subscribed to all {venue.channel} of {venue.venue}")
        del self.venues[venue]
        is_left = any(other.venue == venue.venue for other in self.venues)
        unfollowed = frozenset(() if is_left else (venue.venue,))
        left = [choice for choice in choices if self.topics.pop(choice.topic, None) is not None]
        return UnsubscribeTopics(request, tuple(left), minimal=False, venue=venue, unfollowed=unfollowed)

    def _unsubscribe_everything(self, request: Unsubscribe) -> UnsubscribeTopics:
        choices, private = tuple(self.topics.values()), tuple(self.private_channels)
        unfollowed = frozenset(venue.venue for venue in self.venues)
        self.clear()
        return UnsubscribeTopics(
            request,
            choices,
            minimal=False,
            is_everything=True,
            private=private,
            unfollowed=unfollowed,
        )

    def _is_minimal(self, request: Subscribe | Unsubscribe) -> bool:
        return self._default_channel is not None and request.is_minimal()

    def _channel(self, request: Names) -> str:
        channel = request.channel if request.channel is not UNSET else self._default_channel
        if channel is None:
            raise _bad("channel", "missing")
        return channel

    def _choose_venue(self, request: Names) -> tuple[VenueTopics, list[TopicChoice]]:
        """Return the topics of a venue, and those that there are now. What they cost is charged."""
        for name in ("symbol", "symbols"):
            if getattr(request, name) is not UNSET:
                raise _bad(name, "all names the symbols")
        venue = None if request.venue is UNSET else request.venue
        return self._catalogue.choose_venue(self._channel(request), venue, *_options(request))

    def _choices(self, request: Names) -> list[TopicChoice]:
        channel = self._channel(request)
        if request.venue is not UNSET:
            raise _bad("venue", "only with all")
        if request.symbol is not UNSET and request.symbols is not UNSET:
            raise _bad("symbols", "give symbol or symbols, not both")
        options = _options(request)
        if request.symbols is not UNSET:
            if len(request.symbols) > self._limit:
                raise self._too_many()
            return [self._catalogue.choose(channel, symbol, *options) for symbol in request.symbols]
        symbol = None if request.symbol is UNSET else request.symbol
        return [self._catalogue.choose(channel, symbol, *options)]

    def _too_many(self) -> Refusal:
        return Refusal(
            Code.TOO_MANY_SUBSCRIPTIONS,
            f"a connection may hold {self._limit}",
            {"limit": self._limit, "held": self._count},
        )


def require(
    principal: Principal, action: Action, wall_us: int, symbol: str | None = None, shown: str | None = None
) -> None:
    """Raise Refusal if the principal may not do the action. ``shown``: the symbol in the client's words."""
    refusal = decide(principal, action, wall_us, symbol=symbol, shown=shown)
    if refusal is not None:
        raise refusal


def _private(request: Names) -> PrivateChannel | None:
    """Return the private channel that the request names, or None. Private channels have no options."""
    channel = None if request.channel is UNSET else PRIVATE_CHANNELS.get(request.channel)
    if channel is not None:
        for name in ("symbol", "symbols", "all", "venue", "depth", "interval", "closed_only"):
            if getattr(request, name) is not UNSET:
                raise _bad(name, f"{channel} has none")
    return channel


def _options(request: Names) -> tuple[int | None, str | None, bool]:
    """Return depth, interval and whether only closed candles are asked for."""
    depth = None if request.depth is UNSET else request.depth
    interval = None if request.interval is UNSET else request.interval
    return depth, interval, request.closed_only is True


def _check_contract(on_slow: OnSlow | UnsetType, contracts: frozenset[OnSlow], channel: str) -> None:
    if on_slow is not UNSET and on_slow not in contracts:
        raise _bad("on_slow", f"{channel} takes {', '.join(sorted(contracts))}")


def _unsubscribe_first(what: str) -> Refusal:
    return Refusal(Code.FORBIDDEN, f"unsubscribe first from {what}: the key may not see it")


def _bad(field: str, message: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, f"{field}: {message}", {"field": field})


def _described(choice: TopicChoice) -> str:
    """Return the topic in the client's words."""
    topic = choice.topic
    return " ".join(str(part) for part in (topic.channel, choice.asked, topic.option) if part is not None)
