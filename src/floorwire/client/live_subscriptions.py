"""The subscriptions of one connection: sends them again after each cut, and gives each event to its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from msgspec import UNSET

from floorwire.client.errors import ClientError, RequestRefusedError
from floorwire.client.event_routes import TOPICS, Route, notice_topic
from floorwire.client.pending_requests import PendingRequests, Reply
from floorwire.client.subscription import State, Subscription
from floorwire.client.venue_subscription import VenueSubscription
from floorwire.core.codes import Code
from floorwire.protocol.channel_events import ListedNotice, SkippedNotice, TradesFeed
from floorwire.protocol.client_codec import ServerMessage
from floorwire.protocol.market_replies import CandleHistory, TradeHistory
from floorwire.protocol.private_events import FillsSnapshot, OrdersSnapshot
from floorwire.protocol.replies import Error, HeldSubscription, Subscribed, SubscribedAll

AnySubscription: TypeAlias = Subscription | VenueSubscription
SUBSCRIBING: Final = 64
"""So many subscriptions wait for their reply at a time."""
LATER_S: Final = 0.5
"""How long a subscription waits that may work later, if the server does not say how long."""
HEAL_S: Final = 1.0
"""A subscription with a fault after another asks again once in so long."""
LATER: Final = frozenset({Code.UNKNOWN_SYMBOL, Code.HISTORY_UNAVAILABLE})
"""Refusals of a subscription that held before: the server has just started, and does not list it yet."""
NOBODY: Final[list[Subscription]] = []


class LiveSubscriptions:
    """Keeps subscriptions over all connections of one after another."""

    def __init__(self, requests: PendingRequests, now_s: Callable[[], float]) -> None:
        self._requests = requests
        self._now_s = now_s
        self._is_open = False
        self._error: ClientError | None = None
        """Why nothing can be subscribed to any more."""
        self._kept: dict[Subscription, Callable[[ClientError], None]] = {}
        self._venues: dict[VenueSubscription, Callable[[ClientError], None]] = {}
        """Those to all symbols of a venue. Each of their symbols is in ``_kept``, too."""
        self.routes: dict[Route, list[Subscription]] = {}
        """Topic as the server names it -> its subscriptions, one for each way in which it was written."""
        self.tickers: dict[str, list[Subscription]] = {}
        """The same of the channel ``ticker``, by the symbol alone."""
        self._wanted: deque[AnySubscription] = deque()
        self._repeats: set[Subscription] = set()
        """Those whose state has to come once more, for a reader that came later."""
        self._subscribing: set[AnySubscription] = set()
        """Those that wait for their reply on this connection."""
        self._paused_until_s = 0.0
        self._healed_s: dict[Subscription, float] = {}
        """When a subscription asked again, because an event was missing or a book was wrong."""

    def __len__(self) -> int:
        return len(self._kept) + len(self._venues)

    # --- what the readers ask for ------------------------------------------------------------------------

    def subscribe(self, subscription: AnySubscription, end: Callable[[ClientError], None]) -> None:
        """Keep a subscription from now on. ``end`` is called if it is refused, or the connection stops."""
        if self._error is not None:
            end(self._error)
            return
        if isinstance(subscription, VenueSubscription):
            self._venues[subscription] = end
        else:
            self._kept[subscription] = end
        self._want(subscription)

    def repeat_state(self, subscription: Subscription) -> None:
        """Let the state of a subscription come once more: now, or when it is live again."""
        self._repeats.add(subscription)
        if self._is_open and subscription.state is State.LIVE:
            self._repeat(subscription)

    def unsubscribe(self, subscription: AnySubscription) -> None:
        """Keep a subscription no longer."""
        if isinstance(subscription, VenueSubscription):
            if self._venues.pop(subscription, None) is not None:
                self._unsubscribe_venue(subscription)
        elif self._kept.pop(subscription, None) is not None:
            was_sent = self._was_sent(subscription)
            request = subscription.end()
            if not self._unroute(subscription) and was_sent:
                self._requests.tell(request)

    def _unsubscribe_venue(self, venue: VenueSubscription) -> None:
        was_sent = self._was_sent(venue)
        request = venue.end()
        if was_sent:
            self._requests.tell(request)
        for symbol in venue.symbols.values():
            if not was_sent:  # those that are resumed end one by one
                self.unsubscribe(symbol)
            elif self._kept.pop(symbol, None) is not None:
                symbol.end()
                for other in self._unroute(symbol):  # the server has ended it, too
                    other.cut()
                    self._want(other)
        if was_sent:
            for also in self._venues:
                if also.topic._replace(venue=None) == venue.topic._replace(venue=None):
                    also.cut()
                    self._want(also)

    def _was_sent(self, subscription: AnySubscription) -> bool:
        return self._is_open and subscription.state in (State.LIVE, State.REQUESTED)

    def _unroute(self, subscription: Subscription) -> list[Subscription]:
        """Give it no more events; return the others of the same topic."""
        self._healed_s.pop(subscription, None)
        self._repeats.discard(subscription)
        others = self.routes.get(subscription.name, [])
        if subscription in others:
            others.remove(subscription)
        if not others:
            self.routes.pop(subscription.name, None)
            if subscription.name.channel == "ticker":
                self.tickers.pop(subscription.name.symbol or "", None)
        return others

    # --- the life of the connection ----------------------------------------------------------------------

    def opened(self) -> None:
        """Send all of them. A venue comes after its symbols: what is held by then stays as it is."""
        self._is_open = True
        self._wanted.extend(self._kept)
        self._wanted.extend(self._venues)
        self._send_wanted()

    def cut(self) -> None:
        """Note that all that was sent may be lost."""
        self._is_open = False
        self._wanted.clear()
        self._subscribing.clear()
        self._paused_until_s = 0.0
        for subscription in self._kept:
            subscription.cut()
        for venue in self._venues:
            venue.cut()

    def end(self, error: ClientError) -> None:
        """Nothing comes any more. All readers are told."""
        self._is_open, self._error = False, error
        for end in [*self._kept.values(), *self._venues.values()]:
            end(error)

    # --- what comes --------------------------------------------------------------------------------------

    def snapshot(self, message: OrdersSnapshot | FillsSnapshot) -> None:
        """Take what a private channel begins with."""
        for subscription in self.routes.get(TOPICS[type(message)](message), NOBODY):
            subscription.receive(message)

    def notice(self, message: ServerMessage) -> None:
        """Take rows of the past, or what the server left out."""
        for subscription in self.routes.get(notice_topic(message), ()):
            if isinstance(message, TradeHistory | CandleHistory):
                subscription.past(message)
            elif isinstance(message, SkippedNotice | TradesFeed) and not subscription.skipped(message):
                self.heal(subscription)

    def listed(self, notice: ListedNotice) -> None:
        """Take a symbol that a venue lists from now on."""
        for venue in self._venues:
            if not venue.has(notice):
                continue
            if notice.subscription is UNSET:
                venue.left_out(notice)
            else:
                self._hold(venue, notice.subscription)

    def heal(self, subscription: Subscription) -> None:
        """Ask again for what is missing: at once, or after a second where that was done a moment ago."""
        now_s = self._now_s()
        last_s = self._healed_s.get(subscription, -HEAL_S)
        self._healed_s[subscription] = now_s
        if now_s - last_s >= HEAL_S:
            self._want(subscription)
        else:
            asyncio.get_running_loop().call_later(HEAL_S, self._want, subscription)

    # --- requests and their replies ----------------------------------------------------------------------

    def _want(self, subscription: AnySubscription) -> None:
        self._wanted.append(subscription)
        self._send_wanted()

    def _send_wanted(self) -> None:
        if not self._is_open or self._now_s() < self._paused_until_s:
            return
        while self._wanted and len(self._subscribing) < SUBSCRIBING:
            subscription = self._wanted.popleft()
            if subscription.state is State.WANTED:
                self._subscribing.add(subscription)
                self._request(subscription)

    def _request(self, subscription: AnySubscription) -> None:
        request = subscription.request()
        number = subscription.request_count

        def take(reply: Reply) -> None:
            self._subscribing.discard(subscription)
            if number == subscription.request_count:
                self._replied(subscription, reply)
            if isinstance(subscription, Subscription) and subscription in self._repeats:
                self.repeat_state(subscription)
            self._send_wanted()

        self._requests.ask(request, take, None)

    def _repeat(self, subscription: Subscription) -> None:
        request = subscription.ask_for_state()
        number = subscription.request_count

        def take(reply: Reply) -> None:
            if number == subscription.request_count:
                self._repeats.discard(subscription)
                self._replied(subscription, reply)

        self._requests.ask(request, take, None)

    def _replied(self, subscription: AnySubscription, reply: Reply) -> None:
        if subscription.state is State.ENDED:
            return
        if isinstance(reply, Error):
            self._was_refused(subscription, reply)
        elif isinstance(subscription, VenueSubscription):
            assert isinstance(reply, SubscribedAll)
            subscription.confirmed(reply)
            for held in reply.subscriptions:
                self._hold(subscription, held)
        elif isinstance(reply, Subscribed):
            subscription.confirmed(reply)
            self._route(subscription)

    def _route(self, subscription: Subscription) -> None:
        shared = self.routes.setdefault(subscription.name, [])
        if subscription not in shared:
            shared.append(subscription)
        if subscription.name.channel == "ticker":
            self.tickers[subscription.name.symbol or ""] = shared

    def _hold(self, venue: VenueSubscription, held: HeldSubscription) -> None:
        """Keep the subscription of one of a venue's symbols. What is kept already resumes by itself."""
        symbol = venue.symbol(held)
        if symbol in self._kept:
            return
        self._kept[symbol] = partial(self._end_symbol, venue)
        others = self.routes.get(symbol.topic, NOBODY)
        if any(other is not symbol for other in others):
            symbol.state = State.WANTED  # held before, so no first state comes: ask for it
            self._want(symbol)
        else:
            symbol.begin(held)
            self._route(symbol)

    def _end_symbol(self, venue: VenueSubscription, error: ClientError) -> None:
        """End all if one symbol is refused, unless it is gone: a listing may bring it back."""
        is_gone = isinstance(error, RequestRefusedError) and error.code == Code.UNKNOWN_SYMBOL
        end = self._venues.get(venue)
        if not is_gone and end is not None and self._error is None:
            self.unsubscribe(venue)
            end(error)

    def _was_refused(self, subscription: AnySubscription, error: Error) -> None:
        if error.retry or (_is_later(subscription) and error.code in LATER):
            subscription.cut()
            wait_s = error.retry_after_ms / 1_000 if error.retry_after_ms else LATER_S
            self._paused_until_s = max(self._paused_until_s, self._now_s() + wait_s)
            self._wanted.append(subscription)
            asyncio.get_running_loop().call_at(self._paused_until_s, self._send_wanted)
            return
        subscription.refused()
        if isinstance(subscription, VenueSubscription):
            end = self._venues[subscription]
            self.unsubscribe(subscription)
        else:
            end = self._kept.pop(subscription)
        end(RequestRefusedError(error))


def _is_later(subscription: AnySubscription) -> bool:
    """Return whether what held before may be there again in a moment."""
    return isinstance(subscription, Subscription) and bool(
        subscription.epoch and not subscription.waits_for_listing
    )
