"""Replies: one answers each request, with its ``id``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.core.capabilities import StreamKind
from floorwire.core.market_events import Feed
from floorwire.core.orders import OrderType, TimeInForce
from floorwire.core.refusal import Detail, Refusal
from floorwire.protocol.account_rows import (
    BalanceRow,
    DayRow,
    FillRow,
    LedgerRow,
    OrderRow,
    PositionRow,
    ProfitRow,
    ValuedBalanceRow,
)
from floorwire.protocol.requests import OnSlow, RequestId

Fate: TypeAlias = Literal["rejected", "unknown"]
"""What became of an order: it does not exist, or the client must ask for its status to know."""


class Gap(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """Events that will not come: their first and last seq, and why.

    Reasons: ``expired`` (older than what is kept), ``epoch`` (the history was lost: these are the events
    of the new epoch so far), ``ahead`` (the client claims events that never were), ``slow`` (skipped),
    ``feed`` (on trades: the venue's messages may have a hole here; only the notice itself is counted).
    """

    first: int
    last: int
    reason: str


class HistoryGap(msgspec.Struct, frozen=True):
    """Older entries may be missing: their records are not kept any more (``expired``)."""

    reason: str


class HeldSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription as it stands: where its stream is, and how current the venue's feed is."""

    channel: str
    symbol: str | UnsetType = UNSET
    instrument: str | UnsetType = UNSET
    depth: int | UnsetType = UNSET
    interval: str | UnsetType = UNSET
    closed_only: bool | UnsetType = UNSET
    on_slow: OnSlow
    epoch: str
    seq: int
    feed: Feed
    gap: Gap | UnsetType = UNSET


class Pair(msgspec.Struct, frozen=True):
    """The article's reply: exactly two fields."""

    status: str
    symbol: str


class Subscribed(HeldSubscription, frozen=True, kw_only=True):
    """The full reply to a request with one ``symbol`` or with none."""

    status: str = "subscribed"
    id: RequestId | UnsetType = UNSET


class SubscribedAll(msgspec.Struct, frozen=True, kw_only=True):
    """The full reply to a request with ``symbols`` or ``all``: all of them, or none and an error."""

    status: str = "subscribed"
    id: RequestId | UnsetType = UNSET
    channel: str
    symbols: tuple[str, ...] | UnsetType = UNSET
    all: bool | UnsetType = UNSET
    venue: str | UnsetType = UNSET
    subscriptions: list[HeldSubscription]


class Unsubscribed(msgspec.Struct, frozen=True, kw_only=True):
    """The full reply to unsubscribe. ``count``: how many subscriptions ended, where they were not named."""

    status: str = "unsubscribed"
    id: RequestId | UnsetType = UNSET
    channel: str | UnsetType = UNSET
    symbol: str | UnsetType = UNSET
    symbols: tuple[str, ...] | UnsetType = UNSET
    all: bool | UnsetType = UNSET
    venue: str | UnsetType = UNSET
    instrument: str | UnsetType = UNSET
    depth: int | UnsetType = UNSET
    interval: str | UnsetType = UNSET
    closed_only: bool | UnsetType = UNSET
    count: int | UnsetType = UNSET


class FollowedVenue(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription to all symbols of a venue, also to those that it lists later."""

    channel: str
    venue: str
    depth: int | UnsetType = UNSET
    interval: str | UnsetType = UNSET
    closed_only: bool | UnsetType = UNSET
    on_slow: OnSlow


class SubscriptionList(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the connection holds."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    subscriptions: list[HeldSubscription]
    all: list[FollowedVenue] | UnsetType = UNSET


class SymbolRow(msgspec.Struct, frozen=True):
    """One instrument."""

    symbol: str
    base: str
    quote: str
    tick_size: str
    lot_size: str
    min_notional: str
    min_quantity: str
    state: str
    venue: str


class VenueRow(msgspec.Struct, frozen=True):
    """One venue instance, and what it can do.

    ``streams``: what it sends by itself; candles and the day are counted from trades elsewhere.
    ``book_depth``: levels of a side; null: all. ``orders``: paper, live, or none. ``order_types``,
    ``times_in_force``: which orders it takes; without orders, none.
    """

    venue: str
    kind: str
    default: bool
    """Whether its symbols and assets have names without the venue."""
    orders: Literal["paper", "live", "none"]
    amends: bool
    streams: tuple[StreamKind, ...]
    book_depth: int | None
    candle_intervals: tuple[str, ...]
    order_types: tuple[OrderType, ...]
    times_in_force: tuple[TimeInForce, ...]


class SymbolList(msgspec.Struct, frozen=True, kw_only=True):
    """Every instrument."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    symbols: list[SymbolRow]
    venues: list[VenueRow] | UnsetType = UNSET
    """The venues of these instruments, the default one first."""


class EncodedSymbolList(msgspec.Struct, frozen=True, kw_only=True):
    """The same message. Its rows are encoded already."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    symbols: msgspec.Raw
    venues: list[VenueRow] | UnsetType = UNSET


class Pong(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a ping; ``ts`` is the server's clock."""

    status: str = "pong"
    id: RequestId | UnsetType = UNSET
    ts: int


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Who has signed in, what for, and until when (microseconds since the epoch, UTC)."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    account: str
    key: str
    scopes: tuple[str, ...]
    symbols: tuple[str, ...] | UnsetType = UNSET
    expires: int | UnsetType = UNSET


class Error(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was not done, and whether the same request may work later."""

    status: str = "error"
    id: RequestId | UnsetType = UNSET
    code: str
    message: str
    retry: bool
    retry_after_ms: int | UnsetType = UNSET
    details: Mapping[str, Detail] | UnsetType = UNSET


class OrderAcceptedReply(msgspec.Struct, frozen=True, kw_only=True):
    """The order, amend or cancel is checked and durably journalled; what happens next is events.

    ``duplicate``: the same was asked before, and this is what came of it then. ``state``: only at a venue
    outside this process, while nobody knows yet whether it has the order.
    """

    status: str = "accepted"
    id: RequestId | UnsetType = UNSET
    order_id: str
    client_order_id: str
    duplicate: bool | UnsetType = UNSET
    state: Literal["submitting", "unknown"] | UnsetType = UNSET


class AllCancelled(msgspec.Struct, frozen=True, kw_only=True):
    """How many open orders are being cancelled, and the ids of the oldest 1,000 of them.

    That is durable. Many orders are cancelled in turns; each has its event when it is.
    """

    status: str = "accepted"
    id: RequestId | UnsetType = UNSET
    count: int
    order_ids: list[str]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator asked for is done."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET


class MoneyMoved(msgspec.Struct, frozen=True, kw_only=True):
    """An operator's withdrawal, transfer or reset is done. ``duplicate``: the same was asked before."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    request_id: str
    duplicate: bool | UnsetType = UNSET


class OrderReply(msgspec.Struct, frozen=True, kw_only=True):
    """One order."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    order: OrderRow


class OrderList(msgspec.Struct, frozen=True, kw_only=True):
    """Open orders, the oldest first, or with ``state`` others, the latest created first.

    ``next``: there are more; give it as ``after``, or with ``state`` as ``before``. ``gap``: an order that
    closed long ago may be missing, because its records are not kept any more.
    """

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    orders: list[OrderRow]
    next: str | UnsetType = UNSET
    gap: HistoryGap | UnsetType = UNSET


class LedgerList(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of balances, the latest first. ``next``: there are older ones; give it as ``before``."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    entries: list[LedgerRow]
    next: str | UnsetType = UNSET
    gap: HistoryGap | UnsetType = UNSET


class AccountReply(msgspec.Struct, frozen=True, kw_only=True):
    """What an account is worth in one currency, its profit, and its latest days.

    ``equity``, ``realised`` and ``unrealised`` are sums over what could be priced; ``unpriced`` names the
    assets that could not. ``since`` is the first date that ``days`` may have.
    """

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    account: str
    currency: str
    equity: str
    realised: str
    unrealised: str
    unpriced: list[str]
    balances: list[ValuedBalanceRow]
    positions: list[ProfitRow]
    since: str
    days: list[DayRow]
    ts: int


class FillList(msgspec.Struct, frozen=True, kw_only=True):
    """Fills, the latest first.

    ``next``: there are older ones; give it as ``before``. ``gap``: there were older ones, with these seqs on
    the channel ``fills``, and they are not kept any more.
    """

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    fills: list[FillRow]
    next: str | UnsetType = UNSET
    gap: Gap | UnsetType = UNSET


class BalanceList(msgspec.Struct, frozen=True, kw_only=True):
    """What the account has."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    balances: list[BalanceRow]


class PositionList(msgspec.Struct, frozen=True, kw_only=True):
    """What the account holds."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    positions: list[PositionRow]


class Guarded(msgspec.Struct, frozen=True, kw_only=True):
    """The guard is set as asked; ``cancels_at``, of a dead man's timer: microseconds since the epoch, UTC."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    grace_s: float | UnsetType = UNSET
    timeout_s: float | UnsetType = UNSET
    cancels_at: int | UnsetType = UNSET


class OrderError(Error, frozen=True, kw_only=True):
    """An error about an order, and what became of the order."""

    order: Fate
    duplicate: bool | UnsetType = UNSET


AnyReply: TypeAlias = (
    Pair | Subscribed | SubscribedAll | Unsubscribed | SubscriptionList | SymbolList | Pong | LoggedIn | Error
)
TradingReply: TypeAlias = (
    OrderAcceptedReply
    | AllCancelled
    | Done
    | MoneyMoved
    | OrderReply
    | OrderList
    | FillList
    | BalanceList
    | PositionList
    | LedgerList
    | AccountReply
    | Guarded
    | OrderError
    | Error
)


def error(refusal: Refusal, request_id: RequestId | UnsetType = UNSET) -> Error:
    """Return the refusal as a reply."""
    return Error(
        id=request_id,
        code=refusal.code.value,
        message=refusal.message,
        retry=refusal.code.retry,
        retry_after_ms=-(-refusal.wait_us // 1000) if refusal.wait_us else UNSET,
        details=refusal.details or UNSET,
    )


def order_error(
    refusal: Refusal, request_id: RequestId | UnsetType, fate: Fate, *, duplicate: bool = False
) -> OrderError:
    """Return the refusal of an order as a reply; ``duplicate``: it was refused before, as now."""
    return OrderError(
        id=request_id,
        code=refusal.code.value,
        message=refusal.message,
        retry=refusal.code.retry,
        retry_after_ms=-(-refusal.wait_us // 1000) if refusal.wait_us else UNSET,
        order=fate,
        duplicate=duplicate or UNSET,
        details=refusal.details or UNSET,
    )
