"""The house: decides what accounts may do, and books what their orders became. Pure: no clock, no journal.

Every method that changes something decides it, applies the events to its accounts, and returns them as
entries to be journalled in that order, before anything else is asked of the house. Where it raises Refusal,
nothing has changed (but that a command was counted against the order rate). Recovery calls ``apply`` with
what the journal holds, which is all that the live house does too.

    live      decision = house.place(ticket, now_us, key=...)       entries to journal, commands for the venue
              for command in decision.commands:
                  execution = venue.execute(command, now_us)
                  entries += house.settle(execution.reports, now_us)
    recovery  house = House.restored(snapshot, rules, prices)
              for event in the journal after it: house.apply(event)
              entries = house.list_instruments(...), then house.put_back(symbols, now_us) like any decision
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
    Deposited,
    Guard,
    GuardSet,
    Halted,
    HaltScope,
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
from floorwire.core.execution_reports import Refused, Report, Working
from floorwire.core.instrument import Instrument, Side
from floorwire.core.limits import Limits
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import OPEN, Order, Ticket
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.core.units import InexactError, Scale
from floorwire.engine import request_checks, risk_checks
from floorwire.engine.account_snapshot import AccountSnapshot
from floorwire.engine.accounts import NO_GUARD, Account, Accounts
from floorwire.engine.effective_limits import EffectiveLimits, check
from floorwire.engine.holds import asking, held, holding
from floorwire.engine.instrument_units import InstrumentUnits
from floorwire.engine.ledger import MOST_UNITS
from floorwire.engine.risk_profiles import RiskProfile, RiskProfiles
from floorwire.engine.settlement import Settlement
from floorwire.engine.venue_orders import placed, placed_again


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

    __slots__ = (
        "_accounts",
        "_prices",
        "_risk_profiles",
        "_rules",
        "_settlement",
        "_spared_id",
        "_worst_ppm",
    )

    def __init__(
        self, rules: TradingRules, prices: Callable[[str], Prices], accounts: Accounts | None = None
    ) -> None:
        """``prices``: what risk measures orders at, by canonical symbol (``TradingVenue.prices``)."""
        self._rules = rules
        self._prices = prices
        self._accounts = accounts or Accounts()
        self._worst_ppm = max(rules.maker_ppm, rules.taker_ppm)
        self._settlement = Settlement(self._accounts, rules.maker_ppm, rules.taker_ppm)
        self._risk_profiles = RiskProfiles(self._accounts, rules.limits)
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
        names = sorted(known.positions) if known is not None else ()
        return [self._accounts.position(account, self._accounts.terms[symbol]) for symbol in names]

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
        now_us: int,
        *,
        key: str = "",
        max_notional: Decimal | None = None,
        deadline_us: int | None = None,
    ) -> OrderDecision:
        """Accept an order: the entry to journal and the command for the venue; or an earlier outcome again.

        ``max_notional``: the key's own, of its Principal. Raises Refusal; see ``risk`` for what and in which
        order.
        """
        name, symbol, is_buy = ticket.account, ticket.symbol, ticket.side == "buy"
        known = self._accounts.by_name.get(name)
        if known is not None and ticket.client_order_id in known.by_client:
            order = self._accounts.orders[known.by_client[ticket.client_order_id]]
            if order.ticket != ticket:
                request_checks.another(ticket, order)
            return OrderDecision(order, (), (), duplicate=True)
        if deadline_us is not None and now_us > deadline_us:
            request_checks.late(deadline_us, now_us)
        risk_profile = self._risk_profiles.of((name, key, symbol, max_notional), now_us)
        account, terms, limits, prices = (
            risk_profile.account,
            risk_profile.terms,
            risk_profile.bounds,
            self._prices(symbol),
        )
        self._admit(risk_profile, prices, name, key, now_us)
        if ticket.expires_us is not None and ticket.expires_us <= now_us:
            raise Refusal(Code.BAD_REQUEST, "expires: has passed", {"field": "expires"})
        order = self._drafted(ticket, terms, prices, limits, key, now_us)
        lots, held_units = order.lots, order.held
        risk_checks.size_and_price(ticket, terms, limits, lots, order.price_ticks, prices)
        if ticket.reduce_only and is_buy:
            raise Refusal(Code.REDUCE_ONLY, "a buy reduces no position: nothing is held short here")
        risk_checks.count(account, limits, key)
        if limits.max_position_lots is not None and is_buy:
            risk_checks.position(account, terms, risk_profile.same_base, limits.max_position_lots, lots)
        balances = _holding(account, terms, ticket.side, held_units)
        entry = self._book(OrderAccepted(name, order, balances, now_us))
        return OrderDecision(order, (entry,), (placed(order, account.owner, limits),))

    def amend(
        self,
        order: Order,
        now_us: int,
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
        ticket, name = order.ticket, order.ticket.account
        request_checks.closed(order)
        if deadline_us is not None and now_us > deadline_us:
            request_checks.late(deadline_us, now_us)
        request_checks.unchangeable(ticket, price_ticks, lots)
        risk_profile = self._risk_profiles.of((name, key, ticket.symbol, max_notional), now_us)
        account, terms, limits = risk_profile.account, risk_profile.terms, risk_profile.bounds
        prices, is_buy = self._prices(ticket.symbol), ticket.side == "buy"
        self._admit(risk_profile, prices, name, key, now_us)
        new_ticks, new_lots = price_ticks or order.price_ticks, lots or order.lots
        if new_lots > order.filled_lots:
            risk_checks.size_and_price(
                ticket, terms, limits, new_lots, new_ticks, prices, not order.triggered
            )
            if limits.max_position_lots is not None and is_buy:
                more_lots = max(0, new_lots - order.lots)
                risk_checks.position(
                    account, terms, risk_profile.same_base, limits.max_position_lots, more_lots
                )
        asked = asking(order, terms, new_ticks, new_lots)
        balances = _holding(account, terms, ticket.side, asked.held - order.held)
        entry = self._book(OrderAmending(name, asked, balances, now_us))
        return OrderDecision(asked, (entry,), (Amend(ticket.symbol, order.order_id, price_ticks, lots),))

    def cancel(self, order: Order) -> OrderDecision:
        """Tell the venue to cancel an order that ``find`` has just returned. Raises Refusal:
        ``order_closed``."""
        request_checks.closed(order)
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

    def keep_cancel(self, cancel: Cancel, now_us: int) -> list[AccountEntry]:
        """Keep that a cancel is on its way, and why, where the venue has not answered it at once.

        Of several on their way to one order it is the first that counts, as it will to the venue.
        """
        order = self._accounts.orders.get(cancel.order_id)
        if order is None or order.state not in OPEN or order.cancelling:
            return []
        kept = replace(order, cancelling=True, code=cancel.code)
        return [self._book(OrderCancelling(order.ticket.account, kept, now_us))]

    def withdraw(self, account: str, key: str, code: Code, now_us: int) -> list[AccountEntry]:
        """Cancel the open orders of an account's key while they are in no market: before ``put_back``.

        ``code``: why; of an order that a cancel was on its way to, why that was.
        """
        mine = [order for order in self.open_orders(account) if order.key == key]
        return [self._cancelled(order, code, now_us) for order in mine]

    def set_guard(self, account: str, key: str, guard: Guard, now_us: int) -> list[AccountEntry]:
        """Keep how a key's orders are guarded; return the entry to journal, or none where it is known."""
        known = self._accounts.by_name.get(account)
        before = NO_GUARD if known is None else known.guards.get(key, NO_GUARD)
        return [] if guard == before else [self._book(GuardSet(account, key, guard, now_us))]

    def settle(self, reports: Iterable[Report], now_us: int) -> list[AccountEntry]:
        """Book what a venue reports; return the entries to journal. Raises StrayReportError."""
        entries = []
        for report in reports:
            if type(report) is Working:  # it was accepted before the venue had it: nothing new
                continue
            event = self._settlement.event(report, now_us)
            if event is not None:
                entries.append(self._book(event))
        return entries

    def put_back(self, symbols: Collection[str], now_us: int) -> OrderDecision:
        """Return the symbols' open orders as commands for markets that have none of them, the oldest first.

        What rested may cross there now and fill, post-only or not; amends that were on their way are void.
        What a cancel was on its way to is cancelled instead: its owner was told so.
        """
        lost = [
            Refused(order.order_id, "amend", Code.INTERNAL, now_us)
            for order in self._open_in(symbols)
            for _ in range(order.amending)
        ]
        entries = self.settle(lost, now_us)
        entries += [
            self._cancelled(order, None, now_us) for order in self._open_in(symbols) if order.cancelling
        ]
        return OrderDecision(None, entries, [self._put_back(order) for order in self._open_in(symbols)])

    def _put_back(self, order: Order) -> Place:
        name, terms = order.ticket.account, self.terms(order.ticket.symbol)
        limits = self._risk_profiles.bounds(name, order.key, terms, None)
        return placed_again(order, self._accounts.by_name[name].owner, limits)

    def _open_in(self, symbols: Collection[str]) -> list[Order]:
        """Return the symbols' open orders by their ids."""
        every = (account.open.values() for account in self._accounts.by_name.values())
        found = [order for orders in every for order in orders if order.ticket.symbol in symbols]
        return sorted(found, key=lambda order: order.order_id)

    # --- operators ----------------------------------------------------------------------------------

    def list_instruments(self, instruments: Iterable[Instrument], now_us: int) -> list[AccountEntry]:
        """Take in what may be traded, and what of it has changed; return the entries to journal.

        Orders of an instrument whose steps or assets are others now are cancelled: call it before
        ``put_back``, and later only for changes of state.
        """
        entries: list[AccountEntry] = []
        for instrument in instruments:
            known = self._accounts.terms.get(instrument.symbol)
            if known is None or known.instrument != instrument:
                if known is not None and known.instrument.steps != instrument.steps:
                    entries += self._end_all(instrument.symbol, now_us)
                entries.append(self._rule(Listed(instrument, now_us)))
        return entries

    def deposit(
        self, account: str, asset: str, amount: str, deposit_id: int, now_us: int
    ) -> list[AccountEntry]:
        """Credit a deposit of the key store (ids count up), once; return the entry to journal, or none.

        What is finer than the asset's unit is not credited. Raises Refusal where it is too much, or no
        amount.
        """
        if deposit_id <= self._accounts.last_deposit_id:
            return []
        has = self._accounts.balance(account, asset)
        units = _units(amount, has.decimals)
        if not 0 <= units <= MOST_UNITS - has.total:
            raise Refusal(Code.BAD_REQUEST, f"{amount} {asset} is too much", {"field": "amount"})
        balance = Balance(asset, has.total + units, has.held, has.decimals)
        return [self._book(Deposited(account, deposit_id, units, balance, now_us))]

    def set_limits(self, account: str, limits: Limits, now_us: int, key: str | None = None) -> AccountEntry:
        """Set the limits of an account, or of one of its keys, from now on. Raises Refusal:
        ``bad_request``."""
        check(limits)
        return self._rule(LimitsSet(account, key, limits, now_us))

    def halt(self, scope: HaltScope, name: str, now_us: int) -> AccountEntry:
        """Take no new orders and no amends of all ("" as name), an account, a key or a symbol."""
        return self._rule(Halted(scope, name, now_us))

    def resume(self, scope: HaltScope, name: str, now_us: int) -> AccountEntry:
        """End such a halt."""
        return self._rule(Resumed(scope, name, now_us))

    # --- parts --------------------------------------------------------------------------------------

    def _book(self, event: AccountEvent) -> AccountEntry:
        return AccountEntry(event, self._accounts.apply(event))

    def _rule(self, event: AccountEvent) -> AccountEntry:
        """Book what may change limits and instruments, and so what was worked out of them."""
        return AccountEntry(event, self.apply(event))

    def _end_all(self, symbol: str, now_us: int) -> list[AccountEntry]:
        return [self._cancelled(order, Code.MARKET_HALTED, now_us) for order in self._open_in((symbol,))]

    def _cancelled(self, order: Order, code: Code | None, now_us: int) -> AccountEntry:
        """End an order that is in no market: for this reason, or for that of a cancel on its way to it."""
        why = order.code if order.cancelling else code
        return self._book(self._settlement.ended(order, "cancelled", why, now_us))

    def _admit(self, risk_profile: RiskProfile, prices: Prices, account: str, key: str, now_us: int) -> None:
        """Check 2 and 3, which do not depend on the order's content. Raises Refusal."""
        if prices.feed != "live":
            risk_checks.current(risk_profile.terms, prices.feed)
        rate, key_rate = risk_profile.account_rate, risk_profile.key_rate
        if rate is not None and not rate.allow(now_us):
            risk_checks.too_fast("account", self.limits(account), rate.wait_us(now_us))
        if key_rate is not None and not key_rate.allow(now_us):
            risk_checks.too_fast("key", self.limits(account, key), key_rate.wait_us(now_us))

    def _drafted(
        self,
        ticket: Ticket,
        terms: InstrumentUnits,
        prices: Prices,
        limits: EffectiveLimits,
        key: str,
        now_us: int,
    ) -> Order:
        """Return the order as it would be accepted. Raises Refusal."""
        price_ticks, lots, ppm = ticket.price_ticks, ticket.lots, self._worst_ppm
        last_id, spared_id = self._accounts.last_order_id, self._spared_id
        if price_ticks is None:
            reference = risk_checks.reference(ticket, prices)
            price_ticks = risk_checks.through(ticket.side == "buy", reference, limits.collar_ppm)
            if lots is None:
                lots = (ticket.spend or 0) // reference
        return Order(
            (last_id if last_id > spared_id else spared_id) + 1,
            ticket,
            key,
            lots or 0,
            price_ticks,
            "new",
            now_us,
            now_us,
            held=held(ticket, terms, price_ticks, lots or 0, 0, ppm, 0),
            fee_ppm=ppm,
        )


def _holding(account: Account, terms: InstrumentUnits, side: Side, more: int) -> tuple[Balance]:
    """Return the balance with so many units more held. Raises Refusal: ``insufficient_balance``."""
    balance = holding(account.balances, terms, side, more)
    if balance.held > balance.total and more > 0:
        risk_checks.insufficient(balance, more)
    return (balance,)


def _units(amount: str, decimals: int) -> int:
    try:
        return Scale(decimals, 1).floor(amount)
    except InexactError as error:
        raise Refusal(Code.BAD_REQUEST, f"amount: {error}", {"field": "amount"}) from None
