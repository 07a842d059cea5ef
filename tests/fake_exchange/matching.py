"""The matching core of the fake exchange: price-time priority, one ledger, and events for those who listen.

It is simple on purpose and shares no code with floorwire.engine: an error there must not be here too."""

from bisect import insort
from collections.abc import Callable

from tests.fake_exchange.ledger import Balance, Ledger
from tests.fake_exchange.market import Market
from tests.fake_exchange.orders import (
    BAD_AMENDMENT,
    CLOSED,
    DUPLICATE,
    NO_MONEY,
    OUT_OF_TIME,
    SELF_TRADE,
    UNKNOWN_ORDER,
    WOULD_TAKE,
    BalanceChanged,
    Event,
    Fill,
    LevelChanged,
    MarketChanged,
    Order,
    OrderChanged,
    OrderState,
    Refused,
    SelfTrade,
    Side,
    Stop,
    TimeInForce,
    Traded,
)
from tests.fake_exchange.trade_history import TradeHistory
from tests.fake_exchange.trade_statistics import DayTrades

FEE_PER_MILLION = 1_000


class MatchingCore:
    """All markets, orders, fills and balances. Tests read them to compare."""

    def __init__(
        self, markets: list[Market], now_us: Callable[[], int], *, fees_in_quote: bool = False
    ) -> None:
        """Fees are paid in the asset that an order receives, or always in the quote asset."""
        self.markets = {market.symbol: market for market in markets}
        self.orders: dict[int, Order] = {}
        self.fills: list[Fill] = []
        self.history = TradeHistory(self.markets)
        self.days = {symbol: DayTrades() for symbol in self.markets}
        self.update_ids = dict.fromkeys(self.markets, 1_000)
        self.trade_ids = dict.fromkeys(self.markets, 0)
        self.listeners: list[Callable[[Event], None]] = []
        self._ledger = Ledger()
        self._sides: dict[tuple[str, Side], list[Order]] = {
            (symbol, side): [] for symbol in self.markets for side in Side
        }
        self._open: dict[int, Order] = {}
        self._waiting: list[Order] = []  # for their stops, in the order in which they came
        self._open_client_ids: dict[tuple[str, str], Order] = {}
        self._now_us = now_us
        self._fees_in_quote = fees_in_quote
        self._last_order_id = 0
        self._last_place = 0

    def balance(self, account: str, asset: str) -> Balance:
        return self._ledger.balance(account, asset)

    def balances(self, account: str) -> dict[str, Balance]:
        return self._ledger.balances(account)

    def deposit(self, account: str, asset: str, amount_e8: int) -> None:
        self.balance(account, asset).free_e8 += amount_e8
        self._emit(BalanceChanged(account, (asset,)))

    @property
    def next_order_id(self) -> int:
        return self._last_order_id + 1

    def last_price(self, symbol: str) -> int | None:
        """In the ticks of today."""
        last = self.history.last(symbol)
        return None if last is None else last.price_e8 // self.markets[symbol].tick_e8

    def add_past(self, trades: list[Traded]) -> None:
        """Trades from before the start, the oldest first. Nobody is told of them."""
        for symbol in {trade.symbol for trade in trades}:
            if self.history.of(symbol):
                raise ValueError(f"{symbol} has trades already.")
        for trade in trades:
            self._remember(trade)
            self.trade_ids[trade.symbol] = trade.trade_id

    def close_market(self, symbol: str) -> None:
        """New orders are refused from now on."""
        self.markets[symbol].is_trading = False
        self._emit(MarketChanged(symbol))

    def open_market(self, symbol: str) -> None:
        """It is listed, and orders are taken again."""
        self.markets[symbol].is_trading = self.markets[symbol].is_listed = True
        self._emit(MarketChanged(symbol))

    @property
    def listed(self) -> list[Market]:
        """The markets that the exchange's lists have."""
        return [market for market in self.markets.values() if market.is_listed]

    def empty_market(self, symbol: str, request_id: str = "") -> None:
        """Cancel all orders of a market."""
        for order in list(self._open.values()):
            if order.market.symbol == symbol:
                self.cancel(order, request_id)

    def change_steps(self, symbol: str, tick_e8: int, step_e8: int) -> None:
        """Orders are kept in steps, so the market has to be empty."""
        market = self.markets[symbol]
        market.check_steps(tick_e8, step_e8)
        if any(self._sides[symbol, side] for side in Side):
            raise ValueError(f"{symbol} has open orders in the old steps.")
        market.tick_e8, market.step_e8 = tick_e8, step_e8
        self._emit(MarketChanged(symbol))

    def levels(self, symbol: str, side: Side) -> list[tuple[int, int]]:
        """(price_ticks, lots) from the best price on."""
        levels: dict[int, int] = {}
        for order in self._sides[symbol, side]:
            assert order.price_ticks is not None
            levels[order.price_ticks] = levels.get(order.price_ticks, 0) + order.open_lots
        return list(levels.items())

    def level_orders(self, symbol: str, side: Side) -> dict[int, int]:
        """How many orders each price has."""
        counts: dict[int, int] = {}
        for order in self._sides[symbol, side]:
            assert order.price_ticks is not None
            counts[order.price_ticks] = counts.get(order.price_ticks, 0) + 1
        return counts

    def lots_for_quote(self, symbol: str, side: Side, quote_e8: int) -> int:
        """The most lots that an order of this side trades now for this much of the quote asset."""
        market, lots = self.markets[symbol], 0
        for price_ticks, level_lots in self.levels(symbol, side.opposite):
            taken = min(level_lots, quote_e8 // market.notional_e8(price_ticks, 1))
            lots += taken
            quote_e8 -= market.notional_e8(price_ticks, taken)
            if taken < level_lots:
                break
        return lots

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        found = (order for order in self._open.values() if order.account == account)
        return [order for order in found if symbol in (None, order.market.symbol)]

    def find(self, account: str, symbol: str, order_id: int | None, client_id: str | None) -> Order | None:
        """The newest order with these ids. If both are given, both must match."""
        for order in reversed(self.orders.values()):
            if order.account != account or order.market.symbol != symbol:
                continue
            if order_id in (None, order.order_id) and client_id in (None, order.client_id):
                return order
        return None

    def place(
        self,
        account: str,
        symbol: str,
        side: Side,
        lots: int,
        price_ticks: int | None,
        client_id: str,
        *,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
        self_trade: SelfTrade = SelfTrade.ALLOW,
        quote_e8: int | None = None,
        accepts_first: bool = False,
        stop: Stop | None = None,
    ) -> Order:
        """`accepts_first`: a post-only order that would take is accepted and then cancelled, not refused.

        An order with a `stop` that the last price has reached already is triggered at once."""
        market = self.markets[symbol]
        if not market.is_trading:
            raise Refused(CLOSED)
        if client_id and (account, client_id) in self._open_client_ids:
            raise Refused(DUPLICATE)
        would_take = post_only and self._would_take(symbol, side, price_ticks)
        if would_take and not accepts_first:
            raise Refused(WOULD_TAKE)
        now_us = self._now_us()
        order = Order(
            self.next_order_id, account, client_id, market, side, price_ticks, lots, time_in_force,
            post_only, now_us, now_us, self_trade=self_trade, quote_e8=quote_e8, stop=stop,
            waits=stop is not None,
        )  # fmt: skip
        self._reserve(order)
        self._last_order_id += 1
        self.orders[order.order_id] = order
        self._open[order.order_id] = order
        if client_id:
            self._open_client_ids[account, client_id] = order
        self._emit(OrderChanged(order, "NEW"))
        if would_take:
            self._end(order, OrderState.CANCELED, "CANCELED", "", WOULD_TAKE)
        elif order.waits:
            self._waiting.append(order)
        else:
            self._match_and_rest(order)
        self._balances_changed(order)
        self._trigger_stops()
        return order

    def _trigger_stops(self) -> None:
        """Let the orders enter whose stops are reached, one by one: their trades may reach others."""
        while True:
            order = next((one for one in self._waiting if self._is_reached(one)), None)
            if order is None:
                return
            self._waiting.remove(order)
            order.waits = False
            order.updated_us = order.triggered_us = self._now_us()
            self._emit(OrderChanged(order, "TRIGGERED"))
            self._match_and_rest(order)
            self._balances_changed(order)

    def _is_reached(self, order: Order) -> bool:
        last_ticks = self.last_price(order.market.symbol)
        return order.stop is not None and last_ticks is not None and order.stop.is_reached(last_ticks)

    def cancel(self, order: Order, request_id: str = "", reason: str = "") -> Order:
        return self._take_out(order, OrderState.CANCELED, "CANCELED", request_id, reason)

    def expire(self, order: Order) -> Order:
        """End an order at its date. The core has no dates: a face says when."""
        return self._take_out(order, OrderState.EXPIRED, "EXPIRED", "", OUT_OF_TIME)

    def _take_out(self, order: Order, state: OrderState, kind: str, request_id: str, reason: str) -> Order:
        if not order.state.is_open:
            raise Refused(UNKNOWN_ORDER)
        if order.waits:
            self._waiting.remove(order)
            self._end(order, state, kind, request_id, reason)
        else:
            self._sides[order.market.symbol, order.side].remove(order)
            self._end(order, state, kind, request_id, reason)
            self._level_changed(order)
        self._balances_changed(order)
        return order

    def reduce(self, order: Order, lots: int, request_id: str = "") -> Order:
        """Make an order smaller. It keeps its place in the queue."""
        if not order.state.is_open:
            raise Refused(UNKNOWN_ORDER)
        if not order.filled_lots < lots < order.lots:
            raise Refused(BAD_AMENDMENT)
        freed_e8 = self._cost_e8(order, order.lots - lots)
        order.lots = lots
        order.updated_us = self._now_us()
        self._release(order, freed_e8)
        if request_id and request_id != order.client_id:
            self._open_client_ids[order.account, request_id] = order
            del self._open_client_ids[order.account, order.client_id]
            order.client_id = request_id
        self._emit(OrderChanged(order, "REPLACED", request_id=request_id))
        if not order.waits:
            self._level_changed(order)
        self._balances_changed(order)
        return order

    def amend(
        self, order: Order, lots: int, price_ticks: int, request_id: str = "", *, accepts_first: bool = False
    ) -> Order:
        """Change size and price. A new price or a larger size loses the place in the queue, and may trade.

        A size that is filled already ends the order as filled."""
        if not order.state.is_open or order.price_ticks is None:
            raise Refused(UNKNOWN_ORDER)
        if lots < order.filled_lots or lots <= 0:
            raise Refused(BAD_AMENDMENT)
        moves = price_ticks != order.price_ticks or lots > order.lots
        would_take = order.post_only and self._would_take(order.market.symbol, order.side, price_ticks)
        if would_take and not accepts_first:
            raise Refused(WOULD_TAKE)
        open_lots = lots - order.filled_lots
        cost_e8 = open_lots * order.market.step_e8
        if order.side is Side.BUY:
            cost_e8 = self._buying_cost_e8(order.market, price_ticks, open_lots)
        if not self._ledger.lock(order.account, self._paying_asset(order), cost_e8 - order.reserved_e8):
            raise Refused(NO_MONEY)
        order.reserved_e8 = cost_e8
        resting = self._sides[order.market.symbol, order.side]
        if not order.waits and (moves or not open_lots):
            resting.remove(order)
        old_price_ticks, order.price_ticks, order.lots = order.price_ticks, price_ticks, lots
        order.updated_us = self._now_us()
        if not open_lots:
            order.state = OrderState.FILLED
            self._close(order)
        self._emit(OrderChanged(order, "REPLACED", request_id=request_id))
        if not order.waits:
            self._level_changed(order, old_price_ticks)
        if would_take:
            self._end(order, OrderState.CANCELED, "CANCELED", "", WOULD_TAKE)
        elif moves and open_lots and not order.waits:
            self._match_and_rest(order)
        self._balances_changed(order)
        self._trigger_stops()
        return order

    def _would_take(self, symbol: str, side: Side, price_ticks: int | None) -> bool:
        opposite = self._sides[symbol, side.opposite]
        return bool(opposite) and _crosses(side, price_ticks, opposite[0])

    def _match_and_rest(self, order: Order) -> None:
        self._match(order)
        if not order.open_lots or not order.state.is_open:
            return
        if order.price_ticks is None or order.time_in_force is not TimeInForce.GTC:
            # What is left on the other side is what a market buy could not pay.
            is_poor = order.price_ticks is None and self._sides[order.market.symbol, order.side.opposite]
            self._end(order, OrderState.EXPIRED, "EXPIRED", "", NO_MONEY if is_poor else "")
            return
        self._last_place += 1
        order.place_in_queue = self._last_place
        insort(self._sides[order.market.symbol, order.side], order, key=_priority)
        self._level_changed(order)

    def _match(self, order: Order) -> None:
        resting = self._sides[order.market.symbol, order.side.opposite]
        crossing = [other for other in resting if _crosses(order.side, order.price_ticks, other)]
        allows_own = order.self_trade is SelfTrade.ALLOW
        available_lots = sum(o.open_lots for o in crossing if allows_own or o.account != order.account)
        if order.time_in_force is TimeInForce.FOK and available_lots < order.lots:
            return
        for maker in crossing:
            assert maker.price_ticks is not None
            if order.open_lots and maker.account == order.account and not allows_own:
                if order.self_trade is not SelfTrade.CANCEL_TAKER:
                    self.cancel(maker, reason=SELF_TRADE)
                if order.self_trade is not SelfTrade.CANCEL_MAKER:
                    self._end(order, OrderState.CANCELED, "CANCELED", "", SELF_TRADE)
                    return
                continue
            lots = min(order.open_lots, maker.open_lots)
            if not lots or (order.price_ticks is None and not self._can_pay(order, maker.price_ticks, lots)):
                break
            self._trade(order, maker, lots, maker.price_ticks)
            if not maker.open_lots:
                resting.remove(maker)
            self._level_changed(maker)
            self._balances_changed(maker)

    def _trade(self, taker: Order, maker: Order, lots: int, price_ticks: int) -> None:
        market, now_us = taker.market, self._now_us()
        self.trade_ids[market.symbol] += 1
        trade_id = self.trade_ids[market.symbol]
        quote_e8 = market.notional_e8(price_ticks, lots)
        for order in (maker, taker):
            is_buy = order.side is Side.BUY
            received_e8 = lots * market.step_e8 if is_buy else quote_e8
            asset = market.base if is_buy else market.quote
            fee_asset = market.quote if self._fees_in_quote else asset
            fee_e8 = _fee_e8(quote_e8 if fee_asset == market.quote else received_e8)
            paid_fee_e8 = fee_e8 if fee_asset != asset else 0
            fill = Fill(
                trade_id, order.order_id, order.account, market.symbol, order.side, price_ticks, lots,
                quote_e8, fee_e8, fee_asset, order is maker, now_us,
            )  # fmt: skip
            self._pay(order, quote_e8 + paid_fee_e8 if is_buy else lots * market.step_e8, lots)
            self.balance(order.account, asset).free_e8 += received_e8 - fee_e8 + paid_fee_e8
            order.filled_lots += lots
            order.filled_quote_e8 += quote_e8
            order.updated_us = now_us
            order.state = OrderState.PARTIALLY_FILLED if order.open_lots else OrderState.FILLED
            order.fills.append(fill)
            self.fills.append(fill)
            if not order.open_lots:
                self._close(order)
            self._emit(OrderChanged(order, "TRADE", fill))
        trade = Traded(
            market.symbol, trade_id, price_ticks * market.tick_e8, lots * market.step_e8, quote_e8,
            taker.side, now_us, taker.order_id, is_market_order=taker.price_ticks is None,
        )  # fmt: skip
        self._remember(trade)
        self._emit(trade)

    def _remember(self, trade: Traded) -> None:
        self.history.add(trade)
        self.days[trade.symbol].add(trade)

    def _cost_e8(self, order: Order, lots: int) -> int:
        if order.side is Side.SELL:
            return lots * order.market.step_e8
        if order.price_ticks is None:
            return 0
        return self._buying_cost_e8(order.market, order.price_ticks, lots)

    def _buying_cost_e8(self, market: Market, price_ticks: int, lots: int) -> int:
        """What a buy has to hold: the price, and the fee if it is paid in the same asset."""
        cost_e8 = market.notional_e8(price_ticks, lots)
        return cost_e8 + _fee_e8(cost_e8) if self._fees_in_quote else cost_e8

    def _paying_asset(self, order: Order) -> str:
        return order.market.quote if order.side is Side.BUY else order.market.base

    def _paying_balance(self, order: Order) -> Balance:
        return self.balance(order.account, self._paying_asset(order))

    def _reserve(self, order: Order) -> None:
        cost_e8 = self._cost_e8(order, order.lots)
        if self._paying_balance(order).free_e8 <= 0:
            raise Refused(NO_MONEY)
        if not self._ledger.lock(order.account, self._paying_asset(order), cost_e8):
            raise Refused(NO_MONEY)
        order.reserved_e8 = cost_e8

    def _release(self, order: Order, amount_e8: int) -> None:
        order.reserved_e8 -= amount_e8
        self._ledger.lock(order.account, self._paying_asset(order), -amount_e8)

    def _can_pay(self, order: Order, price_ticks: int, lots: int) -> bool:
        """A market buy reserves nothing before it trades."""
        cost_e8 = self._buying_cost_e8(order.market, price_ticks, lots)
        return order.side is Side.SELL or self._paying_balance(order).free_e8 >= cost_e8

    def _pay(self, order: Order, amount_e8: int, lots: int) -> None:
        self._release(order, self._cost_e8(order, lots))
        self._paying_balance(order).free_e8 -= amount_e8

    def _end(self, order: Order, state: OrderState, kind: str, request_id: str, reason: str = "") -> None:
        order.state = state
        order.end_reason = reason
        order.updated_us = self._now_us()
        self._close(order)
        self._emit(OrderChanged(order, kind, request_id=request_id))

    def _close(self, order: Order) -> None:
        self._release(order, order.reserved_e8)
        del self._open[order.order_id]
        self._open_client_ids.pop((order.account, order.client_id), None)

    def _level_changed(self, order: Order, price_ticks: int | None = None) -> None:
        symbol, price_ticks = order.market.symbol, price_ticks or order.price_ticks
        assert price_ticks is not None
        self.update_ids[symbol] += 1
        lots = dict(self.levels(symbol, order.side)).get(price_ticks, 0)
        self._emit(LevelChanged(symbol, order.side, price_ticks, lots, self.update_ids[symbol]))

    def _balances_changed(self, order: Order) -> None:
        self._emit(BalanceChanged(order.account, (order.market.base, order.market.quote)))

    def _emit(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)


def _fee_e8(amount_e8: int) -> int:
    return amount_e8 * FEE_PER_MILLION // 1_000_000


def _priority(order: Order) -> tuple[int, int]:
    assert order.price_ticks is not None
    return (-order.price_ticks if order.side is Side.BUY else order.price_ticks, order.place_in_queue)


def _crosses(side: Side, price_ticks: int | None, resting: Order) -> bool:
    assert resting.price_ticks is not None
    if price_ticks is None:
        return True
    return resting.price_ticks <= price_ticks if side is Side.BUY else resting.price_ticks >= price_ticks
