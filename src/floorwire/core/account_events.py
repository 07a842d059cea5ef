"""Account events: everything that changes accounts. The journal is a list of them; accounts follow from it.

Each event has the state after it (the whole order, the balances that changed, in units). So a private
message is made from the event and its instrument alone, both live and from the journal. ``account`` is "" if
the event is not about one account. ``CHANNELS`` has the private channels on which an event is a message.
Events are stored as MessagePack arrays with the tag first: add new fields at the end, with a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument, Side
from floorwire.core.orders import Liquidity, Order
from floorwire.core.risk_limits import Limits

PrivateChannel: TypeAlias = Literal["orders", "fills", "balances", "positions"]
HaltScope: TypeAlias = Literal["all", "account", "key", "symbol"]
MoneyKind: TypeAlias = Literal["paper", "live"]
"""What the balances at a venue are: counted by Floorwire alone, or real."""
Cause: TypeAlias = Literal[
    "fill",
    "fee",
    "deposit",
    "withdrawal",
    "transfer",
    "reset",
    "venue",
    "rounding",
    "conversion",
]
"""Why a balance changed. ``venue``: the venue said so. ``rounding``: the asset is counted in coarser units.
``conversion``: balances of an earlier version were divided among venues. A hold changes no balance."""


class Balance(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The balance of an asset, in units of ten to the power ``-decimals``."""

    asset: str
    total: int
    held: int
    """The reserve for open orders. Available is total - held."""
    decimals: int

    @property
    def available(self) -> int:
        """The part that new orders may use."""
        return self.total - self.held


