"""Account snapshot: all accounts as of one moment, encoded in small pieces.

A snapshot copies what may change. It shares what never changes, which is mostly closed orders and fills. So
the event loop takes one fast. A piece is encoded when it is asked for. Another thread may do that while the
accounts go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

import msgspec

from floorwire.core.account_events import (
    Balance,
    Guard,
    HaltScope,
    MassCancelStarted,
    MoneyKind,
    OrderFilled,
    Position,
    Seqs,
)
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order
from floorwire.core.risk_limits import Limits
from floorwire.engine.chunked_history import CHUNK_SIZE, Chunk
from floorwire.engine.remote_state import RemoteSnapshot


class FormerInstrument(msgspec.Struct, frozen=True, array_like=True):
    """An instrument before its tick or lot changed. Orders up to ``last_order_id`` are in its old steps."""

    instrument: Instrument
    last_order_id: int


class SnapshotHead(msgspec.Struct, array_like=True):
    """The first piece: what belongs to no single account, and the number of accounts that follow."""

    instruments: list[Instrument]
    decimals: list[tuple[str, int]]
    fees: list[tuple[str, str]]
    outside: list[tuple[str, str]]
    """Units of each asset, as text. A sum over all accounts may be too large for a MessagePack integer."""
    halts: list[tuple[HaltScope, str]]
    last_order_id: int
    last_fill_id: int
    last_deposit_id: int
    accounts: int
    former: list[FormerInstrument] = []
    """For each symbol, the oldest first."""
    deposits: list[tuple[str, int]] = []
    """Last deposit id by key store. Stores without an identity count in ``last_deposit_id``."""
    mass_cancels: list[MassCancelStarted] = []
    """Those that have not ended, by number."""
    identities: list[tuple[str, str]] = []
    """Symbols and assets of records before they had venues -> their identities."""
    venue_money: list[tuple[str, MoneyKind]] = []
    """What money each venue has."""
    remote: RemoteSnapshot = RemoteSnapshot()
    money_requests: list[tuple[str, str]] = []
    """Requests of operators about money: id and what was asked for, the oldest first."""


class AccountState(msgspec.Struct, array_like=True):
    """The first piece of an account. Its open orders, closed orders and fills follow, in this order."""

    name: str
    owner: int
    balances: list[Balance]
    positions: list[Position]
    limits: Limits
    key_limits: list[tuple[str, Limits]]
    seqs: Seqs
    closed_forgotten: int
    """How many orders at the start of the first chunk of closed orders are dropped already."""
    fills_forgotten: int
    """The same for fills."""
    guards: list[tuple[str, Guard]] = []


class AccountHistory(msgspec.Struct):
    """One account with its orders and fills."""

    state: AccountState
    open: list[Order]
    """Sorted by id."""
    closed: list[Chunk[Order]]
    fills: list[Chunk[OrderFilled]]


class AccountSnapshot:
    """All accounts as of one moment. Each iteration encodes the pieces again."""

    def __init__(self, head: SnapshotHead, accounts: Sequence[AccountHistory]) -> None:
        self._head = head
        self._accounts = accounts

    def __iter__(self) -> Iterator[bytes]:
        encode = msgspec.msgpack.Encoder().encode
        yield encode(self._head)
        for account in self._accounts:
            chunks = _cut(account.open), account.closed, account.fills
            yield encode((account.state, [len(of_kind) for of_kind in chunks]))
            for of_kind in chunks:
                yield from map(encode, of_kind)

    def digest(self) -> str:
        """Return a digest of all pieces. It may take a second for many orders. Any thread may call it."""
        digest = blake2b(digest_size=16)
        for piece in self:
            digest.update(piece)
        return digest.hexdigest()


def _cut(orders: list[Order]) -> list[Chunk[Order]]:
    return [tuple(orders[at : at + CHUNK_SIZE]) for at in range(0, len(orders), CHUNK_SIZE)]


_heads = msgspec.msgpack.Decoder(SnapshotHead)
_accounts = msgspec.msgpack.Decoder(tuple[AccountState, tuple[int, int, int]])
_orders = msgspec.msgpack.Decoder(Chunk[Order])
_fills = msgspec.msgpack.Decoder(Chunk[OrderFilled])


def read(pieces: Iterable[bytes]) -> tuple[SnapshotHead, Iterator[AccountHistory]]:
    """Return the head of a snapshot, and an iterator that decodes its accounts.

    Raises MsgspecError. For a damaged account, the iterator raises it when it comes to that account.
    """
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
