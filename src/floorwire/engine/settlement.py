"""Settlement: from what a venue reports of an order to the event that it is for the order's account."""

from __future__ import annotations

from msgspec.structs import replace

from floorwire.core.accounts import (
    AccountEvent,
    AmendRefused,
    Balance,
    OrderAmended,
    OrderEnded,
    OrderFilled,
    OrderTriggered,
    Position,
)
from floorwire.core.codes import Code
from floorwire.core.orders import OPEN, Order, OrderState, Ticket
from floorwire.core.reports import Amended, Ended, Filled, Refused, Report, Triggered, Working
from floorwire.engine.accounts import Accounts
from floorwire.engine.holds import fee, held, held_by
from floorwire.engine.position import after_fill
from floorwire.engine.terms import Terms


class StrayReportError(ValueError):
    """A venue told of an order that is not open (or not known): the venue, or who asked it, is wrong."""

    def __init__(self, report: Report, state: OrderState | None) -> None:
        super().__init__(f"order {report.order_id} is {state or 'not known'}, and then came {report!r}")
        self.report = report
        self.state = state


class Settlement:
    """Works out events; applies none."""

    def __init__(self, accounts: Accounts, maker_ppm: int, taker_ppm: int) -> None:
        self._accounts = accounts
        self._maker_ppm = maker_ppm
        self._taker_ppm = taker_ppm

    def event(self, report: Report, now_us: int) -> AccountEvent | None:
        """Return what follows from the report, None where nothing does. Raises StrayReportError."""
        if isinstance(report, Working):
            return None
        order = self._accounts.orders.get(report.order_id)
        if order is None or order.state not in OPEN:
            _late(order, report)
            return None
        if isinstance(report, Filled):
            return self._filled(order, report, now_us)
        if isinstance(report, Ended):
            return self.ended(order, report.state, report.code, now_us)
        return self._changed(order, report, now_us)

    def holding(self, ticket: Ticket, more: int) -> tuple[Balance]:
        """Return the balance that the order's hold is on, once it holds so many units more."""
        terms = self._accounts.terms[ticket.symbol]
        asset = terms.quote if ticket.side == "buy" else terms.base
        has = self._accounts.ledger.balance(ticket.account, asset)
        return (Balance(asset, has.total, has.held + more, has.decimals),)

    def ended(self, order: Order, state: OrderState, code: Code | None, now_us: int) -> OrderEnded:
        """Return the end of an open order: it holds nothing any more."""
        ticket = order.ticket
        closed = Order(
            order.order_id,
            ticket,
            order.key,
            order.lots,
            order.price_ticks,
            state,
            order.created_us,
            now_us,
            order.filled_lots,
            order.filled_turnover,
            code,
            order.triggered,
            0,
            order.fee_ppm,
            order.fee_credit,
        )
        return OrderEnded(ticket.account, closed, self.holding(ticket, -order.held), now_us)

    def _changed(
        self, order: Order, report: Triggered | Amended | Refused, now_us: int
    ) -> AccountEvent | None:
        account = order.ticket.account
        if isinstance(report, Triggered):
            return OrderTriggered(account, replace(order, triggered=True, updated_us=now_us), now_us)
        if isinstance(report, Amended):
            changed, balances = self._answered(order, report.price_ticks, report.lots, now_us)
            return OrderAmended(account, changed, balances, now_us)
        return self._refused(order, report, now_us)

    def _refused(self, order: Order, refused: Refused, now_us: int) -> AccountEvent | None:
        if refused.action == "cancel":
            return None
        if refused.action == "place":
            return self.ended(order, "rejected", refused.code, now_us)
        left, balances = self._answered(order, order.price_ticks, order.lots, order.updated_us)
        return AmendRefused(order.ticket.account, left, balances, now_us)

    def _answered(
        self, order: Order, price_ticks: int, lots: int, updated_us: int
    ) -> tuple[Order, tuple[Balance]]:
        """Return the order with these terms and one amend less on its way, and what it holds then."""
        amending = max(0, order.amending - 1)  # a spend order is amended by the venue, unasked
        answered = replace(
            order,
            price_ticks=price_ticks,
            lots=lots,
            updated_us=updated_us,
            amending=amending,
            asked_ticks=order.asked_ticks if amending else 0,
            asked_lots=order.asked_lots if amending else 0,
        )
        units = held_by(answered, self._accounts.terms[order.ticket.symbol])
        return replace(answered, held=units), self.holding(order.ticket, units - order.held)

    def _filled(self, order: Order, report: Filled, now_us: int) -> OrderFilled:
        """Return the fill: what was paid, what it cost, what stays held."""
        accounts, ticket = self._accounts, order.ticket
        terms = accounts.terms[ticket.symbol]
        turnover = report.price_ticks * report.lots
        ppm = self._maker_ppm if report.liquidity == "maker" else self._taker_ppm
        charged, credit = fee(turnover * terms.quote_units, min(ppm, order.fee_ppm), order.fee_credit)
        after = self._after_fill(order, report, turnover, credit, now_us)
        return OrderFilled(
            ticket.account,
            after,
            accounts.last_fill_id + 1,
            report.trade_id,
            report.price_ticks,
            report.lots,
            report.liquidity,
            charged,
            *self._paid(order, terms, after.held, turnover * terms.quote_units, charged, report.lots),
            now_us,
        )

    def _after_fill(self, order: Order, report: Filled, turnover: int, credit: int, now_us: int) -> Order:
        ticket, left_lots = order.ticket, report.left_lots
        filled_lots, filled_turnover = order.filled_lots + report.lots, order.filled_turnover + turnover
        units = 0
        if left_lots:
            units = held(
                ticket,
                self._accounts.terms[ticket.symbol],
                max(order.price_ticks, order.asked_ticks),
                max(order.lots, order.asked_lots) - filled_lots,
                filled_turnover,
                order.fee_ppm,
                credit,
            )
        return Order(
            order.order_id,
            ticket,
            order.key,
            order.lots,
            order.price_ticks,
            "partially_filled" if left_lots else "filled",
            order.created_us,
            now_us,
            filled_lots,
            filled_turnover,
            None,
            order.triggered,
            units,
            order.fee_ppm,
            credit,
            order.amending if left_lots else 0,
            order.asked_ticks if left_lots else 0,
            order.asked_lots if left_lots else 0,
        )

    def _paid(
        self, order: Order, terms: Terms, units: int, notional: int, charged: int, lots: int
    ) -> tuple[tuple[Balance, Balance], Position]:
        """Return the balances (quote, base) and the position after the fill."""
        ticket = order.ticket
        account, side, released = ticket.account, ticket.side, order.held - units
        ledger, base_units = self._accounts.ledger, lots * terms.base_units
        quote, base = ledger.balance(account, terms.quote), ledger.balance(account, terms.base)
        if side == "buy":
            quote = Balance(
                terms.quote, quote.total - notional - charged, quote.held - released, quote.decimals
            )
            base = Balance(terms.base, base.total + base_units, base.held, base.decimals)
        else:
            quote = Balance(terms.quote, quote.total + notional - charged, quote.held, quote.decimals)
            base = Balance(terms.base, base.total - base_units, base.held - released, base.decimals)
        before = self._accounts.position(account, terms)
        return (quote, base), after_fill(before, side, base_units, notional, base.total)


def _late(order: Order | None, report: Report) -> None:
    """Pass over the refusal of an amend or cancel that the order's end overtook. Raises StrayReportError."""
    if not isinstance(report, Refused) or report.action == "place":
        raise StrayReportError(report, order.state if order is not None else None)
