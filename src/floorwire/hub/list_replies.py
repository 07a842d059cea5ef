"""Lists of instruments and of subscriptions. They may be long, so they are made in steps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final

from msgspec import UNSET, UnsetType

from floorwire.core.account_events import PrivateChannel
from floorwire.hub import subscription_replies as replies
from floorwire.hub.client_transport import ClientTransport
from floorwire.hub.hub import Hub
from floorwire.hub.symbol_list_cache import HaltedSymbols
from floorwire.protocol.cost_budget import KIB_US, ROW_US
from floorwire.protocol.replies import (
    EncodedSymbolList,
    HeldSubscription,
    SubscriptionList,
    SymbolList,
    VenueRow,
)
from floorwire.protocol.requests import Subscriptions, Symbols
from floorwire.protocol.session import Session

ROWS_AT_ONCE: Final = 100
"""A list with more rows is made in turns, so many rows a step."""
LIST_US: Final = 100
"""Price of the first step of a list."""


def list_symbols(
    hub: Hub,
    client: ClientTransport,
    session: Session,
    find_halted: Callable[[], HaltedSymbols],
    request: Symbols,
) -> Iterator[None]:
    """Reply with the instruments. Whoever may see all of them gets the list that was made before.

    ``find_halted`` returns the symbols in which trading is halted now.
    """
    cache, codec, revision = hub.symbol_lists, client.codec, hub.market.revision
    halted, rows, principal = find_halted(), [], session.principal
    sees_all = principal.symbols is None
    encoded = cache.find(codec, halted) if sees_all else None
    if encoded is not None:
        client.charge(KIB_US * len(encoded) // 1024)
        client.send(EncodedSymbolList(id=request.id, symbols=encoded, venues=_venue_rows(hub, None)))
        return
    for row in replies.symbol_rows(hub.market, principal, halted):
        rows.append(row)
        if len(rows) % ROWS_AT_ONCE == 0:
            yield
    client.charge(ROW_US * len(rows))
    if sees_all:
        encoded = codec.encode(rows)
        cache.keep(codec, halted, encoded, revision)
        client.send(EncodedSymbolList(id=request.id, symbols=encoded, venues=_venue_rows(hub, None)))
    else:
        seen = {row.venue for row in rows}
        client.send(SymbolList(id=request.id, symbols=rows, venues=_venue_rows(hub, seen)))


def _venue_rows(hub: Hub, seen: Collection[str] | None) -> list[VenueRow] | UnsetType:
    """Return the venues that are seen; None: all of them."""
    rows = [row for row in hub.venue_rows if seen is None or row.venue in seen]
    return rows or UNSET


def list_subscriptions(
    hub: Hub,
    client: ClientTransport,
    session: Session,
    private: Callable[[PrivateChannel], HeldSubscription],
    request: Subscriptions,
) -> Iterator[None]:
    """Reply with the client's subscriptions. Each row is of the moment at which it is made.

    ``private`` returns the subscription to a private channel.
    """
    subscriptions, rows = session.subscriptions, list[HeldSubscription]()
    for name, choice in subscriptions.topics.items():
        rows.append(replies.held_subscription(hub.market, choice, client.subscriptions[name], None))
        if len(rows) % ROWS_AT_ONCE == 0:
            yield
    rows += [private(channel) for channel in subscriptions.private_channels]
    client.charge(ROW_US * len(rows))
    venues = [replies.followed(venue, on_slow) for venue, on_slow in subscriptions.venues.items()]
    client.send(SubscriptionList(id=request.id, subscriptions=rows, all=venues or UNSET))
