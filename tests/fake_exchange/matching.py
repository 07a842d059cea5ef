"""The matching core of the fake exchange: price-time priority, one ledger, and events for those who listen.

It is simple on purpose and shares no code with floorwire.engine: an error there must not be here too."""

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from tests.fake_exchange.market import Market

FEE_PER_MILLION = 1_000


class Side(Enum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderState(Enum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"

    @property
    def is_open(self) -> bool:
        return self in (OrderState.NEW, OrderState.PARTIALLY_FILLED)


class TimeInForce(Enum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Refused(Exception):
    """The core did not accept an order, a cancel or an amendment. `reason` is one of the constants below."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


NO_MONEY = "insufficient balance"
WOULD_TAKE = "post-only order would take"
DUPLICATE = "client id is in use"
UNKNOWN_ORDER = "no such open order"
CLOSED = "market is closed"
BAD_AMENDMENT = "new quantity is not between filled and current"


@dataclass
class Order:
    order_id: int
    account: str
    client_id: str
    market: Market
    side: Side
    price_ticks: int | None  # None is a market order
    lots: int
    time_in_force: TimeInForce
    post_only: bool
    placed_us: int
    updated_us: int
    state: OrderState = OrderState.NEW
    filled_lots: int = 0
    filled_quote_e8: int = 0
    reserved_e8: int = 0
    fills: list["Fill"] = field(default_factory=list)

    @property
    def open_lots(self) -> int:
        return self.lots - self.filled_lots


@dataclass(frozen=True)
class Fill:
    trade_id: int
    order_id: int
    account: str
    symbol: str
    side: Side
    price_ticks: int
    lots: int
    quote_e8: int
    fee_e8: int
    fee_asset: str
    is_maker: bool
    time_us: int


@dataclass(frozen=True)
class OrderChanged:
    """An order is new, filled, smaller or at its end. `request_id` is the cancel's or amendment's own id."""

    order: Order
    kind: str  # NEW, TRADE, CANCELED, EXPIRED or REPLACED
    fill: Fill | None = None
    request_id: str = ""


@dataclass(frozen=True)
class Traded:
    symbol: str
    trade_id: int
    price_ticks: int
    lots: int
    taker_side: Side
    time_us: int


@dataclass(frozen=True)
class LevelChanged:
    symbol: str
    side: Side
    price_ticks: int
    lots: int
    update_id: int


@dataclass(frozen=True)
class BalanceChanged:
    account: str
    assets: tuple[str, ...]


Event = OrderChanged | Traded | LevelChanged | BalanceChanged


@dataclass
class Balance:
    free_e8: int = 0
    locked_e8: int = 0


class MatchingCore:
    """All markets, orders, fills and balances. Tests read them to compare."""

    def __init__(self, markets: list[Market], now_us: Callable[[], int]) -> None:
        self.markets = {market.symbol: market for market in markets}
        self.orders: dict[int, Order] = {}
        self.fills: list[Fill] = []
        self.trades: list[Traded] = []
        self.update_ids = dict.fromkeys(self.markets, 1_000)
        self.trade_ids = dict.fromkeys(self.markets, 0)
        self.listeners: list[Callable[[Event], None]] = []
        self._balances: dict[tuple[str, str], Balance] = {}
        self._sides: dict[tuple[str, Side], list[Order]] = {
            (symbol, side): [] for symbol in self.markets for side in Side
        }
        self._open_client_ids: dict[tuple[str, str], Order] = {}
        self._now_us = now_us
        self._last_order_id = 0

    def balance(self, account: str, asset: str) -> Balance:
        return self._balances.setdefault((account, asset), Balance())

    def balances(self, account: str) -> dict[str, Balance]:
        return {asset: kept for (owner, asset), kept in sorted(self._balances.items()) if owner == account}

    def deposit(self, account: str, asset: str, amount_e8: int) -> None:
        self.balance(account, asset).free_e8 += amount_e8
        self._emit(BalanceChanged(account, (asset,)))

    def levels(self, symbol: str, side: Side) -> list[tuple[int, int]]:
        """(price_ticks, lots) from the best price on."""
        levels: dict[int, int] = {}
        for order in self._sides[symbol, side]:
            assert order.price_ticks is not None
            levels[order.price_ticks] = levels.get(order.price_ticks, 0) + order.open_lots
        return list(levels.items())

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        found = (order for order in self.orders.values() if order.account == account and order.state.is_open)
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
    ) -> Order:
        market = self.markets[symbol]
        if not market.is_trading:
            raise Refused(CLOSED)
        if (account, client_id) in self._open_client_ids:
            raise Refused(DUPLICATE)
        opposite = self._sides[symbol, side.opposite]
        if post_only and opposite and _crosses(side, price_ticks, opposite[0]):
            raise Refused(WOULD_TAKE)
        now_us = self._now_us()
        order = Order(
            self._last_order_id + 1, account, client_id, market, side, price_ticks, lots, time_in_force,
            post_only, now_us, now_us,
        )  # fmt: skip
        self._reserve(order)
        self._last_order_id += 1
        self.orders[order.order_id] = order
        self._open_client_ids[account, client_id] = order
        self._emit(OrderChanged(order, "NEW"))
        self._match(order)
        if order.open_lots and (price_ticks is None or time_in_force is not TimeInForce.GTC):
            self._end(order, OrderState.EXPIRED, "EXPIRED", "")
        elif order.open_lots:
            insort(self._sides[symbol, side], order, key=_priority)
            self._level_changed(order)
        self._balances_changed(order)
        return order

    def cancel(self, order: Order, request_id: str = "") -> Order:
        if not order.state.is_open:
            raise Refused(UNKNOWN_ORDER)
        self._sides[order.market.symbol, order.side].remove(order)
        self._end(order, OrderState.CANCELED, "CANCELED", request_id)
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
        self._level_changed(order)
        self._balances_changed(order)
        return order

    def _match(self, order: Order) -> None:
        resting = self._sides[order.market.symbol, order.side.opposite]
        crossing = [other for other in resting if _crosses(order.side, order.price_ticks, other)]
        available_lots = sum(other.open_lots for other in crossing)
        if order.time_in_force is TimeInForce.FOK and available_lots < order.lots:
            return
        for maker in crossing:
            assert maker.price_ticks is not None
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
            received_e8 = lots * market.step_e8 if order.side is Side.BUY else quote_e8
            asset = market.base if order.side is Side.BUY else market.quote
            fee_e8 = received_e8 * FEE_PER_MILLION // 1_000_000
            fill = Fill(
                trade_id, order.order_id, order.account, market.symbol, order.side, price_ticks, lots,
                quote_e8, fee_e8, asset, order is maker, now_us,
            )  # fmt: skip
            self._pay(order, quote_e8 if order.side is Side.BUY else lots * market.step_e8, lots)
            self.balance(order.account, asset).free_e8 += received_e8 - fee_e8
            order.filled_lots += lots
            order.filled_quote_e8 += quote_e8
            order.updated_us = now_us
            order.state = OrderState.PARTIALLY_FILLED if order.open_lots else OrderState.FILLED
            order.fills.append(fill)
            self.fills.append(fill)
            if not order.open_lots:
                self._close(order)
            self._emit(OrderChanged(order, "TRADE", fill))
        trade = Traded(market.symbol, trade_id, price_ticks, lots, taker.side, now_us)
        self.trades.append(trade)
        self._emit(trade)

    def _cost_e8(self, order: Order, lots: int) -> int:
        if order.side is Side.SELL:
            return lots * order.market.step_e8
        return 0 if order.price_ticks is None else order.market.notional_e8(order.price_ticks, lots)

    def _paying_balance(self, order: Order) -> Balance:
        asset = order.market.quote if order.side is Side.BUY else order.market.base
        return self.balance(order.account, asset)

    def _reserve(self, order: Order) -> None:
        balance, cost_e8 = self._paying_balance(order), self._cost_e8(order, order.lots)
        if balance.free_e8 < cost_e8 or balance.free_e8 <= 0:
            raise Refused(NO_MONEY)
        balance.free_e8 -= cost_e8
        balance.locked_e8 += cost_e8
        order.reserved_e8 = cost_e8

    def _release(self, order: Order, amount_e8: int) -> None:
        balance = self._paying_balance(order)
        order.reserved_e8 -= amount_e8
        balance.locked_e8 -= amount_e8
        balance.free_e8 += amount_e8

    def _can_pay(self, order: Order, price_ticks: int, lots: int) -> bool:
        """A market buy reserves nothing before it trades."""
        cost_e8 = order.market.notional_e8(price_ticks, lots)
        return order.side is Side.SELL or self._paying_balance(order).free_e8 >= cost_e8

    def _pay(self, order: Order, amount_e8: int, lots: int) -> None:
        self._release(order, self._cost_e8(order, lots))
        self._paying_balance(order).free_e8 -= amount_e8

    def _end(self, order: Order, state: OrderState, kind: str, request_id: str) -> None:
        order.state = state
        order.updated_us = self._now_us()
        self._close(order)
        self._emit(OrderChanged(order, kind, request_id=request_id))

    def _close(self, order: Order) -> None:
        self._release(order, order.reserved_e8)
        self._open_client_ids.pop((order.account, order.client_id), None)

    def _level_changed(self, order: Order) -> None:
        symbol, price_ticks = order.market.symbol, order.price_ticks
        assert price_ticks is not None
        self.update_ids[symbol] += 1
        lots = dict(self.levels(symbol, order.side)).get(price_ticks, 0)
        self._emit(LevelChanged(symbol, order.side, price_ticks, lots, self.update_ids[symbol]))

    def _balances_changed(self, order: Order) -> None:
        self._emit(BalanceChanged(order.account, (order.market.base, order.market.quote)))

    def _emit(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)


def _priority(order: Order) -> tuple[int, int]:
    assert order.price_ticks is not None
    return (-order.price_ticks if order.side is Side.BUY else order.price_ticks, order.order_id)


def _crosses(side: Side, price_ticks: int | None, resting: Order) -> bool:
    assert resting.price_ticks is not None
    if price_ticks is None:
        return True
    return resting.price_ticks <= price_ticks if side is Side.BUY else resting.price_ticks >= price_ticks
