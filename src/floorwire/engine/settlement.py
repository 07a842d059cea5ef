"""Settlement: turns a venue's execution report of an order into the event of the order's account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from floorwire.core.account_events import (
    AccountEvent,
    AmendRefused,
    Balance,
    OrderAmended,
    OrderEnded,
    OrderFilled,
    OrderTriggered,
    Position,
    PositionsChanged,
)
from floorwire.core.codes import Code
from floorwire.core.execution_reports import Amended, Ended, Filled, Refused, Report, Triggered
from floorwire.core.orders import OPEN, Order, OrderState, OrderTicket
from floorwire.engine.accounts import Accounts
from floorwire.engine.fees import fee
from floorwire.engine.holds import answered, held, holding
from floorwire.engine.instrument_units import InstrumentUnits
from floorwire.engine.ledger import MOST_RECORDED
from floorwire.engine.position import after_balance, after_fill


class StrayReportError(ValueError):
    """A venue reported on an order that is unknown or closed.

    Either the venue is wrong, or the request that we sent to it was.
    """

    def __init__(self, report: Report, state: OrderState | None) -> None:
        super().__init__(f"order {report.order_id} is {state or 'not known'}, and then came {report!r}")
        self.report = report
        self.state = state


class Settlement:
    """Computes events. It applies none of them.

    ``maker_ppm``, ``taker_ppm``: the fees, in millionths of the turnover. ``of_venue``: both, by venue, where
    a venue has fees of its own.
    """

    __slots__ = ("_accounts", "_fees_of_venue", "_maker_ppm", "_taker_ppm")

    def __init__(
        self,
        accounts: Accounts,
        maker_ppm: int,
        taker_ppm: int,
        of_venue: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        self._accounts = accounts
        self._maker_ppm = maker_ppm
        self._taker_ppm = taker_ppm
        self._fees_of_venue = dict(of_venue or {})

    def event(self, report: Report, stamp_us: int) -> AccountEvent | None:
        """Return the event that the report leads to, None if it changes nothing. Raises StrayReportError."""
        order = self._accounts.orders.get(report.order_id)
        if order is None or order.state not in OPEN:
            _late(order, report)
            return None
        if type(report) is Filled:
            return self._filled(order, report, stamp_us)
        if type(report) is Ended:
            return self.ended(order, report.state, report.code, stamp_us)
        return self._changed(order, report, stamp_us)

    def positions_changed(self, name: str, assets: Iterable[str], stamp_us: int) -> PositionsChanged | None:
        """Return the positions that no longer agree with the balances of these assets; None where all agree.

        A fill in one instrument also changes the positions in the other instruments of its assets.
        """
        accounts = self._accounts
        account = accounts.by_name[name]
        changed: list[Position] = []
        for asset in assets:
            positions = [
                account.positions[symbol]
                for symbol in accounts.by_base.get(asset, ())
                if symbol in account.positions
            ]
            if positions:
                balance = account.balances.get(asset)
                changed += after_balance(positions, 0 if balance is None else balance.total)
        return PositionsChanged(name, tuple(changed), stamp_us) if changed else None

    def holding(self, ticket: OrderTicket, more: int) -> tuple[Balance]:
        """Return the balance that the order holds, with ``more`` units held in addition."""
        balances = self._accounts.by_name[ticket.account].balances
        return (holding(balances, self._accounts.instrument_units[ticket.symbol], ticket.side, more),)

    def ended(self, order: Order, state: OrderState, code: Code | None, stamp_us: int) -> OrderEnded:
        """Return the event that closes an open order and releases its hold."""
        ticket = order.ticket
        closed = Order(
            order.order_id,
            ticket,
            order.key,
            order.lots,
            order.price_ticks,
            state,
            order.created_us,
            stamp_us,
            order.filled_lots,
            order.filled_turnover,
            code,
            order.triggered,
            0,
            order.fee_ppm,
            order.fee_credit,
        )
        return OrderEnded(ticket.account, closed, self.holding(ticket, -order.held), stamp_us)

    def _changed(self, order: Order, report: Report, stamp_us: int) -> AccountEvent | None:
        account = order.ticket.account
        if type(report) is Amended:
            changed, balances = self._answered(order, report.price_ticks, report.lots, stamp_us)
            return OrderAmended(account, changed, balances, stamp_us)
        if type(report) is Triggered:
            return OrderTriggered(account, replace(order, triggered=True, updated_us=stamp_us), stamp_us)
        return self._refused(order, report, stamp_us) if isinstance(report, Refused) else None

    def _refused(self, order: Order, refused: Refused, stamp_us: int) -> AccountEvent | None:
        if refused.action == "cancel":
            return None
        if refused.action == "place":
            return self.ended(order, "rejected", refused.code, stamp_us)
        left, balances = self._answered(order, order.price_ticks, order.lots, order.updated_us)
        return AmendRefused(order.ticket.account, left, balances, stamp_us, refused.code)

    def _answered(
        self, order: Order, price_ticks: int, lots: int, updated_us: int
    ) -> tuple[Order, tuple[Balance]]:
        """Return the order with one amend answered, and the balance with its new hold."""
        after = answered(
            order, self._accounts.instrument_units[order.ticket.symbol], price_ticks, lots, updated_us
        )
        return after, self.holding(order.ticket, after.held - order.held)

    def _filled(self, order: Order, report: Filled, stamp_us: int) -> OrderFilled:
        """Return the fill with its fee, the balances after it, the remaining hold and the position."""
        accounts, ticket, price_ticks, lots = self._accounts, order.ticket, report.price_ticks, report.lots
        name, symbol, is_buy = ticket.account, ticket.symbol, ticket.side == "buy"
        instrument_units, account = accounts.instrument_units[symbol], accounts.by_name[name]
        turnover, base_units = price_ticks * lots, lots * instrument_units.base_units
        notional = turnover * instrument_units.quote_units
        ppm = self._maker_ppm if report.liquidity == "maker" else self._taker_ppm
        if self._fees_of_venue:
            own = self._fees_of_venue.get(instrument_units.instrument.venue)
            if own is not None:
                ppm = own[0] if report.liquidity == "maker" else own[1]
        charged, credit = fee(notional, ppm if ppm < order.fee_ppm else order.fee_ppm, order.fee_credit)
        charged = min(charged, MOST_RECORDED)
        after = _after_fill(order, instrument_units, report.left_lots, lots, turnover, credit, stamp_us)
        quote = account.balances.get(instrument_units.quote) or Balance(
            instrument_units.quote, 0, 0, instrument_units.quote_decimals
        )
        base = account.balances.get(instrument_units.base) or Balance(
            instrument_units.base, 0, 0, instrument_units.base_decimals
        )
        quote_held, base_held, released = quote.held, base.held, order.held - after.held
        if is_buy:
            quote_total, base_total = quote.total - notional - charged, base.total + base_units
            quote_held -= released
            base_total = min(base_total, MOST_RECORDED)
        else:
            quote_total, base_total = quote.total + notional - charged, base.total - base_units
            base_held -= released
            quote_total = min(quote_total, MOST_RECORDED)
        before = account.positions.get(symbol)
        if before is None:
            before = Position(symbol, 0, 0, 0, 0, base.decimals, quote.decimals)
        return OrderFilled(
            name,
            after,
            accounts.last_fill_id + 1,
            report.trade_id,
            price_ticks,
            lots,
            report.liquidity,
            charged,
            (
                Balance(instrument_units.quote, quote_total, quote_held, quote.decimals),
                Balance(instrument_units.base, base_total, base_held, base.decimals),
            ),
            _recordable(after_fill(before, is_buy, base_units, notional, base_total)),
            stamp_us,
        )


def _recordable(position: Position) -> Position:
    """Return the position with each amount cut to the largest that a record can hold.

    Costs add up over years, so that they can grow beyond the largest balance.
    """
    if max(position.bought, position.cost, abs(position.realised)) <= MOST_RECORDED:
        return position
    return replace(
        position,
        bought=min(position.bought, MOST_RECORDED),
        cost=min(position.cost, MOST_RECORDED),
        realised=max(-MOST_RECORDED, min(position.realised, MOST_RECORDED)),
    )


def _after_fill(
    order: Order,
    instrument_units: InstrumentUnits,
    left_lots: int,
    lots: int,
    turnover: int,
    credit: int,
    stamp_us: int,
) -> Order:
    """Return the order with ``lots`` more filled. With no ``left_lots`` it is closed and holds nothing."""
    ticket, fee_ppm = order.ticket, order.fee_ppm
    filled_lots = order.filled_lots + lots
    filled_turnover = min(order.filled_turnover + turnover, MOST_RECORDED)
    state: OrderState = "filled"
    units = amending = asked_ticks = asked_lots = 0
    cancelling = False
    code: Code | None = None
    if left_lots:
        state, cancelling = "partially_filled", order.cancelling
        amending, asked_ticks, asked_lots = order.amending, order.asked_ticks, order.asked_lots
        highest_ticks, most_lots = max(order.price_ticks, asked_ticks), max(order.lots, asked_lots)
        left = most_lots - filled_lots
        if cancelling:
            code = order.code
        units = held(ticket, instrument_units, highest_ticks, left, filled_turnover, fee_ppm, credit)
    return Order(
        order.order_id,
        ticket,
        order.key,
        order.lots,
        order.price_ticks,
        state,
        order.created_us,
        stamp_us,
        filled_lots,
        filled_turnover,
        code,
        order.triggered,
        units,
        fee_ppm,
        credit,
        amending,
        asked_ticks,
        asked_lots,
        cancelling,
    )


def _late(order: Order | None, report: Report) -> None:
    """Check a report on an order that is not open. Raises StrayReportError.

    The refusal of an amend or a cancel may come after the order has closed. It is ignored.
    """
    if not isinstance(report, Refused) or report.action == "place":
        raise StrayReportError(report, order.state if order is not None else None)
