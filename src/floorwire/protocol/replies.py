"""Replies: one answers each request, with its ``id``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.core.market_events import Feed
from floorwire.core.refusal import Detail, Refusal
from floorwire.protocol.requests import OnSlow, RequestId


class Gap(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """Events that will not come: their first and last seq, and why.

    Reasons: ``expired`` (older than what is kept), ``epoch`` (the history was lost: these are the events
    of the new epoch so far), ``ahead`` (the client claims events that never were), ``slow`` (skipped),
    ``feed`` (on trades: the venue's messages may have a hole here; only the notice itself is counted).
    """

    first: int
    last: int
    reason: str


class HeldSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription as it stands: where its stream is, and how current the venue's feed is."""

    channel: str
    symbol: str | UnsetType = UNSET
    instrument: str | UnsetType = UNSET
    depth: int | UnsetType = UNSET
    interval: str | UnsetType = UNSET
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
    """The full reply to a request with ``symbols``: all of them, or none and an error."""

    status: str = "subscribed"
    id: RequestId | UnsetType = UNSET
    channel: str
    symbols: tuple[str, ...]
    subscriptions: list[HeldSubscription]


class Unsubscribed(msgspec.Struct, frozen=True, kw_only=True):
    """The full reply to unsubscribe."""

    status: str = "unsubscribed"
    id: RequestId | UnsetType = UNSET
    channel: str
    symbol: str | UnsetType = UNSET
    symbols: tuple[str, ...] | UnsetType = UNSET
    instrument: str | UnsetType = UNSET
    depth: int | UnsetType = UNSET
    interval: str | UnsetType = UNSET


class SubscriptionList(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the connection holds."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    subscriptions: list[HeldSubscription]


class SymbolRow(msgspec.Struct, frozen=True):
    """One instrument."""

    symbol: str
    base: str
    quote: str
    tick_size: str
    lot_size: str
    min_notional: str
    state: str
    venue: str


class SymbolList(msgspec.Struct, frozen=True, kw_only=True):
    """Every instrument."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    symbols: list[SymbolRow]


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


AnyReply: TypeAlias = (
    Pair | Subscribed | SubscribedAll | Unsubscribed | SubscriptionList | SymbolList | Pong | LoggedIn | Error
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
