"""Snapshots: the accounts as of one moment, in pieces that are each made in a fraction of a millisecond.

Taking one copies what may change and shares what may not, closed orders and fills above all. Its pieces are
encoded when they are asked for, and may be in another thread, while the accounts go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

import msgspec

from floorwire.core.account_events import Balance, Guard, HaltScope, OrderFilled, Position, Seqs
from floorwire.core.instrument import Instrument
from floorwire.core.limits import Limits
from floorwire.core.orders import Order
from floorwire.engine.chunked_history import SHARE, Share


class FormerInstrument(msgspec.Struct, frozen=True, array_like=True):
    """An instrument as it was before its steps changed; orders up to this one are counted in those."""

    instrument: Instrument
    last_order_id: int


class SnapshotHead(msgspec.Struct, array_like=True):
    """The first piece: what is of no account, and how many accounts follow."""

    instruments: list[Instrument]
    decimals: list[tuple[str, int]]
    fees: list[tuple[str, str]]
    outside: list[tuple[str, str]]
    """Sums over all accounts, which no integer of MessagePack may hold: written as text."""
    halts: list[tuple[HaltScope, str]]
    last_order_id: int
    last_fill_id: int
    last_deposit_id: int
    accounts: int
    former: list[FormerInstrument] = []
    """Of each symbol the oldest first."""
    deposits: list[tuple[str, int]] = []
    """The last deposit's id of each key store with an identity; ``last_deposit_id`` is of those without."""


class AccountState(msgspec.Struct, array_like=True):
    """The first piece of an account. After it come its open orders, its closed ones, and its fills."""

    name: str
    owner: int
    balances: list[Balance]
    positions: list[Position]
    limits: Limits
    key_limits: list[tuple[str, Limits]]
    seqs: Seqs
    closed_forgotten: int
    """How many of the first closed orders are known no more; and of the fills."""
    fills_forgotten: int
    guards: list[tuple[str, Guard]] = []


class AccountHistory(msgspec.Struct):
    """One account's."""

    state: AccountState
    open: list[Order]
    """In the order of their ids."""
    closed: list[Share[Order]]
    fills: list[Share[OrderFilled]]


class AccountSnapshot:
    """All accounts as of one moment. Iterated over, it makes its pieces anew each time."""

    def __init__(self, head: SnapshotHead, accounts: Sequence[AccountHistory]) -> None:
        self._head = head
        self._accounts = accounts

    def __iter__(self) -> Iterator[bytes]:
        encode = msgspec.msgpack.Encoder().encode
        yield encode(self._head)
        for account in self._accounts:
            shares = _cut(account.open), account.closed, account.fills
            yield encode((account.state, [len(of_kind) for of_kind in shares]))
            for of_kind in shares:
                yield from map(encode, of_kind)

    def digest(self) -> str:
        """Return a digest of all of it: a second's work where there is much, for any thread."""
        digest = blake2b(digest_size=16)
        for piece in self:
            digest.update(piece)
        return digest.hexdigest()


def _cut(orders: list[Order]) -> list[Share[Order]]:
    return [tuple(orders[at : at + SHARE]) for at in range(0, len(orders), SHARE)]


_heads = msgspec.msgpack.Decoder(SnapshotHead)
_accounts = msgspec.msgpack.Decoder(tuple[AccountState, tuple[int, int, int]])
_orders = msgspec.msgpack.Decoder(Share[Order])
_fills = msgspec.msgpack.Decoder(Share[OrderFilled])


def read(pieces: Iterable[bytes]) -> tuple[SnapshotHead, Iterator[AccountHistory]]:
    """Return what a snapshot's pieces say. Raises MsgspecError, of an account when it comes to it."""
    left = iter(pieces)
    head = _heads.decode(next(left, b""))
    return head, _read_accounts(left, head.accounts)


def _read_accounts(left: Iterator[bytes], count: int) -> Iterator[AccountHistory]:
    for _ in range(count):
        state, (opened, closed, fills) = _accounts.decode(next(left, b""))
        yield AccountHistory(
            state,
            [order for _ in range(opened) for order in _orders.decode(next(left, b""))],
            [_orders.decode(next(left, b"")) for _ in range(closed)],
            [_fills.decode(next(left, b"")) for _ in range(fills)],
        )
    if next(left, None) is not None:
        raise msgspec.DecodeError("more than the accounts that were told of")
