"""Replies about subscriptions and instruments."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET, UnsetType

from floorwire.core.authorization import Principal
from floorwire.core.instrument import Instrument
from floorwire.hub.market_state import MarketState
from floorwire.hub.topic import Topic
from floorwire.protocol.channel_events import SkippedNotice
from floorwire.protocol.outbox import OutboxSubscription
from floorwire.protocol.replies import (
    FollowedVenue,
    Gap,
    HeldSubscription,
    Pair,
    Subscribed,
    SubscribedAll,
    SymbolRow,
    Unsubscribed,
)
from floorwire.protocol.requests import OnSlow
from floorwire.protocol.session_decisions import SubscribeTopics, UnsubscribeTopics
from floorwire.protocol.topic_names import ClosedCandles, TopicChoice, TopicName, VenueTopics


def subscribed(decision: SubscribeTopics, held: list[HeldSubscription]) -> Pair | Subscribed | SubscribedAll:
    """Return the reply to a subscribe. ``held``: its subscriptions, in the order of the request."""
    request = decision.request
    if decision.minimal:
        return Pair("subscribed", held[0].symbol or "")
    venue = decision.venue
    if venue is not None:
        return SubscribedAll(
            id=request.id, channel=venue.channel, all=True, venue=venue.venue, subscriptions=held
        )
    if request.symbols is UNSET:
        fields = {name: getattr(held[0], name) for name in HeldSubscription.__struct_fields__}
        return Subscribed(id=request.id, **fields)
    return SubscribedAll(id=request.id, channel=held[0].channel, symbols=request.symbols, subscriptions=held)


def unsubscribed(market: MarketState, decision: UnsubscribeTopics) -> Pair | Unsubscribed:
    """Return the reply to an unsubscribe."""
    request, venue = decision.request, decision.venue
    count = len(decision.choices) + len(decision.private)
    if venue is not None:
        return Unsubscribed(
            id=request.id,
            channel=venue.channel,
            all=True,
            venue=venue.venue,
            depth=_depth(venue),
            interval=_interval(venue),
            closed_only=_closed_only(venue),
            count=count,
        )
    if decision.is_everything:
        return Unsubscribed(id=request.id, count=count)
    choice = decision.choices[0]
    if decision.minimal:
        return Pair("unsubscribed", choice.asked or "")
    return Unsubscribed(
        id=request.id,
        channel=choice.topic.channel,
        symbol=request.symbol,
        symbols=request.symbols,
        instrument=UNSET if request.symbol is UNSET else market.shown(choice.topic.symbol) or UNSET,
        depth=_depth(choice.topic),
        interval=_interval(choice.topic),
        closed_only=_closed_only(choice.topic),
    )


def held_subscription(
    market: MarketState, choice: TopicChoice, subscription: OutboxSubscription[Topic], gap: Gap | None
) -> HeldSubscription:
    """Return one subscription as it is now. ``gap``: the events that a resume could not bring back."""
    name = choice.topic
    return HeldSubscription(
        channel=name.channel,
        symbol=choice.asked or UNSET,
        instrument=market.shown(name.symbol) or UNSET,
        depth=_depth(name),
        interval=_interval(name),
        closed_only=_closed_only(name),
        on_slow=subscription.on_slow,
        epoch=subscription.topic.epoch,
        seq=subscription.topic.seq,
        feed=market.feed(name.symbol),
        gap=gap or UNSET,
    )


def followed(venue: VenueTopics, on_slow: OnSlow) -> FollowedVenue:
    """Return a subscription to all symbols of a venue."""
    return FollowedVenue(
        channel=venue.channel,
        venue=venue.venue,
        depth=_depth(venue),
        interval=_interval(venue),
        closed_only=_closed_only(venue),
        on_slow=on_slow,
    )


def symbol_rows(
    market: MarketState, principal: Principal, halted: frozenset[str] | None
) -> Iterator[SymbolRow]:
    """Yield the instruments that the principal may see. ``halted``: see ``symbol_row``."""
    for instrument in list(market.symbols):
        if principal.sees(instrument.symbol):
            yield symbol_row(market, instrument, halted)


def symbol_row(market: MarketState, instrument: Instrument, halted: frozenset[str] | None) -> SymbolRow:
    """Return an instrument as a row.

    ``halted``: the symbols in which an operator halted trading. None: all of them.
    """
    is_halted = (halted is None or instrument.symbol in halted) and instrument.state == "open"
    return SymbolRow(
        market.names.shown(instrument.symbol),
        instrument.base,
        instrument.quote,
        instrument.tick_size,
        instrument.lot_size,
        instrument.min_notional,
        instrument.min_quantity,
        "halted" if is_halted else instrument.state,
        instrument.venue,
    )


def skipped(topic: Topic, first: int, last: int, sent_us: int) -> SkippedNotice:
    """Return the notice that events ``first`` to ``last`` were left out for a slow client."""
    return SkippedNotice(
        channel=topic.name.channel,
        symbol=topic.shown_symbol or UNSET,
        depth=_depth(topic.name),
        interval=_interval(topic.name),
        closed_only=_closed_only(topic.name),
        epoch=topic.epoch,
        seq=last,
        gap=Gap(first, last, "slow"),
        sent=sent_us,
    )


def _depth(name: TopicName | VenueTopics) -> int | UnsetType:
    return name.option if isinstance(name.option, int) else UNSET


def _interval(name: TopicName | VenueTopics) -> str | UnsetType:
    option = name.option
    if isinstance(option, ClosedCandles):
        return option.interval
    return option if isinstance(option, str) else UNSET


def _closed_only(name: TopicName | VenueTopics) -> bool | UnsetType:
    return isinstance(name.option, ClosedCandles) or UNSET
