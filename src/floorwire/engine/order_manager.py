"""The order manager: accepts or refuses orders, and keeps the accounts that they belong to.

It does no I/O and reads no clock, so that the same calls always lead to the same state. A method that changes
something works in three steps. It decides. It applies the events to the accounts. It returns the events as
journal entries. The caller writes the entries in this order, before it calls the next method that changes
something. Where a method raises Refusal, nothing has changed, except that an order rate may have counted the
request.

Live, the caller journals the decision, sends its commands to the venue, and journals what the venue reports.
Clients get their replies when these entries are durable:

    decision = order_manager.place(ticket, at, key=...)
    entries = list(decision.entries)
    for command in decision.commands:
        execution = venue.execute(command, stamp_us)
        entries += order_manager.settle(execution.reports, stamp_us)

In recovery, the last snapshot and the later events of the journal make the same state again. The open orders
are then placed again in the markets that have lost them, such as the simulated exchange:

    order_manager = OrderManager.restored(snapshot, rules, prices)
    for event in events_after_the_snapshot:
        order_manager.apply(event)
    entries = order_manager.list_instruments(instruments, stamp_us)
    merge = order_manager.open_order_merge(symbols)
    merge.collect(many)
    decision = order_manager.place_again(merge.pop(some), stamp_us)  # journal and execute it as above
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from floorwire.core.account_events import (
    AccountEntry,
    AccountEvent,
    AccountReset,
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
    MassCancel,
    MassCancelEnded,
    MassCancelStarted,
    MoneyKind,
    OrderAccepted,
    OrderAmending,
    OrderCancelling,
    OrderFilled,
    OrderSubmitting,
    Quarantined,
    QuarantineReleased,
    Resumed,
    Seqs,
)
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.core.execution_reports import Refused, Report, Working
from floorwire.core.instrument import Instrument
from floorwire.core.money_requests import MoneyRequest
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import OPEN, Order, OrderTicket
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.core.remote_order_messages import RemotePolicy
from floorwire.core.risk_limits import Limits
from floorwire.core.units import InexactError, Scale
from floorwire.core.venue_names import bare, venue_of
from floorwire.engine import (
    early_orders,
    money_movements,
    remote_checks,
    request_checks,
    stray_reports,
    venue_identities,
    venue_money,
    venue_order_ids,
)
from floorwire.engine.account import NO_GUARD
from floorwire.engine.account_queries import AccountQueries
from floorwire.engine.accounts import Accounts
from floorwire.engine.coarser_units import coarser_units
from floorwire.engine.early_orders import EarlyOrder
from floorwire.engine.effective_limits import check
from floorwire.engine.ledger import MOST_UNITS
from floorwire.engine.order_checks import OrderChecks
from floorwire.engine.place_commands import place_command, restore_command
from floorwire.engine.remote_account import RemoteDecision
from floorwire.engine.remote_orders import RemoteOrders
from floorwire.engine.risk_profiles import RiskProfiles
from floorwire.engine.settlement import Settlement, StrayReportError
from floorwire.engine.trading_rules import TradingRules


class OrderDecision(msgspec.Struct, frozen=True, gc=False):
    """The result of a request. Its entries are applied already."""

    order: Order | None
    """The order after ``entries`` and before the venue's answer; None where there may be several orders."""
    entries: Sequence[AccountEntry]
    """Entries for the journal, in this order."""
    commands: Sequence[Command]
    """Commands for the venue, in this order. Empty for a duplicate."""
    duplicate: bool = False
    """The request is a repetition (idempotency). ``order`` is the known order in its present state."""


