"""The house: decides what accounts may do, and books what their orders became. Pure: no clock, no journal.

Every method that changes something decides it, applies the events to its accounts, and returns them as
entries to be journalled in that order, before anything else is asked of the house. Where it raises Refusal,
nothing has changed (but that a command was counted against the order rate). Recovery calls ``apply`` with
what the journal holds, which is all that the live house does too.

    live      decision = house.place(ticket, at, key=...)          entries to journal, commands for the venue
              for command in decision.commands:
                  execution = venue.execute(command, stamp_us)
                  entries += house.settle(execution.reports, stamp_us)
    recovery  house = House.restored(snapshot, rules, prices)
              for event in the journal after it: house.apply(event)
              entries = house.list_instruments(...), then house.put_back(symbols, stamp_us) like any decision
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from floorwire.core.account_events import (
    AccountEntry,
    AccountEvent,
    Balance,
    Coarsened,
    Deposited,
    Guard,
    GuardSet,
    Halted,
    HaltScope,
    IdsReserved,
    LimitsSet,
    Listed,
    OrderAccepted,
    OrderAmending,
    OrderCancelling,
    OrderFilled,
    Position,
    Resumed,
    Seqs,
)
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.core.execution_reports import Refused, Report, Working
from floorwire.core.instrument import Instrument
from floorwire.core.limits import Limits
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import OPEN, Order, Ticket
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.core.units import InexactError, Scale
from floorwire.engine import request_checks
from floorwire.engine.account_snapshot import AccountSnapshot
from floorwire.engine.accounts import NO_GUARD, Accounts
from floorwire.engine.effective_limits import check
from floorwire.engine.instrument_units import InstrumentUnits
from floorwire.engine.ledger import LEAST_DECIMALS, MOST_RECORDED, MOST_UNITS, needed
from floorwire.engine.order_checks import OrderChecks
from floorwire.engine.risk_profiles import RiskProfiles
from floorwire.engine.settlement import Settlement
from floorwire.engine.venue_orders import place_command, restore_command


class TradingRules(msgspec.Struct, frozen=True):
    """What holds for every account: settings, not journalled. Fees in millionths of the turnover."""

    limits: Limits = Limits(price_collar="0.05")
    """Has a price collar: without one a market order would have no worst price to hold for."""
    maker_ppm: int = 0
    taker_ppm: int = 0


class OrderDecision(msgspec.Struct, frozen=True, gc=False):
    """What a command came to, applied already."""

    order: Order | None
    """The order after ``entries``, before the venue did anything; None for cancel_all."""
    entries: Sequence[AccountEntry]
    """To journal, in order."""
    commands: Sequence[Command]
    """For the venue, in order. Empty for duplicates."""
    duplicate: bool = False
    """The client order id is known with this content: ``order`` is what became of it until now."""


class OrderManager:
    """Accounts, their orders, money and limits."""

    __slots__ = ("_accounts", "_checks", "_risk_profiles", "_settlement", "_spared_id")

    def __init__(
        self, rules: TradingRules, prices: Callable[[str], Prices], accounts: Accounts | None = None
    ) -> None:
        """``prices``: what risk measures orders at, by canonical symbol (``TradingVenue.prices``)."""
        self._accounts = accounts or Accounts()
        self._settlement = Settlement(self._accounts, rules.maker_ppm, rules.taker_ppm)
        self._risk_profiles = RiskProfiles(self._accounts, rules.limits)
        worst_ppm = max(rules.maker_ppm, rules.taker_ppm)
        self._checks = OrderChecks(self._accounts, self._risk_profiles, prices, worst_ppm)
        self._spared_id = 0

    @classmethod
    def restored(
        cls, snapshot: Iterable[bytes], rules: TradingRules, prices: Callable[[str], Prices]
    ) -> OrderManager:
        """Return a house with the accounts of a snapshot's pieces. Raises msgspec.MsgspecError."""
        return cls(rules, prices, Accounts.restored(snapshot))

    # --- state --------------------------------------------------------------------------------------

    def apply(self, event: AccountEvent) -> Seqs:
        """Let an event of the journal have happened (recovery)."""
        self._risk_profiles.forget()
        return self._accounts.apply(event)

    def snapshot(self) -> AccountSnapshot:
        """Return everything that the events so far made: what they are the fold of."""
        return self._accounts.snapshot()

    def state_hash(self) -> str:
        """Return a digest of ``snapshot()``; equal for equal folds."""
        return self._accounts.state_hash()

    # --- queries ------------------------------------------------------------------------------------

    def terms(self, symbol: str) -> InstrumentUnits:
        """Return the rules of an instrument, for ``ticket.write``. Raises Refusal: ``unknown_symbol``."""
        return self._risk_profiles.terms(symbol)

    def instrument_of(self, order: Order) -> Instrument:
        """Return the instrument with the steps that the order is counted in, which it may have no more."""
        return self._accounts.instrument_of(order)

    def kept(self) -> int:
        """Return how many orders are known, open and closed."""
        return len(self._accounts.orders)

    def last_order_id(self) -> int:
        """Return the highest order id that was given, or is not to be."""
        return max(self._accounts.last_order_id, self._spared_id)

    def spare(self, order_id: int) -> None:
        """Give no order an id up to this one: a market had such an order, though the journal has not."""
        self._spared_id = order_id

    def accounts(self) -> Iterable[str]:
        """Return the names of all accounts that anything ever happened to."""
        return self._accounts.by_name.keys()

    def find(self, account: str, order_id: int | None = None, client_order_id: str | None = None) -> Order:
        """Return the account's order by either id. Raises Refusal: ``unknown_order``."""
        if client_order_id is not None:
            known = self._accounts.by_name.get(account)
            order_id = known.by_client.get(client_order_id) if known is not None else None
        order = self._accounts.orders.get(order_id) if order_id is not None else None
        if order is None or order.ticket.account != account:
            raise Refusal(Code.UNKNOWN_ORDER, "there is no such order, or it closed long ago")
        return order

    def open_orders(self, account: str) -> list[Order]:
        """Return the account's open orders, the oldest first."""
        known = self._accounts.by_name.get(account)
        return list(known.open.values()) if known is not None else []

    def fills(self, account: str) -> Sequence[OrderFilled]:
        """Return the account's last fills, the latest first; the journal has those before."""
        known = self._accounts.by_name.get(account)
        return list(known.fills)[::-1] if known is not None else []

    def balances(self, account: str) -> list[Balance]:
        """Return what the account has, by name of asset."""
        known = self._accounts.by_name.get(account)
        return [balance for _, balance in sorted(known.balances.items())] if known is not None else []

    def positions(self, account: str) -> list[Position]:
        """Return the account's positions in all it ever traded, by symbol."""
        known = self._accounts.by_name.get(account)
        return [position for _, position in sorted(known.positions.items())] if known is not None else []

    def seqs(self, account: str) -> Seqs:
        """Return the last seq of each of the account's private channels."""
        known = self._accounts.by_name.get(account)
        return known.seqs if known is not None else Seqs()

    def limits(self, account: str, key: str | None = None) -> Limits:
        """Return the account's limits as they hold, the default's included; or a key's own."""
        return (
            self._risk_profiles.limits(account)
            if key is None
            else self._risk_profiles.key_limits(account, key)
        )

    def unknown_assets(self, limits: Limits) -> list[str]:
        """Return the assets that the limits name and no instrument trades: these limit nothing."""
        named = {*(limits.max_order_quantity or ()), *(limits.max_position or ())}
        return sorted(named.difference(terms.base for terms in self._accounts.terms.values()))

    def halts(self) -> list[tuple[HaltScope, str]]:
        """Return the halts in force."""
        return sorted(self._accounts.halts)

    def guards(self) -> list[tuple[str, str, Guard]]:
        """Return the guards that are set, with their accounts and keys."""
        every = self._accounts.by_name.items()
        return [(name, key, guard) for name, account in every for key, guard in account.guards.items()]

    def conserved(self) -> bool:
        """Return whether every asset sums to zero over accounts, fees and the outside."""
        ledger, holders = self._accounts.ledger, self._accounts.holders()
        return not any(ledger.sum(asset, holders) for asset in ledger.decimals)

    # --- orders -------------------------------------------------------------------------------------

    def place(
        self,
        ticket: Ticket,
        at: Moment,
        *,
        key: str = "",
        max_notional: Decimal | None = None,
        deadline_us: int | None = None,
    ) -> OrderDecision:
        """Accept an order: the entry to journal and the command for the venue; or an earlier outcome again.

        ``at``: rates are counted in its monotonic time, its date is what is written and compared with.
        ``max_notional``: the key's own, of its Principal. Raises Refusal; ``order_checks`` has the list.
        """
        earlier = self._checks.earlier(ticket)
        if earlier is not None:
            return OrderDecision(earlier, (), (), duplicate=True)
        last_id, spared_id = self._accounts.last_order_id, self._spared_id
        order_id = (last_id if last_id > spared_id else spared_id) + 1
        order, balances, risk_profile = self._checks.new_order(
            ticket, at, order_id, key, max_notional, deadline_us
        )
        entry = self._book(OrderAccepted(ticket.account, order, balances, at.stamp_us))
        return OrderDecision(
            order, (entry,), (place_command(order, risk_profile.account.owner, risk_profile.bounds),)
        )

    def amend(
        self,
        order: Order,
        at: Moment,
        *,
        price_ticks: int | None = None,
        lots: int | None = None,
        key: str = "",
        max_notional: Decimal | None = None,
        deadline_us: int | None = None,
    ) -> OrderDecision:
        """Hold what the changed order may need and tell the venue, which has the word: ``OrderAmended``
        follows.

        ``order`` is one that ``find`` has just returned. ``lots`` is the total, filled lots included; no more
        than is filled cancels the rest. Checked as a new order is, as far as it applies. Raises Refusal.
        """
        asked, balances = self._checks.amend(order, at, price_ticks, lots, key, max_notional, deadline_us)
        ticket = order.ticket
        entry = self._book(OrderAmending(ticket.account, asked, balances, at.stamp_us))
        return OrderDecision(asked, (entry,), (Amend(ticket.symbol, order.order_id, price_ticks, lots),))

    def cancel(self, order: Order) -> OrderDecision:
        """Tell the venue to cancel an order that ``find`` has just returned. Raises Refusal:
        ``order_closed``."""
        request_checks.refuse_closed(order)
        return OrderDecision(order, (), (Cancel(order.ticket.symbol, order.order_id),))

    def cancel_all(
        self,
        *,
        account: str | None = None,
        symbol: str | None = None,
        key: str | None = None,
        code: Code | None = None,
    ) -> OrderDecision:
        """Tell the venue to cancel all open orders, or those of an account, a symbol, a key.

        ``code``: why, where it is not the client who asks.
        """
        names = self._accounts.by_name if account is None else (account,)
        return OrderDecision(
            None,
            (),
            [
                Cancel(order.ticket.symbol, order.order_id, code)
                for name in names
                for order in self.open_orders(name)
                if symbol in (None, order.ticket.symbol) and key in (None, order.key)
            ],
        )

    def keep_cancel(self, cancel: Cancel, stamp_us: int) -> list[AccountEntry]:
        """Keep that a cancel is on its way, and why, where the venue has not answered it at once.

        Of several on their way to one order it is the first that counts, as it will to the venue.
        """
        order = self._accounts.orders.get(cancel.order_id)
        if order is None or order.state not in OPEN or order.cancelling:
            return []
        kept = replace(order, cancelling=True, code=cancel.code)
        return [self._book(OrderCancelling(order.ticket.account, kept, stamp_us))]

    def withdraw(self, account: str, key: str, code: Code, stamp_us: int) -> list[AccountEntry]:
        """Cancel the open orders of an account's key while they are in no market: before ``put_back``.

        ``code``: why; of an order that a cancel was on its way to, why that was.
        """
        mine = [order for order in self.open_orders(account) if order.key == key]
        return [self._cancelled(order, code, stamp_us) for order in mine]

    def set_guard(self, account: str, key: str, guard: Guard, stamp_us: int) -> list[AccountEntry]:
        """Keep how a key's orders are guarded; return the entry to journal, or none where it is known."""
        known = self._accounts.by_name.get(account)
        before = NO_GUARD if known is None else known.guards.get(key, NO_GUARD)
        return [] if guard == before else [self._book(GuardSet(account, key, guard, stamp_us))]

    def settle(self, reports: Iterable[Report], stamp_us: int) -> list[AccountEntry]:
        """Book what a venue reports; return the entries to journal. Raises StrayReportError."""
        entries: list[AccountEntry] = []
        for report in reports:
            if type(report) is Working:  # it was accepted before the venue had it: nothing new
                continue
            event = self._settlement.event(report, stamp_us)
            if event is None:
                continue
            entries.append(self._book(event))
            if type(event) is OrderFilled:
                shared = self._accounts.shared[event.position.symbol]
                if shared:
                    self._move_positions(event.account, shared, stamp_us, entries)
        return entries

    def put_back(self, symbols: Collection[str], stamp_us: int) -> OrderDecision:
        """Return the symbols' open orders as commands for markets that have none of them, the oldest first.

        What rested may cross there now and fill, post-only or not; amends that were on their way are void.
        What a cancel was on its way to is cancelled instead: its owner was told so.
        """
        lost = [
            Refused(order.order_id, "amend", Code.INTERNAL, stamp_us)
            for order in self._open_in(symbols)
            for _ in range(order.amending)
        ]
        entries = self.settle(lost, stamp_us)
        entries += [
            self._cancelled(order, None, stamp_us) for order in self._open_in(symbols) if order.cancelling
        ]
        return OrderDecision(None, entries, [self._put_back(order) for order in self._open_in(symbols)])

    def _put_back(self, order: Order) -> Place:
        name, terms = order.ticket.account, self.terms(order.ticket.symbol)
        limits = self._risk_profiles.bounds(name, order.key, terms, None)
        return restore_command(order, self._accounts.by_name[name].owner, limits)

    def _open_in(self, symbols: Collection[str]) -> list[Order]:
        """Return the symbols' open orders by their ids."""
        every = (account.open.values() for account in self._accounts.by_name.values())
        found = [order for orders in every for order in orders if order.ticket.symbol in symbols]
        return sorted(found, key=lambda order: order.order_id)

    # --- operators ----------------------------------------------------------------------------------

    def list_instruments(self, instruments: Iterable[Instrument], stamp_us: int) -> list[AccountEntry]:
        """Take in what may be traded, and what of it has changed; return the entries to journal.

        Orders of an instrument whose steps or assets are others now are cancelled: call it before
        ``put_back``, and later only for changes of state. An instrument that ``overflow`` names an asset of
        is not taken in; where it could be traded before, it is closed.
        """
        entries: list[AccountEntry] = []
        for instrument in instruments:
            known = self._accounts.terms.get(instrument.symbol)
            if known is None or known.instrument != instrument:
                if self._accounts.overflow(instrument) is not None:
                    if known is not None and known.instrument.state == "open":
                        entries += self._end_all(instrument.symbol, stamp_us)
                        closed = replace(known.instrument, state="closed")
                        entries.append(self._rule(Listed(closed, stamp_us)))
                    continue
                if known is not None and known.instrument.steps != instrument.steps:
                    entries += self._end_all(instrument.symbol, stamp_us)
                entries.append(self._rule(Listed(instrument, stamp_us)))
        for name in self._accounts.by_name:  # journals of before PositionsChanged lack some
            self._move_positions(name, self._accounts.by_base, stamp_us, entries)
        return entries

    def overflow(self, instrument: Instrument) -> str | None:
        """Return the asset that would need units too fine for what accounts have of it; None if all fits."""
        return self._accounts.overflow(instrument)

    def mend(self, stamp_us: int) -> list[AccountEntry]:
        """Count assets in coarser units where an amount fits into no record; return the entries to journal.

        Earlier versions listed any instrument, so that a balance could grow beyond that. Nothing happens
        where all fits.
        """
        largest = self._accounts.largest()
        assets = [asset for asset, amount in sorted(largest.items()) if amount > MOST_RECORDED]
        if not assets:
            return []
        coarser = tuple((asset, self._decimals_for(asset, largest[asset])) for asset in assets)
        decimals = dict(coarser)
        symbols = tuple(
            symbol
            for symbol, terms in sorted(self._accounts.terms.items())
            if any(fine > decimals.get(asset, fine) for asset, fine in needed(terms.instrument).items())
        )
        entries = [self._rule(Coarsened(coarser, symbols, stamp_us))]
        for symbol in symbols:
            entries += self._end_all(symbol, stamp_us)
        return entries

    def _decimals_for(self, asset: str, largest: int) -> int:
        """Return the decimals that the most instruments can trade in, and the largest amount fits in."""
        known = self._accounts.ledger.decimals_of(asset)
        needs = {needed(terms.instrument).get(asset, 0) for terms in self._accounts.terms.values()}
        for decimals in sorted({max(LEAST_DECIMALS, fine) for fine in needs}, reverse=True):
            if decimals < known and largest // 10 ** (known - decimals) <= MOST_UNITS:
                return decimals
        return LEAST_DECIMALS

    def reserve_ids(self, order_id: int, fill_id: int, stamp_us: int) -> AccountEntry:
        """Give no order and no fill an id up to these, from now on; return the entry to journal."""
        return self._rule(IdsReserved(order_id, fill_id, stamp_us))

    def last_fill_id(self) -> int:
        """Return the highest fill id that was given, or is not to be."""
        return self._accounts.last_fill_id

    def last_deposit_id(self, store: str) -> int:
        """Return the id of the last deposit of this key store that was credited; 0 where none was."""
        if store:
            return self._accounts.last_deposit_ids.get(store, 0)
        return self._accounts.last_deposit_id

    def deposit(
        self, account: str, asset: str, amount: str, deposit_id: int, stamp_us: int, store: str = ""
    ) -> list[AccountEntry]:
        """Credit a deposit of the key store, once; return the entry to journal, or none.

        Ids count up in each store; ``store`` is its identity. What is finer than the asset's unit is not
        credited. Raises Refusal where it is too much, or no amount.
        """
        if deposit_id <= self.last_deposit_id(store):
            return []
        has = self._accounts.balance(account, asset)
        units = _units(amount, has.decimals)
        if not 0 <= units <= MOST_UNITS - has.total:
            raise Refusal(Code.BAD_REQUEST, f"{amount} {asset} is too much", {"field": "amount"})
        balance = Balance(asset, has.total + units, has.held, has.decimals)
        entries = [self._book(Deposited(account, deposit_id, units, balance, stamp_us, store))]
        self._move_positions(account, (asset,), stamp_us, entries)
        return entries

    def set_limits(self, account: str, limits: Limits, stamp_us: int, key: str | None = None) -> AccountEntry:
        """Set the limits of an account, or of one of its keys, from now on. Raises Refusal:
        ``bad_request``."""
        check(limits)
        return self._rule(LimitsSet(account, key, limits, stamp_us))

    def halt(self, scope: HaltScope, name: str, stamp_us: int) -> AccountEntry:
        """Take no new orders and no amends of all ("" as name), an account, a key or a symbol."""
        return self._rule(Halted(scope, name, stamp_us))

    def resume(self, scope: HaltScope, name: str, stamp_us: int) -> AccountEntry:
        """End such a halt."""
        return self._rule(Resumed(scope, name, stamp_us))

    # --- parts --------------------------------------------------------------------------------------

    def _book(self, event: AccountEvent) -> AccountEntry:
        return AccountEntry(event, self._accounts.apply(event))

    def _move_positions(
        self, name: str, assets: Iterable[str], stamp_us: int, entries: list[AccountEntry]
    ) -> None:
        """Book what became of the positions in these assets, whose balances have changed."""
        event = self._settlement.positions_changed(name, assets, stamp_us)
        if event is not None:
            entries.append(self._book(event))

    def _rule(self, event: AccountEvent) -> AccountEntry:
        """Book what may change limits and instruments, and so what was worked out of them."""
        return AccountEntry(event, self.apply(event))

    def _end_all(self, symbol: str, stamp_us: int) -> list[AccountEntry]:
        return [self._cancelled(order, Code.MARKET_HALTED, stamp_us) for order in self._open_in((symbol,))]

    def _cancelled(self, order: Order, code: Code | None, stamp_us: int) -> AccountEntry:
        """End an order that is in no market: for this reason, or for that of a cancel on its way to it."""
        why = order.code if order.cancelling else code
        return self._book(self._settlement.ended(order, "cancelled", why, stamp_us))


def _units(amount: str, decimals: int) -> int:
    try:
        return Scale(decimals, 1).floor(amount)
    except InexactError as error:
        raise Refusal(Code.BAD_REQUEST, f"amount: {error}", {"field": "amount"}) from None
