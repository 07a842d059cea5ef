"""What the routes of admins and operators answer. They are over HTTP only."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.auth.keyring import KeyInfo
from floorwire.core.account_events import HaltScope
from floorwire.core.risk_limits import Limits


class KeyList(msgspec.Struct, frozen=True, kw_only=True):
    """Keys without their secrets. ``faults``: what is wrong with the rows of keys.db."""

    status: str = "ok"
    keys: list[KeyInfo]
    faults: list[str] | UnsetType = UNSET


class EncodedKeyList(msgspec.Struct, frozen=True, kw_only=True):
    """A ``KeyList`` whose rows are encoded already."""

    status: str = "ok"
    keys: msgspec.Raw
    faults: list[str] | UnsetType = UNSET


class KeyIssued(msgspec.Struct, frozen=True, kw_only=True):
    """A key and its secret, which nothing shows again."""

    status: str = "ok"
    key: str
    secret: str


class KeyRevoked(msgspec.Struct, frozen=True, kw_only=True):
    """The key that signs nobody in any more."""

    status: str = "ok"
    key: str


class OwnLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The effective limits of an account, and those of the key that asks."""

    status: str = "ok"
    account: str
    limits: Limits
    key_limits: Limits


class AccountLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of an account or of one of its keys, and the default ones.

    ``unknown_assets``: assets that the limits name and no instrument trades. ``in_doubt``: whether their last
    change was not durable when the journal failed.
    """

    status: str = "ok"
    account: str
    limits: Limits
    default: Limits
    unknown_assets: list[str]
    journal: Literal["ok", "broken"]
    in_doubt: bool


class HaltRow(msgspec.Struct, frozen=True):
    """What is halted: all, or the account, key or symbol of this name."""

    scope: HaltScope
    name: str


class HaltList(msgspec.Struct, frozen=True, kw_only=True):
    """What is halted. ``in_doubt``: halts whose last change was not durable when the journal failed."""

    status: str = "ok"
    halts: list[HaltRow]
    journal: Literal["ok", "broken"]
    in_doubt: list[HaltRow]


class HaltChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A halt that was made or ended. ``cancelled``: how many orders a new one cancels."""

    status: str = "ok"
    scope: HaltScope
    name: str
    cancelled: int | UnsetType = UNSET


class JournalState(msgspec.Struct, frozen=True, kw_only=True):
    """How many records the journal has, and the digest of all accounts after the last one."""

    status: str = "ok"
    records: int
    state: str


class QuarantineRow(msgspec.Struct, frozen=True):
    """One entry. ``order_id``, ``symbol`` and ``state`` are null where no order of ours is known."""

    number: int
    venue: str
    account: str
    order_id: str | None
    symbol: str | None
    state: str | None
    client_id: str
    """The id that the venue has of the order."""
    reason: str
    report: str
    """What the venue reported."""
    ts: int


class QuarantineList(msgspec.Struct, frozen=True, kw_only=True):
    """Orders in quarantine, the oldest first."""

    status: str = "ok"
    quarantine: list[QuarantineRow]


class QuarantineReleased(msgspec.Struct, frozen=True, kw_only=True):
    """The entry that was released."""

    status: str = "ok"
    number: int


class ReplayRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where a replay stands. Times are recorded ones, in microseconds. ``speed`` 0: as fast as possible."""

    venue: str
    first: int
    last: int
    at: int
    speed: float
    paused: bool
    seeking: bool
    ended: bool
    round: int


class ReplayList(msgspec.Struct, frozen=True, kw_only=True):
    """The venues that play a recording."""

    status: str = "ok"
    replays: list[ReplayRow]


class ReplayChanged(ReplayRow, frozen=True, kw_only=True):
    """Where the replay stands after the change."""

    status: str = "ok"