class OrderManager(AccountQueries):
    """All accounts with their orders, balances, positions and limits. Applies all changes to them."""

    __slots__ = ("_checks", "_on_stray", "_remote", "_settlement")

    def __init__(
        self, rules: TradingRules, prices: Callable[[str], Prices], accounts: Accounts | None = None
    ) -> None:
        """``prices``: returns the prices for the risk checks of a symbol (``TradingVenue.prices``)."""
        known = accounts or Accounts()
        fees = {venue: (own.maker_ppm, own.taker_ppm) for venue, own in rules.venues.items()}
        limits = {venue: own.limits for venue, own in rules.venues.items()}
        risk_profiles = RiskProfiles(known, rules.limits, limits)
        super().__init__(known, risk_profiles)
        self._settlement = Settlement(known, rules.maker_ppm, rules.taker_ppm, fees)
        worst_ppm = max(rules.maker_ppm, rules.taker_ppm)
        worst_of_venue = {venue: max(both) for venue, both in fees.items()}
        self._checks = OrderChecks(known, risk_profiles, prices, worst_ppm, worst_of_venue)
        self._remote: dict[str, RemoteOrders] = {}
        """By venue: the orders at venues outside this process."""
        self._on_stray: Callable[[Quarantined], None] = _ignore

    @classmethod
    def restored(
        cls, snapshot: Iterable[bytes], rules: TradingRules, prices: Callable[[str], Prices]
    ) -> OrderManager:
        """Return an order manager with the accounts of a snapshot, in pieces. Raises msgspec.MsgspecError."""
        return cls(rules, prices, Accounts.restored(snapshot))

    # --- recovery -----------------------------------------------------------------------------------

    def apply(self, event: AccountEvent) -> Seqs:
        """Apply an event of the journal, in recovery. Return the seqs of its account after it."""
        self._risk_profiles.forget()
        return self._accounts.apply(event)

    def skip_ids(self, order_id: int) -> None:
        """Use no order ids up to this one. A venue may know orders with these ids that the journal lost."""
        self._skipped_id = order_id

    # --- venues outside this process ----------------------------------------------------------------

    def open_remote(
        self, venue: str, account: str, policy: RemotePolicy, epoch: str, now_us: int
    ) -> RemoteOrders:
        """Send the orders of a venue as ``remote_orders`` says, from now on; only this account has any.

        ``epoch``: of the journal. ``now_us``: monotonic.
        """
        remote = self._remote[venue] = RemoteOrders(self._accounts, venue, account, policy, epoch, now_us)
        return remote

    def on_stray(self, callback: Callable[[Quarantined], None]) -> None:
        """Call this with each order that ``settle`` puts in quarantine."""
        self._on_stray = callback

    def release(self, number: int, now_us: int, stamp_us: int, *, is_over: bool) -> RemoteDecision:
        """Release an entry from quarantine. Return its journal entries and the commands to send then.

        ``is_over``: an open order of it has ended, and no fill is missing. Raises Refusal: ``bad_request``.
        """
        one = self._accounts.remote.quarantine.get(number)
        if one is None:
            text = f"nothing in quarantine has the number {number}"
            raise Refusal(Code.BAD_REQUEST, text, {"field": "number"})
        remote = self._remote.get(one.venue)
        if remote is not None and remote.account == one.account:
            return remote.release(number, now_us, stamp_us, is_over=is_over)
        return RemoteDecision([self._book(QuarantineReleased(one.account, number, stamp_us))], [])

    # --- orders -------------------------------------------------------------------------------------

    def place(
        self,
        ticket: OrderTicket,
        at: Moment,
        *,
        key: str = "",
        max_notional: Decimal | None = None,
        deadline_us: int | None = None,
    ) -> OrderDecision:
        """Accept an order, or return the known order where the request is a repetition.

        Idempotency: a ticket with a known ``client_order_id`` and the same content is the same order. It
        leads to no entry and no command. With other content it is refused.

        ``at``: the time of the request. Order rates use its monotonic time, everything else its date.
        ``max_notional``: the key's own limit, in the quote asset. ``deadline_us``: a date in microseconds.
        Raises Refusal; the module ``order_checks`` lists the checks and their error codes.
        """
        earlier = self._checks.find_duplicate(ticket)
        if earlier is not None:
            return OrderDecision(earlier, (), (), duplicate=True)
        remote = self._remote.get(venue_of(ticket.symbol)) if self._remote else None
        if remote is not None:
            remote_checks.check_order(remote, ticket)
        order_id = self._next_order_id()
        order, balances, risk_profile = self._checks.new_order(
            ticket, at, order_id, key, max_notional, deadline_us
        )
        if remote is None:
            entry = self._book(OrderAccepted(ticket.account, order, balances, at.stamp_us))
        else:
            entry = self._book(remote.intent(order, balances, at.stamp_us))
            order = self._accounts.orders[order_id]
        return OrderDecision(
            order, (entry,), (place_command(order, risk_profile.account.owner, risk_profile.bounds),)
        )

    def early_order(self, account: str, symbol: str, client_order_id: str) -> EarlyOrder | None:
        """Return the identity that the order gets if it is a new one at a venue outside this process."""
        remote = self._remote.get(venue_of(symbol))
        return early_orders.next_order(
            self._accounts, remote, account, client_order_id, self._next_order_id()
        )

    def book_early_order(
        self, ticket: OrderTicket, early: EarlyOrder, epoch: str, key: str, stamp_us: int
    ) -> list[AccountEntry]:
        """Book an order that may have left, though the journal lacks it. Return the entries.

        For recovery, when the accounts are as they were when the order was decided. None where the accounts
        do not allow it: then it was refused. An order that was refused for another reason is booked too: what
        the venue says about it ends it.
        """
        if early.order_id <= self._accounts.last_order_id:
            return []
        try:
            if self._checks.find_duplicate(ticket) is not None:
                return []
            order, balances = self._checks.early_order(ticket, early.order_id, key, stamp_us)
        except Refusal:
            return []
        submitting = replace(order, state="submitting")
        client_id = venue_order_ids.client_id(early.form, epoch, early.order_id)
        return [self._book(OrderSubmitting(ticket.account, submitting, balances, stamp_us, client_id))]

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
        """Reserve what the changed order may need, and ask the venue to change it.

        The venue decides: the order changes only when its report comes (``OrderAmended``).
        ``order``: has to come from ``find`` just before. ``lots``: the total with the filled lots; a total
        that is filled already cancels the rest. Raises Refusal; ``order_checks`` lists the checks.
        """
        remote = self._remote.get(venue_of(order.ticket.symbol)) if self._remote else None
        if remote is not None:
            remote_checks.check_amend(remote, order, lots)
        asked, balances = self._checks.amend(order, at, price_ticks, lots, key, max_notional, deadline_us)
        ticket = order.ticket
        entry = self._book(OrderAmending(ticket.account, asked, balances, at.stamp_us))
        return OrderDecision(asked, (entry,), (Amend(ticket.symbol, order.order_id, price_ticks, lots),))

    def cancel(self, order: Order) -> OrderDecision:
        """Ask the venue to cancel an order. Raises Refusal: ``order_closed``.

        ``order``: has to come from ``find`` just before.
        """
        request_checks.refuse_closed(order)
        return OrderDecision(order, (), (Cancel(order.ticket.symbol, order.order_id),))

    def mass_cancel(self, mass_cancel: MassCancel, stamp_us: int) -> MassCancelStarted:
        """Return the event that starts a mass cancel of the orders that are open now. It is not applied."""
        number = max(self._accounts.mass_cancels, default=0) + 1
        return MassCancelStarted(number, mass_cancel, self._accounts.last_order_id, stamp_us)

    def cancels(self, order_ids: Iterable[int], code: Code | None) -> list[Command]:
        """Return the commands that cancel those of the orders that are still open.

        ``code``: the reason. An order with an unanswered cancel keeps the reason of that cancel.
        """
        found = map(self._accounts.orders.get, order_ids)
        return [
            Cancel(order.ticket.symbol, order.order_id, order.code if order.cancelling else code)
            for order in found
            if order is not None and order.state in OPEN
        ]

    def start_mass_cancel(self, started: MassCancelStarted) -> AccountEntry:
        """Start a mass cancel, which goes on after a crash. Return the journal entry."""
        return self._book(started)

    def end_mass_cancel(self, number: int, stamp_us: int) -> AccountEntry:
        """End a mass cancel: all its cancels were sent. Return the journal entry."""
        return self._book(MassCancelEnded(number, stamp_us))

    def mark_cancelling(self, cancel: Cancel, stamp_us: int) -> list[AccountEntry]:
        """Record that the venue has not answered a cancel yet, and the reason of the cancel.

        After a restart the order is cancelled instead of placed again, because its owner was told so. Of
        several cancels the first one counts, as at the venue.
        """
        order = self._accounts.orders.get(cancel.order_id)
        if order is None or order.state not in OPEN or order.cancelling:
            return []
        kept = replace(order, cancelling=True, code=cancel.code)
        return [self._book(OrderCancelling(order.ticket.account, kept, stamp_us))]

    def set_guard(self, account: str, key: str, guard: Guard, stamp_us: int) -> list[AccountEntry]:
        """Set how a key's orders are guarded. Return the journal entry, or no entry if nothing changes."""
        known = self._accounts.by_name.get(account)
        before = NO_GUARD if known is None else known.guards.get(key, NO_GUARD)
        return [] if guard == before else [self._book(GuardSet(account, key, guard, stamp_us))]

    def settle(self, reports: Iterable[Report], stamp_us: int) -> list[AccountEntry]:
        """Apply the execution reports of a venue in this process. Return the journal entries.

        A report about an order that is not open puts the order in quarantine, and changes nothing else.
        """
        entries: list[AccountEntry] = []
        for report in reports:
            if type(report) is Working:  # the order was accepted before it went to the venue
                continue
            try:
                event = self._settlement.event(report, stamp_us)
            except StrayReportError as stray:
                entries += self._quarantine(stray, stamp_us)
                continue
            if event is None:
                continue
            entries.append(self._book(event))
            if type(event) is OrderFilled:
                shared = self._accounts.shared[event.position.symbol]
                if shared:
                    self._move_positions(event.account, shared, stamp_us, entries)
        return entries

    def place_again(self, orders: Collection[Order], stamp_us: int) -> OrderDecision:
        """Return commands that place open orders again, in markets that have none of them.

        ``orders``: as they are now, the oldest first, so that the orders keep their time priority. An order
        that rested may meet another price now and fill, even a post-only one. Unanswered amends are refused.
        Orders with an unanswered cancel are cancelled: their owner was told so.
        """
        lost = [
            Refused(order.order_id, "amend", Code.INTERNAL, stamp_us)
            for order in orders
            for _ in range(order.amending)
        ]
        entries = self.settle(lost, stamp_us)
        commands: list[Command] = []
        for listed in orders:
            order = self._accounts.orders[listed.order_id]  # its amends are answered now
            if order.cancelling:
                entries.append(self._cancelled(order, None, stamp_us))
            else:
                commands.append(self._place_command(order))
        return OrderDecision(None, entries, commands)

    def _place_command(self, order: Order) -> Place:
        name, instrument_units = order.ticket.account, self.instrument_units(order.ticket.symbol)
        limits = self._risk_profiles.effective_limits(name, order.key, instrument_units, None)
        return restore_command(order, self._accounts.by_name[name].owner, limits)

    # --- operators ----------------------------------------------------------------------------------

    def ends_orders(self, instrument: Instrument) -> bool:
        """Return whether ``list_instruments`` would cancel the open orders of the instrument."""
        known = self._accounts.instrument_units.get(instrument.symbol)
        if known is None or known.instrument == instrument:
            return False
        if known.instrument.steps != instrument.steps:
            return True
        return known.instrument.state == "open" and self._accounts.overflow(instrument) is not None

    def list_instruments(
        self, instruments: Iterable[Instrument], stamp_us: int, *, has_orders: bool = True
    ) -> list[AccountEntry]:
        """List new and changed instruments. Return the journal entries.

        Cancels the orders of an instrument whose steps or assets changed; no venue may have them then. An
        instrument that would overflow (see ``overflow``) is not listed. Where it is listed already, it is
        closed and its orders are cancelled. ``has_orders``: False where all their orders are closed already,
        so that nobody looks for them among all open orders.
        """
        entries: list[AccountEntry] = []
        for instrument in instruments:
            known = self._accounts.instrument_units.get(instrument.symbol)
            if known is None or known.instrument != instrument:
                if self._accounts.overflow(instrument) is not None:
                    if known is not None and known.instrument.state == "open":
                        entries += self._end_all(instrument.symbol, stamp_us) if has_orders else []
                        closed = replace(known.instrument, state="closed")
                        entries.append(self._rule(Listed(closed, stamp_us)))
                    continue
                if has_orders and known is not None and known.instrument.steps != instrument.steps:
                    entries += self._end_all(instrument.symbol, stamp_us)
                entries.append(self._rule(Listed(instrument, stamp_us)))
        return entries

    def identify(self, default_venue: str, stamp_us: int) -> list[AccountEntry]:
        """Give what earlier versions journalled the identities of its venues, once. Return the entries."""
        event = venue_identities.plan(self._accounts, default_venue, stamp_us)
        return [] if event is None else [self._rule(event)]

    def set_venue_money(self, money: Mapping[str, MoneyKind], stamp_us: int) -> list[AccountEntry]:
        """Record what money the venues have that open now, by id. Return the entries.

        Raises VenueMoneyError where a venue had money of the other kind before; then nothing is changed.
        """
        events = venue_money.opening_events(self._accounts.venue_money, money, stamp_us)
        return [self._rule(event) for event in events]

    def correct_positions(self, stamp_us: int) -> list[AccountEntry]:
        """Correct positions: journals of older versions lack some of their events. Return the entries."""
        entries: list[AccountEntry] = []
        for name in self._accounts.by_name:
            self._move_positions(name, self._accounts.by_base, stamp_us, entries)
        return entries

    def coarsen_units(self, stamp_us: int) -> list[AccountEntry]:
        """Count assets in coarser units, where an amount is too large for a record. Return the entries.

        Earlier versions listed any instrument, and amounts could become too large. Instruments that need the
        finer units are closed, and their orders are cancelled. Without such amounts nothing changes.
        """
        chosen = coarser_units(self._accounts)
        if chosen is None:
            return []
        coarser, symbols = chosen
        entries = [self._rule(Coarsened(coarser, symbols, stamp_us))]
        for symbol in symbols:
            entries += self._end_all(symbol, stamp_us)
        return entries

    def reserve_ids(self, order_id: int, fill_id: int, stamp_us: int) -> AccountEntry:
        """Use no order ids and no fill ids up to these any more. Return the journal entry."""
        return self._rule(IdsReserved(order_id, fill_id, stamp_us))

    def deposit(
        self, account: str, asset: str, amount: str, deposit_id: int, stamp_us: int, store: str = ""
    ) -> list[AccountEntry]:
        """Credit a deposit once. Return the journal entries, or none if it was credited before.

        ``store``: the identity of the key store that the deposit comes from. Deposit ids count up in each
        store. Fractions of the asset's unit are not credited. Raises Refusal if ``amount`` is too large or
        no number, and if the money of the venue is real.
        """
        if deposit_id <= self.last_deposit_id(store):
            return []
        venue = venue_of(asset)
        if self._accounts.venue_money.get(venue, "paper") != "paper":
            text = f"{venue} has real money, which only the venue can credit"
            raise Refusal(Code.BAD_REQUEST, text, {"field": "deposit"})
        has = self._accounts.balance(account, asset)
        units = _units(amount, has.decimals)
        if not 0 <= units <= MOST_UNITS - has.total:
            raise Refusal(Code.BAD_REQUEST, f"{amount} {bare(asset)} is too much", {"field": "amount"})
        balance = Balance(asset, has.total + units, has.held, has.decimals)
        entries = self.set_venue_money({venue: "paper"}, stamp_us) if venue else []
        entries += [self._book(Deposited(account, deposit_id, units, balance, stamp_us, store))]
        self._move_positions(account, (asset,), stamp_us, entries)
        return entries

    def move_money(self, request: MoneyRequest, stamp_us: int) -> list[AccountEntry]:
        """Do an operator's withdrawal, transfer or reset, once. Return the entries; none: it was done before.

        Raises Refusal: ``insufficient_balance``, ``bad_request``, ``duplicate_request_id``.
        """
        entries: list[AccountEntry] = []
        for event in money_movements.events(self._accounts, request, stamp_us):
            if isinstance(event, AccountReset):
                venues = {venue_of(one.asset) for one in event.balances if one.total} - {""}
                entries += self.set_venue_money(dict.fromkeys(venues, "paper"), stamp_us)
                entries.append(self._book(event))
            else:
                entries.append(self._book(event))
                self._move_positions(event.account, (event.balance.asset,), stamp_us, entries)
        return entries

    def set_limits(self, account: str, limits: Limits, stamp_us: int, key: str | None = None) -> AccountEntry:
        """Set the limits of an account, or of one of its keys. Raises Refusal: ``bad_request``."""
        check(limits)
        if key is not None:
            self._risk_profiles.check_room(account, key)
        return self._rule(LimitsSet(account, key, limits, stamp_us))

    def halt(self, scope: HaltScope, name: str, stamp_us: int) -> AccountEntry:
        """Refuse new orders and amends from now on (kill switch). Return the journal entry.

        ``scope`` and ``name``: of all (with "" as name), of an account, of a key or of a symbol. Cancels stay
        possible. The caller cancels the open orders with a mass cancel.
        """
        return self._rule(Halted(scope, name, stamp_us))

    def resume(self, scope: HaltScope, name: str, stamp_us: int) -> AccountEntry:
        """End a halt. Return the journal entry."""
        return self._rule(Resumed(scope, name, stamp_us))

    # --- parts --------------------------------------------------------------------------------------

    def _next_order_id(self) -> int:
        last_id, skipped_id = self._accounts.last_order_id, self._skipped_id
        return (last_id if last_id > skipped_id else skipped_id) + 1

    def _book(self, event: AccountEvent) -> AccountEntry:
        return AccountEntry(event, self._accounts.apply(event))

    def _quarantine(self, stray: StrayReportError, stamp_us: int) -> list[AccountEntry]:
        event = stray_reports.quarantine(self._accounts, stray, stamp_us)
        if event is None:
            return []
        self._on_stray(event)
        return [self._book(event)]

    def _move_positions(
        self, name: str, assets: Iterable[str], stamp_us: int, entries: list[AccountEntry]
    ) -> None:
        """Apply the changes of the positions in these assets, after their balances have changed."""
        event = self._settlement.positions_changed(name, assets, stamp_us)
        if event is not None:
            entries.append(self._book(event))

    def _rule(self, event: AccountEvent) -> AccountEntry:
        """Apply an event of limits, halts or instruments. Risk profiles depend on these, and are dropped."""
        return AccountEntry(event, self.apply(event))

    def _end_all(self, symbol: str, stamp_us: int) -> list[AccountEntry]:
        every = (account.open.values() for account in self._accounts.by_name.values())
        found = [order for orders in every for order in orders if order.ticket.symbol == symbol]
        found.sort(key=lambda order: order.order_id)
        return [self._cancelled(order, Code.MARKET_HALTED, stamp_us) for order in found]

    def _cancelled(self, order: Order, code: Code | None, stamp_us: int) -> AccountEntry:
        """Cancel an order that no venue has, for ``code`` or for the reason of an unanswered cancel."""
        why = order.code if order.cancelling else code
        return self._book(self._settlement.ended(order, "cancelled", why, stamp_us))


def _ignore(_quarantined: Quarantined) -> None:
    """Nobody asks."""


def _units(amount: str, decimals: int) -> int:
    try:
        return Scale(decimals, 1).floor(amount)
    except InexactError as error:
        raise Refusal(Code.BAD_REQUEST, f"amount: {error}", {"field": "amount"}) from None
