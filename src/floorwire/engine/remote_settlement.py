"""Remote settlement: turns what a remote venue reports of an order into the event of the order's account.

It computes events and applies none of them. A report that cannot be true of the order raises StrayError.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation

from msgspec.structs import replace

from floorwire.core.account_events import (
    AmendRefused,
    Balance,
    OrderAmended,
    OrderEnded,
    OrderFilled,
    OrderUnknown,
    OrderWorking,
    Position,
    VenueBalanceSet,
)
from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument
from floorwire.core.orders import OPEN, Order, OrderState
from floorwire.core.remote_order_messages import Executed, VenueBalance
from floorwire.core.units import InexactError, Scale
from floorwire.engine.accounts import Accounts
from floorwire.engine.holds import answered, held
from floorwire.engine.ledger import MOST_UNITS
from floorwire.engine.position import after_fill
from floorwire.engine.settlement import Settlement


class StrayError(ValueError):
    """A venue reported what cannot be true of an order of ours. The text says why."""


class RemoteSettlement:
    """Computes the events of orders at remote venues."""

    __slots__ = ("_accounts", "_settlement")

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._settlement = Settlement(accounts, 0, 0)

    def working(self, order: Order, venue_order_id: str, stamp_us: int) -> OrderWorking:
        """Return the event: the venue has the order."""
        state: OrderState = "new" if order.state in ("submitting", "unknown") else order.state
        changed = replace(order, state=state, updated_us=stamp_us)
        return OrderWorking(order.ticket.account, changed, stamp_us, venue_order_id)

    def unknown(self, order: Order, stamp_us: int) -> OrderUnknown:
        """Return the event: nobody knows whether the venue has the order."""
        return OrderUnknown(
            order.ticket.account, replace(order, state="unknown", updated_us=stamp_us), stamp_us
        )

    def ended(self, order: Order, state: OrderState, code: Code | None, stamp_us: int) -> OrderEnded:
        """Return the event that closes the order and releases its hold."""
        why = order.code if order.cancelling and state == "cancelled" else code
        return self._settlement.ended(order, state, why, stamp_us)

    def amended(self, order: Order, price_ticks: int, lots: int, stamp_us: int) -> OrderAmended:
        """Return the event: the venue has this price and quantity."""
        changed, balances = self._answered(order, price_ticks, lots, stamp_us)
        return OrderAmended(order.ticket.account, changed, balances, stamp_us)

    def amend_refused(self, order: Order, code: Code, stamp_us: int) -> AmendRefused:
        """Return the event: the order stays as it is."""
        left, balances = self._answered(order, order.price_ticks, order.lots, order.updated_us)
        return AmendRefused(order.ticket.account, left, balances, stamp_us, code)

    def _answered(
        self, order: Order, price_ticks: int, lots: int, updated_us: int
    ) -> tuple[Order, tuple[Balance]]:
        units = self._accounts.instrument_units[order.ticket.symbol]
        after = answered(order, units, price_ticks, lots, updated_us)
        return after, self._settlement.holding(order.ticket, after.held - order.held)

    # --- executions ---------------------------------------------------------------------------------

    def filled(self, order: Order, executed: Executed, stamp_us: int) -> OrderFilled:
        """Return the fill. Raises StrayError."""
        instrument = self._accounts.instrument_of(order)
        price_ticks = steps(instrument.price, executed.price, "price")
        lots = steps(instrument.size, executed.quantity, "quantity")
        if price_ticks <= 0 or lots <= 0:
            raise StrayError(f"an execution of {executed.quantity} at {executed.price}")
        _check_quantity(order, lots)
        return self._event(order, executed, price_ticks, lots, stamp_us)

    def _event(
        self, order: Order, executed: Executed, price_ticks: int, lots: int, stamp_us: int
    ) -> OrderFilled:
        accounts, ticket = self._accounts, order.ticket
        units, account = accounts.instrument_units[ticket.symbol], accounts.by_name[ticket.account]
        notional, base_units = price_ticks * lots * units.quote_units, lots * units.base_units
        if max(notional, base_units) > MOST_UNITS:
            raise StrayError(f"an execution of {executed.quantity} at {executed.price} is too large")
        fee_asset = f"{units.instrument.venue}:{executed.fee_asset}" if executed.fee_asset else units.quote
        fee = self._units(executed.fee, fee_asset, "fee")
        after = self._after_fill(order, price_ticks, lots, stamp_us)
        is_buy, released = ticket.side == "buy", order.held - after.held
        quote = account.balances.get(units.quote) or Balance(units.quote, 0, 0, units.quote_decimals)
        base = account.balances.get(units.base) or Balance(units.base, 0, 0, units.base_decimals)
        sign = 1 if is_buy else -1
        quote_total, base_total = quote.total - sign * notional, base.total + sign * base_units
        fee_balance: Balance | None = None
        if fee_asset == units.quote:
            quote_total -= fee
        elif fee_asset == units.base:
            base_total -= fee
        else:
            has = accounts.balance(ticket.account, fee_asset)
            fee_balance = replace(has, total=has.total - fee)
        before = account.positions.get(ticket.symbol) or Position(
            ticket.symbol, 0, 0, 0, 0, base.decimals, quote.decimals
        )
        return OrderFilled(
            ticket.account,
            after,
            accounts.last_fill_id + 1,
            executed.trade_id,
            price_ticks,
            lots,
            executed.liquidity,
            fee,
            (
                replace(quote, total=quote_total, held=quote.held - (released if is_buy else 0)),
                replace(base, total=base_total, held=base.held - (0 if is_buy else released)),
            ),
            after_fill(before, is_buy, base_units, notional, max(0, base_total)),
            stamp_us,
            executed.execution_id,
            fee_asset,
            fee_balance,
        )

    def _after_fill(self, order: Order, price_ticks: int, lots: int, stamp_us: int) -> Order:
        """Return the order with ``lots`` more filled. It closes where nothing can be left at the venue."""
        ticket, units = order.ticket, self._accounts.instrument_units[order.ticket.symbol]
        filled_lots = order.filled_lots + lots
        filled_turnover = order.filled_turnover + price_ticks * lots
        changed = replace(
            order,
            filled_lots=filled_lots,
            filled_turnover=filled_turnover,
            # how many lots an amount buys is known when the venue says that the order is filled
            lots=max(order.lots, filled_lots),
            updated_us=stamp_us,
        )
        if ticket.spend is None and filled_lots >= max(order.lots, order.asked_lots):
            return replace(
                changed,
                state="filled",
                held=0,
                amending=0,
                asked_ticks=0,
                asked_lots=0,
                cancelling=False,
                code=None,
            )
        left_lots = max(changed.lots, order.asked_lots) - filled_lots
        highest_ticks = max(order.price_ticks, order.asked_ticks)
        reserve = held(ticket, units, highest_ticks, left_lots, filled_turnover, order.fee_ppm, 0)
        # an amount may buy more lots than were expected: the hold never grows by a fill
        return replace(changed, state="partially_filled", held=max(0, min(order.held, reserve)))

    # --- balances -----------------------------------------------------------------------------------

    def balance_set(
        self, account: str, venue: str, told: VenueBalance, stamp_us: int
    ) -> VenueBalanceSet | None:
        """Return the event that sets a balance to what the venue says; None where it agrees.

        Raises StrayError.
        """
        has = self._accounts.balance(account, f"{venue}:{told.asset}")
        total = self._units(told.total, has.asset, "balance", floor=True)
        if total == has.total:
            return None
        return VenueBalanceSet(account, venue, replace(has, total=total), stamp_us)

    def _units(self, text: str, asset: str, name: str, *, floor: bool = False) -> int:
        """Return the amount in the asset's units. Fractions of a unit count against the account."""
        try:
            amount = Decimal(text).scaleb(self._accounts.ledger.decimals_of(asset))
            units = int(amount.to_integral_value(ROUND_FLOOR if floor else ROUND_CEILING))
        except (InvalidOperation, ValueError, OverflowError):
            raise StrayError(f"{name} {text[:40]!r} is no amount") from None
        if abs(units) > MOST_UNITS:
            raise StrayError(f"{name} {text[:40]} is too large")
        return units


def steps(scale: Scale, text: str, name: str) -> int:
    """Return the decimal text in whole steps. Raises StrayError."""
    try:
        return scale.parse(text)
    except InexactError as error:
        raise StrayError(f"{name}: {error}") from None


def limit_of(
    instrument: Instrument, price: str | None, quantity: str | None, order: Order
) -> tuple[int, int]:
    """Return price and lots that a venue says an order has; what it does not say is as it was.

    Raises StrayError.
    """
    ticks = order.price_ticks if price is None else steps(instrument.price, price, "price")
    lots = order.lots if quantity is None else steps(instrument.size, quantity, "quantity")
    return ticks or order.price_ticks, lots or order.lots


def _check_quantity(order: Order, lots: int) -> None:
    """Raise StrayError where the order is closed, or would be filled beyond its quantity."""
    if order.state not in OPEN:
        raise StrayError(f"an execution of an order that is {order.state}")
    most = max(order.lots, order.asked_lots)
    if order.ticket.spend is None and order.filled_lots + lots > most:
        raise StrayError(f"executions of {order.filled_lots + lots} lots of an order of {most}")
