"""All accounts, the listed instruments and the halts.

The state is what the events of the journal add up to. ``Accounts.apply`` applies one event, live and in
recovery. Nothing else changes the state.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias, get_args

import msgspec

from floorwire.core.account_events import (
    CHANNELS,
    AccountEvent,
    AccountReset,
    AmendRefused,
    Balance,
    Coarsened,
    Deposited,
    GuardSet,
    Halted,
    HaltScope,
    Identified,
    IdsReserved,
    LimitsSet,
    Listed,
    MassCancelEnded,
    MassCancelStarted,
    MoneyKind,
    OrderAccepted,
    OrderAmended,
    OrderAmending,
    OrderCancelling,
    OrderEnded,
    OrderFilled,
    OrderSubmitting,
    OrderTriggered,
    OrderUnknown,
    OrderWorking,
    PositionsChanged,
    Quarantined,
    QuarantineReleased,
    Resumed,
    Seqs,
    TransferReceived,
    TransferSent,
    VenueBalanceSet,
    VenueMoneySet,
    Withdrawn,
)
from floorwire.core.instrument import Instrument
from floorwire.core.money_requests import described
from floorwire.core.orders import OPEN, Order
from floorwire.engine import venue_identities
from floorwire.engine.account import NO_GUARD, Account
from floorwire.engine.account_snapshot import (
    AccountHistory,
    AccountSnapshot,
    AccountState,
    FormerInstrument,
    SnapshotHead,
    read,
)
from floorwire.engine.instrument_units import InstrumentUnits
from floorwire.engine.ledger import MOST_UNITS, Balances, Ledger
from floorwire.engine.remote_state import RemoteState
from floorwire.engine.unit_changes import amounts, count_coarser, count_finer

_RAISED = {
    kind: tuple(int(channel in channels) for channel in Seqs.__struct_fields__)
    for kind, channels in CHANNELS.items()
}
"""What each kind of event adds to the four seqs: 1 or 0."""
_NO_SEQS = Seqs()
KEPT_MONEY_REQUESTS = 10_000
"""How many requests of operators about money are remembered, so that each is done once."""
_OrderEvent: TypeAlias = (
    OrderAccepted | OrderSubmitting | OrderAmending | OrderAmended | AmendRefused | OrderEnded
)
_ORDER_EVENTS = frozenset(get_args(_OrderEvent))


class Accounts:
    """All accounts, the listed instruments and the halts. Only ``apply`` changes them."""

    __slots__ = (
        "by_base",
        "by_name",
        "former",
        "halts",
        "identities",
        "instrument_units",
        "last_deposit_id",
        "last_deposit_ids",
        "last_fill_id",
        "last_order_id",
        "ledger",
        "mass_cancels",
        "money_requests",
        "orders",
        "remote",
        "shared",
        "venue_money",
    )

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.instrument_units: dict[str, InstrumentUnits] = {}
        """The listed instruments and their units, by symbol."""
        self.by_base: dict[str, tuple[str, ...]] = {}
        """By base asset: the symbols of its instruments, sorted."""
        self.shared: dict[str, tuple[str, ...]] = {}
        """By symbol: those of its two assets that are the base asset of another instrument too.

        A fill in the symbol can change the positions in those other instruments.
        """
        self.former: dict[str, list[FormerInstrument]] = {}
        """By symbol: the instrument as it was before each change of its steps, the oldest first."""
        self.orders: dict[int, Order] = {}
        """Open orders and kept closed orders, by order id."""
        self.halts: set[tuple[HaltScope, str]] = set()
        """The halts in force (kill switch), as scope and name."""
        self.last_order_id = 0
        self.last_fill_id = 0
        self.last_deposit_id = 0
        """The last deposit credited from a key store that has no identity."""
        self.last_deposit_ids: dict[str, int] = {}
        """The last deposit credited from each key store, by the store's identity."""
        self.by_name: dict[str, Account] = {}
        self.mass_cancels: dict[int, MassCancelStarted] = {}
        """By number: the mass cancels that have not ended."""
        self.identities: dict[str, str] = {}
        """Symbols and assets of records before they had venues, with their identities."""
        self.venue_money: dict[str, MoneyKind] = {}
        """By venue: what money it has."""
        self.money_requests: dict[str, str] = {}
        """The latest requests of operators about money: id -> what was asked for."""
        self.remote = RemoteState()
        """What belongs to orders at venues outside this process."""

    def balance(self, name: str, asset: str) -> Balance:
        """Return the account's balance of the asset. It is zero where the account has none."""
        account = self.by_name.get(name)
        found = account.balances.get(asset) if account is not None else None
        return found or Balance(asset, 0, 0, self.ledger.decimals_of(asset))

    def holders(self) -> list[Balances]:
        """Return the balances of each account."""
        return [account.balances for account in self.by_name.values()]

    # --- events -------------------------------------------------------------------------------------

    def apply(self, event: AccountEvent) -> Seqs:
        """Apply the event. Return the seqs of its account after it; all 0 for an event without an account."""
        kind, name = type(event), event.account
        if not name:
            self._rule(event)
            return _NO_SEQS
        account = self.by_name.get(name)
        if account is None:
            account = self.by_name[name] = Account(len(self.by_name) + 1)
        if kind in _ORDER_EVENTS:  # measured: half the time of isinstance
            order_event: _OrderEvent = event  # type: ignore[assignment] # tested above; cast() is a call
            self._put(account, order_event.order)
            self.ledger.put(account.balances, order_event.balances)
            if kind is OrderSubmitting:
                self.remote.apply(event, self._venue_of)
        elif type(event) is OrderFilled:
            self._fill(account, event)
        else:
            self._change(account, event)
        seqs = account.seqs
        orders, fills, balances, positions = _RAISED[kind]
        account.seqs = seqs = Seqs(
            seqs.orders + orders, seqs.fills + fills, seqs.balances + balances, seqs.positions + positions
        )
        return seqs

    def _fill(self, account: Account, event: OrderFilled) -> None:
        ledger, balances, position = self.ledger, event.balances, event.position
        self._put(account, event.order)
        ledger.put(account.balances, balances)
        if event.execution_id:  # the venue has the fee: it has left already, with the balances
            if event.fee_balance is not None:
                ledger.put(account.balances, (event.fee_balance,))
            self.remote.apply(event, self._venue_of)
        else:
            ledger.charge(balances[0].asset, event.fee)
        account.positions[position.symbol] = position
        account.fills.add(event)
        self.last_fill_id = event.fill_id

    def _put(self, account: Account, order: Order) -> None:
        """Store the order in place of its earlier state, and update what is derived from it."""
        order_id, ticket, more = order.order_id, order.ticket, 0
        self.orders[order_id] = order
        before = account.open.get(order_id)
        if before is None:  # a new order: no event comes after an order has closed
            account.by_client[ticket.client_order_id] = order_id
            self.last_order_id = max(self.last_order_id, order_id)
        else:
            more = before.filled_lots - before.lots
        if order.state in OPEN:
            account.open[order_id] = order
            more += order.lots - order.filled_lots
            if before is None:
                account.open_by_key[order.key] = account.open_by_key.get(order.key, 0) + 1
        else:
            if before is not None:
                del account.open[order_id]
                left = account.open_by_key.pop(before.key) - 1
                if left:
                    account.open_by_key[order.key] = left
            self._close(account, order)
        if more and ticket.side == "buy":
            account.buying[ticket.symbol] = account.buying.get(ticket.symbol, 0) + more

    def _close(self, account: Account, order: Order) -> None:
        """Keep the closed order. Drop the oldest closed order where there are too many."""
        forgotten = account.closed.add(order)
        if forgotten is not None:
            del self.orders[forgotten.order_id]
            self.remote.index.forget(forgotten.order_id)
            del account.by_client[forgotten.ticket.client_order_id]

    def _change(self, account: Account, event: AccountEvent) -> None:
        if isinstance(event, OrderTriggered | OrderCancelling | OrderWorking | OrderUnknown):
            self._put(account, event.order)
            if isinstance(event, OrderWorking):
                self.remote.apply(event, self._venue_of)
        elif isinstance(event, PositionsChanged):
            account.positions.update((position.symbol, position) for position in event.positions)
        elif isinstance(event, Deposited):
            self.ledger.put(account.balances, (event.balance,))
            if event.store:
                self.last_deposit_ids[event.store] = event.deposit_id
            else:
                self.last_deposit_id = event.deposit_id
        elif isinstance(event, LimitsSet):
            if event.key is None:
                account.limits = event.limits
            else:
                account.key_limits[event.key] = event.limits
        elif isinstance(event, GuardSet):
            account.guards[event.key] = event.guard
            if event.guard == NO_GUARD:
                del account.guards[event.key]
        else:
            self._change_further(account, event)

    def _move_money(
        self, account: Account, event: Withdrawn | TransferSent | TransferReceived | AccountReset
    ) -> None:
        """Set the balances after an operator's request, and remember the request."""
        if isinstance(event, AccountReset):
            self.ledger.put(account.balances, event.balances)
            account.positions.update((position.symbol, position) for position in event.positions)
        else:
            self.ledger.put(account.balances, (event.balance,))
        if not isinstance(event, TransferReceived):
            self.money_requests[event.request_id] = described(event)
            if len(self.money_requests) > KEPT_MONEY_REQUESTS:
                del self.money_requests[next(iter(self.money_requests))]

    def _change_further(self, account: Account, event: AccountEvent) -> None:
        if isinstance(event, Withdrawn | TransferSent | TransferReceived | AccountReset):
            self._move_money(account, event)
            return
        if isinstance(event, VenueBalanceSet):
            self.ledger.put(account.balances, (event.balance,))
        self.remote.apply(event, self._venue_of)

    def _venue_of(self, symbol: str) -> str:
        return self.instrument_units[symbol].instrument.venue

    def _rule(self, event: AccountEvent) -> None:
        if isinstance(event, Listed):
            self._list(event.instrument)
        elif isinstance(event, Coarsened):
            self._coarsen(event)
        elif isinstance(event, IdsReserved):
            self.last_order_id = max(self.last_order_id, event.order_id)
            self.last_fill_id = max(self.last_fill_id, event.fill_id)
        elif isinstance(event, Halted):
            self.halts.add((event.scope, event.name))
        elif isinstance(event, Resumed):
            self.halts.discard((event.scope, event.name))
        elif isinstance(event, MassCancelStarted):
            self.mass_cancels[event.number] = event
        elif isinstance(event, MassCancelEnded):
            del self.mass_cancels[event.number]
        elif isinstance(event, VenueMoneySet):
            self.venue_money[event.venue] = event.money
        elif isinstance(event, Identified):
            venue_identities.apply(self, event)
        elif isinstance(event, Quarantined | QuarantineReleased):  # of no order that we know
            self.remote.apply(event, self._venue_of)

    # --- instruments --------------------------------------------------------------------------------

    def _list(self, instrument: Instrument) -> None:
        """Add the instrument, or replace what is known of it.

        Its steps may need finer units of an asset. All amounts of the asset are converted then.
        """
        known = self.instrument_units.get(instrument.symbol)
        if known is not None and known.instrument.steps != instrument.steps:
            former = FormerInstrument(known.instrument, self.last_order_id)
            self.former.setdefault(instrument.symbol, []).append(former)
        factors = self.ledger.fit(instrument, self.holders())
        instruments = [*(known.instrument for known in self.instrument_units.values()), instrument]
        self.set_instrument_units(instruments)
        if any(factor > 1 for factor in factors.values()):
            for account in self.by_name.values():
                count_finer(account, self.instrument_units, factors)
                self.orders.update(account.open)

    def instrument_of(self, order: Order) -> Instrument:
        """Return the instrument with the steps that the order's prices and lots are counted in.

        The steps may have changed since the order came.
        """
        symbol = order.ticket.symbol
        if self.identities:
            symbol = self.identities.get(symbol, symbol)
        for former in self.former.get(symbol, ()):
            if order.order_id <= former.last_order_id:
                return former.instrument
        return self.instrument_units[symbol].instrument

    def set_instrument_units(self, instruments: Iterable[Instrument]) -> None:
        """Add or replace the instruments, and what is derived from them."""
        for listed in instruments:
            self.instrument_units[listed.symbol] = self._instrument_units(listed)
        by_base: dict[str, list[str]] = {}
        for symbol in sorted(self.instrument_units):
            by_base.setdefault(self.instrument_units[symbol].base, []).append(symbol)
        self.by_base = {base: tuple(symbols) for base, symbols in by_base.items()}
        self.shared = {
            symbol: tuple(
                asset
                for asset in (instrument_units.quote, instrument_units.base)
                if any(other != symbol for other in by_base.get(asset, ()))
            )
            for symbol, instrument_units in self.instrument_units.items()
        }

    def _instrument_units(self, instrument: Instrument) -> InstrumentUnits:
        decimals_of = self.ledger.decimals_of
        return InstrumentUnits.of(instrument, decimals_of(instrument.base), decimals_of(instrument.quote))

    def overflow(self, instrument: Instrument) -> str | None:
        """Return an asset whose amounts would be too large if the instrument were listed; None if all fit."""
        factors = {asset: factor for asset, factor in self.ledger.factors(instrument).items() if factor > 1}
        if factors:
            for account in self.by_name.values():
                for asset, amount in amounts(account, self.instrument_units):
                    if asset in factors and amount * factors[asset] > MOST_UNITS:
                        return asset
        return None

    def largest(self) -> dict[str, int]:
        """Return the largest amount of each asset in any balance, hold or position, in units."""
        largest: dict[str, int] = {}
        for account in self.by_name.values():
            for asset, amount in amounts(account, self.instrument_units):
                largest[asset] = max(largest.get(asset, 0), amount)
        return largest

    def _coarsen(self, event: Coarsened) -> None:
        """Count the event's assets in coarser units, and close its instruments, which need finer ones."""
        factors = {
            asset: self.ledger.coarsen(asset, decimals, self.holders()) for asset, decimals in event.decimals
        }
        for symbol, instrument_units in self.instrument_units.items():
            instrument = instrument_units.instrument
            if symbol in event.symbols:
                instrument = msgspec.structs.replace(instrument, state="closed")
            self.instrument_units[symbol] = self._instrument_units(instrument)
        for account in self.by_name.values():
            count_coarser(account, self.instrument_units, factors, event.symbols)
            self.orders.update(account.open)

    # --- snapshots ----------------------------------------------------------------------------------

    def snapshot(self) -> AccountSnapshot:
        """Return the whole state. Equal states make equal snapshots, whatever events led to them."""
        ledger = self.ledger
        head = SnapshotHead(
            instruments=[
                self.instrument_units[symbol].instrument for symbol in sorted(self.instrument_units)
            ],
            decimals=sorted(ledger.decimals.items()),
            fees=[(asset, str(units)) for asset, units in sorted(ledger.fees.items())],
            outside=[(asset, str(units)) for asset, units in sorted(ledger.outside.items())],
            halts=sorted(self.halts),
            last_order_id=self.last_order_id,
            last_fill_id=self.last_fill_id,
            last_deposit_id=self.last_deposit_id,
            accounts=len(self.by_name),
            former=[former for _, of_symbol in sorted(self.former.items()) for former in of_symbol],
            deposits=sorted(self.last_deposit_ids.items()),
            mass_cancels=[started for _, started in sorted(self.mass_cancels.items())],
            identities=sorted(self.identities.items()),
            venue_money=sorted(self.venue_money.items()),
            remote=self.remote.snapshot(),
            money_requests=list(self.money_requests.items()),
        )
        return AccountSnapshot(head, [self._kept(name, account) for name, account in self.by_name.items()])

    def _kept(self, name: str, account: Account) -> AccountHistory:
        closed, fills = account.closed, account.fills
        state = AccountState(
            name=name,
            owner=account.owner,
            balances=[balance for _, balance in sorted(account.balances.items())],
            positions=[position for _, position in sorted(account.positions.items())],
            limits=account.limits,
            key_limits=sorted(account.key_limits.items(), key=lambda pair: pair[0]),
            seqs=account.seqs,
            closed_forgotten=closed.dropped,
            fills_forgotten=fills.dropped,
            guards=sorted(account.guards.items(), key=lambda pair: pair[0]),
        )
        return AccountHistory(state, list(account.open.values()), closed.chunks(), fills.chunks())

    @classmethod
    def restored(cls, pieces: Iterable[bytes]) -> Accounts:
        """Return the accounts of a snapshot; ``pieces``: its encoded parts. Raises msgspec.MsgspecError."""
        head, kept = read(pieces)
        accounts = cls()
        ledger = accounts.ledger
        ledger.decimals.update(head.decimals)
        accounts.set_instrument_units(head.instruments)
        for former in head.former:
            accounts.former.setdefault(former.instrument.symbol, []).append(former)
        accounts.halts = set(head.halts)
        for one in kept:
            accounts._restore(one)
        ledger.fees.update((asset, int(units)) for asset, units in head.fees)
        ledger.outside.clear()  # the balances restored above changed it
        ledger.outside.update((asset, int(units)) for asset, units in head.outside)
        accounts.last_order_id = head.last_order_id
        accounts.last_fill_id = head.last_fill_id
        accounts.last_deposit_id = head.last_deposit_id
        accounts.last_deposit_ids = dict(head.deposits)
        accounts.mass_cancels = {started.number: started for started in head.mass_cancels}
        accounts.identities = dict(head.identities)
        accounts.venue_money = dict(head.venue_money)
        accounts.remote = RemoteState.restored(head.remote)
        accounts.money_requests = dict(head.money_requests)
        return accounts

    def _restore(self, kept: AccountHistory) -> None:
        state = kept.state
        account = self.by_name[state.name] = Account(state.owner)
        self.ledger.put(account.balances, state.balances)
        account.restore_history(kept)
        for order in account.closed:
            self.orders[order.order_id] = order
            account.by_client[order.ticket.client_order_id] = order.order_id
        for order in kept.open:
            self._put(account, order)
        account.positions = {position.symbol: position for position in state.positions}
        account.limits = state.limits
        account.key_limits = dict(state.key_limits)
        account.guards = dict(state.guards)
        account.seqs = state.seqs

    def state_hash(self) -> str:
        """Return a digest of the whole state."""
        return self.snapshot().digest()
