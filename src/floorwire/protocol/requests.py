"""Requests: what a client may ask, one Struct an action."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

RequestId: TypeAlias = int | str
OnSlow: TypeAlias = Literal["conflate", "skip", "disconnect"]

MAX_ID = 64


class Resume(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a client's stream was cut: the epoch and the last seq that it saw."""

    epoch: str
    seq: int


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="action", kw_only=True):
    """What every request has."""

    id: RequestId | UnsetType = UNSET


class Names(Request, frozen=True, kw_only=True):
    """What names one topic or, with ``symbols``, several of one channel."""

    channel: str | UnsetType = UNSET
    symbol: str | UnsetType = UNSET
    symbols: tuple[str, ...] | UnsetType = UNSET
    depth: int | UnsetType = UNSET
    interval: str | UnsetType = UNSET


class Subscribe(Names, frozen=True, tag="subscribe", kw_only=True):
    """Begin or replace subscriptions."""

    on_slow: OnSlow | UnsetType = UNSET
    resume: Resume | UnsetType = UNSET

    def is_minimal(self) -> bool:
        """Return whether only ``action`` and ``symbol`` were given: the article's form."""
        given = (self.id, self.channel, self.symbols, self.depth, self.interval, self.on_slow, self.resume)
        return all(value is UNSET for value in given)


class Unsubscribe(Names, frozen=True, tag="unsubscribe", kw_only=True):
    """End subscriptions."""

    def is_minimal(self) -> bool:
        """Return whether only ``action`` and ``symbol`` were given: the article's form."""
        given = (self.id, self.channel, self.symbols, self.depth, self.interval)
        return all(value is UNSET for value in given)


class Subscriptions(Request, frozen=True, tag="subscriptions"):
    """List what is held."""


class Symbols(Request, frozen=True, tag="symbols"):
    """List the instruments."""


class Ping(Request, frozen=True, tag="ping"):
    """Ask for a pong, for clients that cannot send ping frames."""


AnyRequest: TypeAlias = Subscribe | Unsubscribe | Subscriptions | Symbols | Ping