class Position(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The position of an account in an instrument.

    ``quantity`` is the total balance of the base asset. ``bought`` is the part of it that was bought in this
    instrument, for ``cost`` in total without fees; cost / bought is the average entry price. A sale in this
    instrument reduces ``bought`` first, and ``cost`` in proportion. ``engine.position`` has the rule for
    assets that leave in another way. The ``bought`` of all instruments of an asset add up to at most its
    balance.
    """

    symbol: str
    quantity: int
    bought: int
    cost: int
    realised: int
    """Realised profit: proceeds less cost of what was bought and sold; negative for a loss."""
    base_decimals: int
    quote_decimals: int
    """``base_decimals`` is for quantity and bought, ``quote_decimals`` for cost and realised."""


class Guard(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """When to cancel a key's open orders because its client is gone. None: this guard is off."""

    grace_us: int | None = None
    """Cancel on disconnect: how long after it; the shortest time that a connection asked for."""
    cancels_us: int | None = None
    """When to cancel after a disconnect, in microseconds since the epoch, UTC. None: all are connected."""
    deadman_us: int | None = None
    """Dead man's timer: cancel after this long without a request."""
    length_us: int | None = None
    """The whole time from the disconnect to ``cancels_us``. None: an earlier version did not keep it."""


class MassCancel(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Which open orders to cancel. None: any account, any symbol, any key."""

    account: str | None = None
    symbol: str | None = None
    key: str | None = None
    code: Code | None = None
    """The reason, where the client did not ask for it."""
    symbols: tuple[str, ...] | None = None
    """The symbols that the key of the request is for: BASE-QUOTE on every venue, or venue:BASE-QUOTE."""


class Listed(msgspec.Struct, frozen=True, array_like=True, tag="listed"):
    """An instrument may be traded now, or its steps changed.

    If it needs finer units of an asset, every balance of the asset is counted in those from now on.
    """

    instrument: Instrument
    ts_us: int
    account: str = ""


class Coarsened(msgspec.Struct, frozen=True, array_like=True, tag="coarsened"):
    """Assets are counted in coarser units, because a balance was larger than a record can hold.

    ``symbols`` need finer units than that. They are closed, and their open orders reserve nothing any more.
    What is less than one unit goes to the operator.
    """

    decimals: tuple[tuple[str, int], ...]
    """Asset -> the decimals of its unit from now on."""
    symbols: tuple[str, ...]
    ts_us: int
    account: str = ""


class IdsReserved(msgspec.Struct, frozen=True, array_like=True, tag="reserved"):
    """Order and fill ids up to these are reserved: they may have been used in a history that is lost.

    It follows a restore from a backup, so that no id is used twice.
    """

    order_id: int
    fill_id: int
    ts_us: int
    account: str = ""


class Deposited(msgspec.Struct, frozen=True, array_like=True, tag="deposited"):
    """A deposit was added to the account. ``deposit_id`` is from the key store; each is booked once."""

    account: str
    deposit_id: int
    units: int
    balance: Balance
    ts_us: int
    store: str = ""
    """The identity of the key store, since each store counts its own ids. "": from before stores had one."""


class Withdrawn(msgspec.Struct, frozen=True, array_like=True, tag="withdrawn"):
    """An operator took paper money from the account. ``request_id`` is the operator's; each is done once."""

    account: str
    request_id: str
    units: int
    balance: Balance
    ts_us: int


class TransferSent(msgspec.Struct, frozen=True, array_like=True, tag="transfer_sent"):
    """An operator moved paper money to another account. ``TransferReceived`` is in the same commit."""

    account: str
    request_id: str
    receiver: str
    units: int
    balance: Balance
    ts_us: int


class TransferReceived(msgspec.Struct, frozen=True, array_like=True, tag="transfer_received"):
    """The other half of a transfer."""

    account: str
    request_id: str
    sender: str
    units: int
    balance: Balance
    ts_us: int


class AccountReset(msgspec.Struct, frozen=True, array_like=True, tag="account_reset"):
    """An operator gave the account new balances. It has no open orders, and its positions begin anew.

    ``balances`` and ``positions`` are all that the account has.
    """

    account: str
    request_id: str
    balances: tuple[Balance, ...]
    positions: tuple[Position, ...]
    ts_us: int


class OrderAccepted(msgspec.Struct, frozen=True, array_like=True, tag="accepted", gc=False):
    """The order is accepted: it survives a crash, and is sent to the market."""

    account: str
    order: Order
    balances: tuple[Balance, ...]
    ts_us: int


class OrderAmending(msgspec.Struct, frozen=True, array_like=True, tag="amending", gc=False):
    """An amend was sent to the venue, and what it may need is reserved. The order is not amended yet."""

    account: str
    order: Order
    balances: tuple[Balance, ...]
    ts_us: int


class OrderAmended(msgspec.Struct, frozen=True, array_like=True, tag="amended", gc=False):
    """The venue amended the price or the quantity."""

    account: str
    order: Order
    balances: tuple[Balance, ...]
    ts_us: int


class AmendRefused(msgspec.Struct, frozen=True, array_like=True, tag="amend_refused", gc=False):
    """The venue refused an amend for the reason ``code``. The reserve for the amend is released."""

    account: str
    order: Order
    balances: tuple[Balance, ...]
    ts_us: int
    code: Code | None = None


class OrderCancelling(msgspec.Struct, frozen=True, array_like=True, tag="cancelling", gc=False):
    """A cancel was sent to the venue. The order is open until the venue answers."""

    account: str
    order: Order
    ts_us: int


class OrderTriggered(msgspec.Struct, frozen=True, array_like=True, tag="triggered", gc=False):
    """A stop order was triggered: it is in the market now."""

    account: str
    order: Order
    ts_us: int


class OrderFilled(msgspec.Struct, frozen=True, array_like=True, tag="filled", gc=False):
    """One fill. ``order.state`` says whether the order is filled completely."""

    account: str
    order: Order
    fill_id: int
    """Counts up over the whole exchange. On the wire it is a string."""
    trade_id: str
    price_ticks: int
    lots: int
    liquidity: Liquidity
    fee: int
    """In units of the quote asset, paid to the operator."""
    balances: tuple[Balance, Balance]
    """First the quote asset's balance, then the base asset's."""
    position: Position
    ts_us: int
    execution_id: str = ""
    """The venue's id of the execution. "": it was executed in this process, and the operator has the fee."""
    fee_asset: str = ""
    """What the fee is paid in, where a venue said so. "": the quote asset."""
    fee_balance: Balance | None = None
    """The balance of ``fee_asset``, where that is neither the quote nor the base asset."""

    @property
    def side(self) -> Side:
        """The side of the order."""
        return self.order.ticket.side


class PositionsChanged(msgspec.Struct, frozen=True, array_like=True, tag="positions"):
    """Positions changed because their base asset came or left in another way.

    That is a fill in another instrument of the asset, or a deposit. ``OrderFilled`` has the position in the
    instrument of the fill itself.
    """

    account: str
    positions: tuple[Position, ...]
    ts_us: int


class OrderEnded(msgspec.Struct, frozen=True, array_like=True, tag="ended", gc=False):
    """The order is cancelled, expired or rejected (``order.state``, ``order.code``). It reserves nothing."""

    account: str
    order: Order
    balances: tuple[Balance, ...]
    ts_us: int


class LimitsSet(msgspec.Struct, frozen=True, array_like=True, tag="limits"):
    """An operator set the limits of the account, or of one of its keys."""

    account: str
    key: str | None
    limits: Limits
    ts_us: int


class Halted(msgspec.Struct, frozen=True, array_like=True, tag="halted"):
    """Kill switch: no new orders and no amends for all (``name`` is ""), an account, a key or a symbol.

    Cancels are still allowed.
    """

    scope: HaltScope
    name: str
    ts_us: int
    account: str = ""


class Resumed(msgspec.Struct, frozen=True, array_like=True, tag="resumed"):
    """A halt ended."""

    scope: HaltScope
    name: str
    ts_us: int
    account: str = ""


class GuardSet(msgspec.Struct, frozen=True, array_like=True, tag="guard"):
    """The guard of the key's open orders changed."""

    account: str
    key: str
    guard: Guard
    ts_us: int


class MassCancelStarted(msgspec.Struct, frozen=True, array_like=True, tag="mass_cancel"):
    """Many orders are cancelled, some in each turn of the event loop. After a crash, the rest is cancelled.

    Only orders up to ``last_order_id`` are cancelled: later orders came after the request.
    """

    number: int
    """No other mass cancel that has not ended has it."""
    mass_cancel: MassCancel
    last_order_id: int
    ts_us: int
    account: str = ""


class MassCancelEnded(msgspec.Struct, frozen=True, array_like=True, tag="mass_cancel_ended"):
    """The cancel of each of its orders was sent to the venue."""

    number: int
    ts_us: int
    account: str = ""


class Identified(msgspec.Struct, frozen=True, array_like=True, tag="identified"):
    """Instruments, assets and balances belong to venues from now on.

    Records before it have symbols and assets as earlier versions named them. It follows them once.
    """

    names: tuple[tuple[str, str], ...]
    """Each symbol and each asset of earlier records -> its identity (``core.venue_names``)."""
    balances: tuple[tuple[str, tuple[Balance, ...]], ...]
    """For each account, all its balances at venues. Each asset has the same total as before."""
    ts_us: int
    account: str = ""


class VenueMoneySet(msgspec.Struct, frozen=True, array_like=True, tag="venue_money"):
    """The venue was opened first with money of this kind. It never has money of the other kind."""

    venue: str
    money: MoneyKind
    ts_us: int
    account: str = ""


class OrderSubmitting(msgspec.Struct, frozen=True, array_like=True, tag="submitting", gc=False):
    """An order for a venue outside this process is accepted. It leaves when this is durable, and once.

    ``client_id`` is the id that the venue gets. No other order ever has it.
    """

    account: str
    order: Order
    balances: tuple[Balance, ...]
    ts_us: int
    client_id: str


class OrderWorking(msgspec.Struct, frozen=True, array_like=True, tag="working", gc=False):
    """The venue has the order: it said so."""

    account: str
    order: Order
    ts_us: int
    venue_order_id: str


class OrderUnknown(msgspec.Struct, frozen=True, array_like=True, tag="unknown", gc=False):
    """Nobody knows whether the venue has the order. It keeps its hold until the venue says it."""

    account: str
    order: Order
    ts_us: int


class Quarantined(msgspec.Struct, frozen=True, array_like=True, tag="quarantined"):
    """A venue reported what cannot be. Nothing more is booked for this order until an operator releases
    it."""

    account: str
    number: int
    venue: str
    order_id: int
    """0: no order of ours is known by the id that was reported."""
    client_id: str
    reason: str
    report: str
    ts_us: int


class QuarantineReleased(msgspec.Struct, frozen=True, array_like=True, tag="released"):
    """An operator has dealt with it. An open order is asked for at its venue again."""

    account: str
    number: int
    ts_us: int


class VenueBalanceSet(msgspec.Struct, frozen=True, array_like=True, tag="venue_balance"):
    """The venue says that the account has this balance: money came or left there without an order of ours."""

    account: str
    venue: str
    balance: Balance
    ts_us: int


class VenueCursorSet(msgspec.Struct, frozen=True, array_like=True, tag="venue_cursor"):
    """All executions of the account up to the venue's cursor are booked."""

    account: str
    venue: str
    cursor: str
    ts_us: int


AccountEvent: TypeAlias = (
    Listed
    | Coarsened
    | IdsReserved
    | Deposited
    | Withdrawn
    | TransferSent
    | TransferReceived
    | AccountReset
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
    | MassCancelStarted
    | MassCancelEnded
    | Identified
    | VenueMoneySet
    | OrderSubmitting
    | OrderWorking
    | OrderUnknown
    | Quarantined
    | QuarantineReleased
    | VenueBalanceSet
    | VenueCursorSet
)

CHANNELS: Mapping[type[AccountEvent], tuple[PrivateChannel, ...]] = {
    Listed: (),
    Coarsened: (),
    IdsReserved: (),
    Deposited: ("balances",),
    Withdrawn: ("balances",),
    TransferSent: ("balances",),
    TransferReceived: ("balances",),
    AccountReset: ("balances", "positions"),
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
    MassCancelStarted: (),
    MassCancelEnded: (),
    Identified: (),
    VenueMoneySet: (),
    OrderSubmitting: ("orders", "balances"),
    OrderWorking: ("orders",),
    OrderUnknown: ("orders",),
    Quarantined: (),
    QuarantineReleased: (),
    VenueBalanceSet: ("balances",),
    VenueCursorSet: (),
}
"""The private channels of ``event.account`` on which an event is one message, with the next seq."""


class Seqs(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last seq of each private channel of an account. The first event has seq 1."""

    orders: int = 0
    fills: int = 0
    balances: int = 0
    positions: int = 0


class AccountEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event with the seqs of its account after it: its messages have those of its ``CHANNELS``."""

    event: AccountEvent
    seqs: Seqs
