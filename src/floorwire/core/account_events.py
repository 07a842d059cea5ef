"""Account events: all that ever changes accounts. The journal is a row of them; state is their fold.

Each says what is true after it (the whole order, the balances that changed, in units), so that what a
private channel sends follows from the event and its instrument alone, live and from the journal. ``account``
is "" where the event is not one account's. ``CHANNELS`` says on which private channels an event is one
message. They are MessagePack arrays, their tag first: new fields go to the end, with a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument, Side
from floorwire.core.limits import Limits
from floorwire.core.orders import Liquidity, Order

PrivateChannel: TypeAlias = Literal["orders", "fills", "balances", "positions"]
HaltScope: TypeAlias = Literal["all", "account", "key", "symbol"]


class Balance(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an account has of an asset, in units of ten to the power ``-decimals``."""

    asset: str
    total: int
    held: int
    """The part that open orders hold; available is total - held."""
    decimals: int

    @property
    def available(self) -> int:
        """What new orders may use."""
        return self.total - self.held


class Position(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an account has of an instrument's base asset, and what its trades in the instrument made of it.

    ``quantity`` is the base balance's total; ``bought`` the part of it that was bought in this instrument,
    for ``cost`` in all, fees apart: cost / bought is the average entry price. A sale in this instrument takes
    of what was bought here first, in proportion to its cost. ``engine.position`` has what happens where the
    asset leaves another way. The ``bought`` of all instruments of one asset are never more than its balance.
    """

    symbol: str
    quantity: int
    bought: int
    cost: int
    realised: int
    """Proceeds less cost of all that was bought and sold; negative for a loss."""
    base_decimals: int
    quote_decimals: int
    """Of quantity and bought; of cost and realised."""


class Guard(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What cancels a key's open orders when nobody is there; None: that does not."""

    grace_us: int | None = None
    """After its connections are gone; the shortest that one of them asked for."""
    cancels_us: int | None = None
    """At this time, microseconds since the epoch, UTC: one is gone, and its grace runs."""
    deadman_us: int | None = None
    """After this long without a word from it."""


class Listed(msgspec.Struct, frozen=True, array_like=True, tag="listed"):
    """An instrument may be traded from now on, or its steps are others now. No account's.

    Where it needs finer units of an asset, every balance of it is counted in those from now on.
    """

    instrument: Instrument
    ts_us: int
    account: str = ""


class Coarsened(msgspec.Struct, frozen=True, array_like=True, tag="coarsened"):
    """Assets are counted in coarser units, because a balance was larger than a record can hold.

    ``symbols`` need finer units than that: they are closed, and their open orders hold nothing any more.
    What is less than a unit goes to the house. No account's.
    """

    decimals: tuple[tuple[str, int], ...]
    """Asset -> the decimals of its unit from now on."""
    symbols: tuple[str, ...]
    ts_us: int
    account: str = ""


class IdsReserved(msgspec.Struct, frozen=True, array_like=True, tag="reserved"):
    """Order and fill ids up to these may have been given in a history that is lost. No account's.

    It follows a restore from a backup: no id is given twice.
    """

    order_id: int
    fill_id: int
    ts_us: int
    account: str = ""


class Deposited(msgspec.Struct, frozen=True, array_like=True, tag="deposited"):
    """The account was given units of the asset. ``deposit_id`` is the key store's, each booked once."""

    account: str
    deposit_id: int
    units: int
    balance: Balance
    ts_us: int
    store: str = ""
    """The key store's identity: ids count up in each. "": from before stores had one."""


class OrderAccepted(msgspec.Struct, frozen=True, array_like=True, tag="accepted", gc=False):
    """The order exists and will survive; it is (about to be) in the market."""

    account: str
    order: Order
    balances: tuple[Balance, ...]
    ts_us: int


class OrderAmending(msgspec.Struct, frozen=True, array_like=True, tag="amending", gc=False):
    """An amend is on its way to the venue; what it may need is held. The order's terms are still the old."""

    account: str
    order: Order
    balances: tuple[Balance, ...]
    ts_us: int


class OrderAmended(msgspec.Struct, frozen=True, array_like=True, tag="amended", gc=False):
    """The order has other terms now."""

    account: str
    order: Order
    balances: tuple[Balance, ...]
    ts_us: int


class AmendRefused(msgspec.Struct, frozen=True, array_like=True, tag="amend_refused", gc=False):
    """The venue left the order as it was, ``code`` says why; what was held for the amend is released."""

    account: str
    order: Order
    balances: tuple[Balance, ...]
    ts_us: int
    code: Code | None = None


class OrderCancelling(msgspec.Struct, frozen=True, array_like=True, tag="cancelling", gc=False):
    """A cancel is on its way to the venue, which has not answered yet. The order is open as before."""

    account: str
    order: Order
    ts_us: int


class OrderTriggered(msgspec.Struct, frozen=True, array_like=True, tag="triggered", gc=False):
    """A stop order is in the market now."""

    account: str
    order: Order
    ts_us: int


class OrderFilled(msgspec.Struct, frozen=True, array_like=True, tag="filled", gc=False):
    """Lots were traded and paid for: one fill. ``order.state`` says whether that was all."""

    account: str
    order: Order
    fill_id: int
    """Counts up over the whole exchange; on the wire a string of it."""
    trade_id: str
    price_ticks: int
    lots: int
    liquidity: Liquidity
    fee: int
    """In units of the quote asset, paid to the house."""
    balances: tuple[Balance, Balance]
    """The quote asset's, then the base asset's."""
    position: Position
    ts_us: int

    @property
    def side(self) -> Side:
        """The account's."""
        return self.order.ticket.side


class PositionsChanged(msgspec.Struct, frozen=True, array_like=True, tag="positions"):
    """The account's positions are these now, because their base asset came or left another way.

    Such a way is a fill in another instrument of the asset, or a deposit. The position of a fill's own
    instrument stands in ``OrderFilled``.
    """

    account: str
    positions: tuple[Position, ...]
    ts_us: int


class OrderEnded(msgspec.Struct, frozen=True, array_like=True, tag="ended", gc=False):
    """What was left is cancelled, expired or rejected (``order.state``, ``order.code``); it holds nothing."""

    account: str
    order: Order
    balances: tuple[Balance, ...]
    ts_us: int


class LimitsSet(msgspec.Struct, frozen=True, array_like=True, tag="limits"):
    """The account's limits, or one key's, are these from now on."""

    account: str
    key: str | None
    limits: Limits
    ts_us: int


class Halted(msgspec.Struct, frozen=True, array_like=True, tag="halted"):
    """No new orders and no amends for all ("" as name), an account, a key, or a symbol. Cancels go on."""

    scope: HaltScope
    name: str
    ts_us: int
    account: str = ""


class Resumed(msgspec.Struct, frozen=True, array_like=True, tag="resumed"):
    """A halt is over."""

    scope: HaltScope
    name: str
    ts_us: int
    account: str = ""


class GuardSet(msgspec.Struct, frozen=True, array_like=True, tag="guard"):
    """The key's open orders are guarded like this from now on."""

    account: str
    key: str
    guard: Guard
    ts_us: int


AccountEvent: TypeAlias = (
    Listed
    | Coarsened
    | IdsReserved
    | Deposited
    | OrderAccepted
    | OrderAmending
    | OrderAmended
    | AmendRefused
    | OrderCancelling
    | OrderTriggered
    | OrderFilled
    | PositionsChanged
    | OrderEnded
    | LimitsSet
    | Halted
    | Resumed
    | GuardSet
)

CHANNELS: Mapping[type[AccountEvent], tuple[PrivateChannel, ...]] = {
    Listed: (),
    Coarsened: (),
    IdsReserved: (),
    Deposited: ("balances",),
    OrderAccepted: ("orders", "balances"),
    OrderAmending: ("balances",),
    OrderAmended: ("orders", "balances"),
    AmendRefused: ("orders", "balances"),
    OrderCancelling: (),
    OrderTriggered: ("orders",),
    OrderFilled: ("orders", "fills", "balances", "positions"),
    PositionsChanged: ("positions",),
    OrderEnded: ("orders", "balances"),
    LimitsSet: (),
    Halted: (),
    Resumed: (),
    GuardSet: (),
}
"""The private channels of ``event.account`` on which the event is one message, with the next seq each."""


class Seqs(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last seq of each private channel of one account; each begins with 1."""

    orders: int = 0
    fills: int = 0
    balances: int = 0
    positions: int = 0


class AccountEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event with the seqs of its account after it: those of ``CHANNELS[type(event)]`` are its
    messages'."""

    event: AccountEvent
    seqs: Seqs
