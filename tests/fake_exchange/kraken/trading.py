"""What Kraken's REST and WebSocket both do with orders."""

from collections.abc import Callable, Sequence

from tests.fake_exchange.expiries import Expiries
from tests.fake_exchange.kraken.errors import (
    ORDER_RATE,
    UNAVAILABLE,
    UNKNOWN_ORDER,
    KrakenError,
    engine_refusal,
    invalid,
)
from tests.fake_exchange.kraken.keys import KrakenAccount
from tests.fake_exchange.kraken.limits import AMEND_COSTS, CANCEL_COSTS, KrakenLimits, cost_by_age
from tests.fake_exchange.kraken.names import TransactionIds, symbol_of
from tests.fake_exchange.kraken.orders import (
    Amendment,
    Terms,
    check_deadline,
    check_minimums,
    check_order,
    lots_of,
    price_ticks_of,
)
from tests.fake_exchange.limits import Counts
from tests.fake_exchange.market import Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Order, Refused


class KrakenTrading:
    """`engine_lag_us` is how long an order waits before the engine compares its deadline.
    `post_only_refused`: an order that would take is an error, and not accepted and then cancelled."""

    def __init__(
        self, core: MatchingCore, ids: TransactionIds, limits: KrakenLimits, counts: Counts,
        now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self.core = core
        self.ids = ids
        self.limits = limits
        self.counts = counts
        self.system = "online"
        self.pair_statuses: dict[str, str] = {}
        self.user_refs: dict[int, int] = {}
        self.expiries = Expiries(core, now_us)
        self.engine_lag_us = 0
        self.post_only_refused = False
        self.now_us = now_us
        self._cancel_all_at_us: dict[str, int] = {}
        self._amendments = 0

    def status_of(self, market: Market) -> str:
        return self.pair_statuses.get(market.symbol, "online" if market.is_trading else "delisted")

    def place(self, account: KrakenAccount, terms: Terms) -> Order | None:
        """The order, or None if it was only to be checked."""
        self._admit(terms.market, account, 1)
        new = check_order(terms, self.now_us() + self.engine_lag_us, self.core.lots_for_quote)
        self._check_mode(new.market, terms)
        price_ticks = new.price_ticks if new.price_ticks or new.stop is None else new.stop.price_ticks
        if price_ticks is None:
            opposite = self.core.levels(new.market.symbol, new.side.opposite)
            if not opposite:
                raise KrakenError("EOrder:Insufficient liquidity")
            price_ticks = opposite[0][0]
        check_minimums(new.market, new.lots, price_ticks)
        if len(self.core.open_orders(account.name, new.market.symbol)) >= self.limits.open_orders_limit:
            raise KrakenError("EOrder:Orders limit exceeded")
        if terms.is_trial:
            return None
        # The executions of the new order are sent while it is placed, so its reference has to be known.
        number = self.core.next_order_id
        self.user_refs[number] = terms.user_ref
        if new.end_us is not None:
            self.expiries.set(number, new.end_us)
        try:
            order = self.core.place(
                account.name, new.market.symbol, new.side, new.lots, new.price_ticks, terms.client_id,
                time_in_force=new.time_in_force, post_only=terms.post_only, self_trade=new.self_trade,
                quote_e8=new.quote_e8, accepts_first=not self.post_only_refused, stop=new.stop,
            )  # fmt: skip
        except Refused as refused:
            raise engine_refusal(refused) from None
        self.counts.orders += 1
        return order

    def amend(self, account: KrakenAccount, order: Order, amendment: Amendment) -> str:
        """The id of the amendment."""
        check_deadline(amendment.deadline, self.now_us() + self.engine_lag_us)
        market = order.market
        self._admit(market, account, cost_by_age(AMEND_COSTS, self.now_us() - order.placed_us))
        if not order.state.is_open:
            raise KrakenError(UNKNOWN_ORDER)
        if amendment.quantity is None and amendment.price is None:
            raise invalid("order_qty")
        lots = order.lots if amendment.quantity is None else lots_of(market, amendment.quantity)
        assert order.price_ticks is not None
        price_ticks = order.price_ticks
        if amendment.price is not None:
            price_ticks = price_ticks_of(market, amendment.price)
        if lots <= order.filled_lots:
            raise KrakenError("EOrder:Invalid order quantity")
        check_minimums(market, lots, price_ticks)
        was_post_only = order.post_only
        order.post_only = was_post_only or amendment.post_only
        try:
            self.core.amend(order, lots, price_ticks, accepts_first=not self.post_only_refused)
        except Refused as refused:
            order.post_only = was_post_only
            raise engine_refusal(refused) from None
        self._amendments += 1
        return self.ids.make("T", f"amendment {self._amendments}")

    def cancel(self, account: KrakenAccount, order: Order | None) -> Order:
        """A cancel is never refused for its rate, but it counts."""
        self._check_service()
        if order is None or order.account != account.name or not order.state.is_open:
            raise KrakenError(UNKNOWN_ORDER)
        age_us = self.now_us() - order.placed_us
        self.limits.engine(account.name, order.market).add(cost_by_age(CANCEL_COSTS, age_us))
        return self.core.cancel(order, reason="User requested")

    def cancel_all(self, account: KrakenAccount) -> int:
        self._check_service()
        return self._cancel_orders(account.name, "User requested")

    def cancel_all_after(self, account: KrakenAccount, timeout_s: int) -> int:
        """When that will be, or 0 if it is switched off."""
        self._check_service()
        if not 0 <= timeout_s < 86_400:
            raise invalid("timeout")
        self._cancel_all_at_us.pop(account.name, None)
        if not timeout_s:
            return 0
        at_us = self.now_us() + timeout_s * 1_000_000
        self._cancel_all_at_us[account.name] = at_us
        return at_us

    def fire_timers(self) -> None:
        """End what is due. A dead man's switch that has cancelled is off until it is set again."""
        self.expiries.fire()
        for account, at_us in list(self._cancel_all_at_us.items()):
            if self.now_us() >= at_us:
                del self._cancel_all_at_us[account]
                self._cancel_orders(account, "Cancel all orders after timeout")

    def find(self, account: KrakenAccount, transaction_id: str) -> Order | None:
        number = self.ids.order_id(transaction_id)
        order = None if number is None else self.core.orders[number]
        return order if order is not None and order.account == account.name else None

    def find_open_by_client_id(self, account: KrakenAccount, client_id: str) -> Order | None:
        orders = self.core.open_orders(account.name)
        return next((order for order in orders if client_id and order.client_id == client_id), None)

    def orders_of(self, account: KrakenAccount) -> Sequence[Order]:
        return [order for order in self.core.orders.values() if order.account == account.name]

    def _admit(self, market: Market, account: KrakenAccount, cost: int) -> None:
        self._check_service()
        if not self.limits.engine(account.name, market).take(cost):
            raise KrakenError(ORDER_RATE)

    def _check_service(self) -> None:
        if self.system == "maintenance":
            raise KrakenError(UNAVAILABLE)

    def _check_mode(self, market: Market, terms: Terms) -> None:
        status = self.status_of(market)
        if status in ("delisted", "maintenance"):
            raise KrakenError(f"Currency pair not supported {symbol_of(market)}")
        for mode in (self.system, status):
            if mode == "cancel_only":
                raise KrakenError("EService:Market in cancel_only mode")
            if mode == "post_only" and not terms.post_only:
                raise KrakenError("EService:Market in post_only mode")
            if mode == "limit_only" and terms.order_type != "limit":
                raise KrakenError("EService:Market in limit_only mode")

    def _cancel_orders(self, account: str, reason: str) -> int:
        orders = self.core.open_orders(account)
        for order in orders:
            self.core.cancel(order, reason=reason)
        return len(orders)
