"""Requests: what a client may ask, one Struct an action."""

from __future__ import annotations

import hmac
from typing import Annotated, Literal, TypeAlias, final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from floorwire.core.market_history import MOST_ROWS

SAFE = 2**53  # integers up to here are exact in JavaScript

RequestId: TypeAlias = Annotated[int, Meta(ge=-SAFE, le=SAFE)] | Annotated[str, Meta(max_length=64)]
OnSlow: TypeAlias = Literal["conflate", "skip", "disconnect"]
LOGIN_PREFIX = "floorwire.login."


class Resume(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a client's stream was cut: the epoch and the last seq that it saw."""

    epoch: str
    seq: Annotated[int, Meta(ge=0, le=SAFE)]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="action", kw_only=True):
    """What every request has."""

    id: RequestId | UnsetType = UNSET


class Names(Request, frozen=True, kw_only=True):
    """What names one topic, or several of one channel: with ``symbols``, or all of a venue with ``all``."""

    channel: str | UnsetType = UNSET
    symbol: str | UnsetType = UNSET
    symbols: Annotated[tuple[str, ...], Meta(min_length=1)] | UnsetType = UNSET
    all: bool | UnsetType = UNSET
    venue: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    depth: Annotated[int, Meta(ge=1, le=SAFE)] | UnsetType = UNSET
    interval: str | UnsetType = UNSET
    closed_only: bool | UnsetType = UNSET

    def gives_only(self, *names: str) -> bool:
        """Return whether no other fields than these were given."""
        return all(getattr(self, name) is UNSET for name in self.__struct_fields__ if name not in names)


class Subscribe(Names, frozen=True, tag="subscribe", kw_only=True):
    """Begin or replace subscriptions."""

    on_slow: OnSlow | UnsetType = UNSET
    resume: Resume | UnsetType = UNSET
    history: Annotated[int, Meta(ge=1, le=MOST_ROWS)] | UnsetType = UNSET

    def is_minimal(self) -> bool:
        """Return whether only ``action`` and ``symbol`` were given: the article's form."""
        return self.gives_only("symbol")


class Unsubscribe(Names, frozen=True, tag="unsubscribe", kw_only=True):
    """End subscriptions; without names, all of them."""

    def is_minimal(self) -> bool:
        """Return whether only ``action`` and ``symbol`` were given: the article's form."""
        return self.gives_only("symbol")


class Subscriptions(Request, frozen=True, tag="subscriptions"):
    """List what is held."""


class Symbols(Request, frozen=True, tag="symbols"):
    """List the instruments."""


@final
class Ping(Request, frozen=True, tag="ping"):
    """Ask for a pong, for clients that cannot send ping frames."""


class Login(Request, frozen=True, tag="login", kw_only=True):
    """Sign in: with ``key``, ``ts`` and ``signature``, or with ``token``."""

    key: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    ts: Annotated[int, Meta(ge=0, le=SAFE)] | UnsetType = UNSET
    signature: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    token: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET


MarketRequest: TypeAlias = Subscribe | Unsubscribe | Subscriptions | Symbols | Ping | Login


def login_signature(secret: str, ts_us: int) -> str:
    """Return the hex HMAC-SHA256 that proves the secret at this time (microseconds since the epoch, UTC)."""
    return hmac.digest(secret.encode(), f"{LOGIN_PREFIX}{ts_us}".encode(), "sha256").hex()
