"""What Bybit's REST and WebSocket both do with orders: create, amend, cancel, in batches too, cancel all."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from tests.fake_exchange.bybit import messages
from tests.fake_exchange.bybit.errors import BybitError, bad_parameter, engine_refusal, too_many
from tests.fake_exchange.bybit.orders import (
    AMEND,
    CANCEL,
    Fields,
    client_id_of,
    market_of,
    parse_amendment,
    parse_order,
    refuse_unknown,
    text_of,
)
from tests.fake_exchange.limits import Counts
from tests.fake_exchange.market import Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import NO_MONEY, Order, OrderState, Refused, Side

MAX_BATCH = 10
MAX_OPEN = 500
# In a second of an account, for REST and the WebSocket together.
ORDER_LIMITS = {
    "order.create": 20,
    "order.amend": 10,
    "order.cancel": 20,
    "order.cancel-all": 20,
    "order.create-batch": 20,
    "order.amend-batch": 20,
    "order.cancel-batch": 20,
}
QUERY_LIMIT = 50


@dataclass(frozen=True)
class Allowance:
    """What is left of a limit. Replies have it in their headers."""

    limit: int
    left: int
    reset_ms: int

    def headers(self) -> dict[str, str]:
        return {
            "X-Bapi-Limit": str(self.limit),
            "X-Bapi-Limit-Status": str(self.left),
            "X-Bapi-Limit-Reset-Timestamp": str(self.reset_ms),
        }


class SecondLimits:
    """So many in any second, by account and name."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._taken_us: dict[tuple[str, str], deque[int]] = {}

    def take(self, account: str, name: str, limit: int, amount: int = 1) -> tuple[bool, Allowance]:
        now_us = self._now_us()
        taken_us = self._taken_us.setdefault((account, name), deque())
        while taken_us and taken_us[0] <= now_us - 1_000_000:
            taken_us.popleft()
        is_allowed = len(taken_us) + amount <= limit
        if is_allowed:
            taken_us.extend([now_us] * amount)
        first_us = taken_us[0] if taken_us else now_us
        return is_allowed, Allowance(limit, max(0, limit - len(taken_us)), (first_us + 1_000_000) // 1_000)


@dataclass(frozen=True)
class Done:
    result: dict[str, object]
    extra: dict[str, object]


class BybitRequests:
    def __init__(self, core: MatchingCore, counts: Counts, now_us: Callable[[], int]) -> None:
        self.core = core
        self.counts = counts
        self.limits = SecondLimits(now_us)
        self.order_limits = dict(ORDER_LIMITS)
        self.query_limit = QUERY_LIMIT
        self.price_band_percent: int | None = None
        # Bybit: a cancel that comes too late may be acknowledged. The order is then reported filled again.
        self.acknowledges_late_cancels = False
        self.late_cancels: list[Callable[[Order], None]] = []
        self._now_us = now_us
        self._used_ids: set[tuple[str, str]] = set()
        self._one: dict[str, Callable[[str, Fields], Order]] = {
            "order.create": self._create,
            "order.amend": self._amend,
            "order.cancel": self._cancel,
        }

    def is_known(self, name: str) -> bool:
        return name in self.order_limits

    def admit(self, name: str, account: str, fields: Fields) -> Allowance:
        rows = _rows(fields) if name.endswith("-batch") else [fields]
        is_allowed, allowance = self.limits.take(account, name, self.order_limits[name], len(rows))
        self.counts.requests[name] += 1
        if not is_allowed:
            raise too_many()
        return allowance

    def carry_out(self, name: str, account: str, fields: Fields) -> Done:
        if name == "order.cancel-all":
            return self._cancel_all(account, fields)
        if not name.endswith("-batch"):
            return Done(_ids(self._one[name](account, fields)), {})
        if text_of(fields, "category") != "spot":
            raise bad_parameter("category")
        rows = _rows(fields)
        # Bybit: ten orders of spot in a batch.
        if not 1 <= len(rows) <= MAX_BATCH:
            raise bad_parameter("request")
        results: list[dict[str, object]] = []
        verdicts: list[dict[str, object]] = []
        for row in rows:
            result = {"category": "spot", "symbol": row.get("symbol", ""), "orderId": "", "orderLinkId": ""}
            try:
                order = self._one[name.removesuffix("-batch")](account, {"category": "spot", **row})
                result |= _ids(order) | {"createAt": messages.time_text(order.placed_us)}
                verdicts.append({"code": 0, "msg": "OK"})
            except BybitError as error:
                self.counts.refusals[error.code] += 1
                result["orderLinkId"] = row.get("orderLinkId", "")
                verdicts.append({"code": error.code, "msg": error.text})
            results.append(result)
        # Bybit: the verdict on each order is in retExtInfo, in the same order.
        return Done({"list": results}, {"list": verdicts})

    def find(self, account: str, market: Market | None, fields: Fields) -> Order | None:
        """By orderId if both ids are there."""
        number, client_id = text_of(fields, "orderId"), client_id_of(fields)
        if not number and not client_id:
            raise bad_parameter("orderId")
        if number and not number.isdigit():
            raise bad_parameter("orderId")
        wanted = int(number) - messages.FIRST_ORDER_ID if number else None
        symbols = [market.symbol] if market is not None else list(self.core.markets)
        found = (self.core.find(account, symbol, wanted, None if number else client_id) for symbol in symbols)
        return next((order for order in found if order is not None), None)

    def _create(self, account: str, fields: Fields) -> Order:
        new = parse_order(self.core, fields)
        # Bybit: an orderLinkId is used up for ever.
        if new.client_id and (account, new.client_id) in self._used_ids:
            raise BybitError(170141, "Duplicate clientOrderId")
        if len(self.core.open_orders(account)) >= MAX_OPEN:
            raise BybitError(170810, "Cannot exceed maximum of 500 conditional, TP/SL and active orders.")
        if new.price_ticks is not None:
            self._check_band(new.market, new.side, new.price_ticks)
        spends_e8 = new.quote_e8 if new.quote_e8 is not None and new.side is Side.BUY else 0
        if self.core.balance(account, new.market.quote).free_e8 < spends_e8:
            raise engine_refusal(Refused(NO_MONEY))
        try:
            order = self.core.place(
                account, new.market.symbol, new.side, new.lots, new.price_ticks, new.client_id,
                time_in_force=new.time_in_force, post_only=new.post_only, self_trade=new.self_trade,
                quote_e8=new.quote_e8, accepts_first=True,
            )  # fmt: skip
        except Refused as refused:
            raise engine_refusal(refused) from None
        self._used_ids.add((account, new.client_id))
        self.counts.orders += 1
        return order

    def _amend(self, account: str, fields: Fields) -> Order:
        refuse_unknown(fields, AMEND)
        order = self._open_order(account, fields)
        lots, price_ticks = parse_amendment(order, fields)
        self._check_band(order.market, order.side, price_ticks)
        try:
            return self.core.amend(order, lots, price_ticks, accepts_first=True)
        except Refused as refused:
            raise engine_refusal(refused) from None

    def _cancel(self, account: str, fields: Fields) -> Order:
        refuse_unknown(fields, CANCEL)
        market = market_of(self.core, fields)
        order = self.find(account, market, fields)
        if order is not None and order.state is OrderState.FILLED and self.acknowledges_late_cancels:
            for listener in self.late_cancels:
                listener(order)
            return order
        return self.core.cancel(self._open_order(account, fields))

    def _cancel_all(self, account: str, fields: Fields) -> Done:
        if text_of(fields, "category") != "spot":
            raise bad_parameter("category")
        symbol = text_of(fields, "symbol") or None
        cancelled = self.core.open_orders(account, symbol)
        for order in cancelled:
            self.core.cancel(order)
        return Done({"list": [_ids(order) for order in cancelled], "success": "1"}, {})

    def _open_order(self, account: str, fields: Fields) -> Order:
        order = self.find(account, market_of(self.core, fields), fields)
        if order is None:
            raise BybitError(170213, "Order does not exist.")
        if order.state is OrderState.FILLED:
            raise BybitError(170139, "Order has been filled.")
        if not order.state.is_open:
            raise BybitError(170142, "Order has been canceled.")
        return order

    def _check_band(self, market: Market, side: Side, price_ticks: int) -> None:
        last, percent = self.core.last_price(market.symbol), self.price_band_percent
        if last is None or percent is None:
            return
        if side is Side.BUY and price_ticks * 100 > last * (100 + percent):
            raise BybitError(170193, "Buy order price cannot be higher than the limit.")
        if side is Side.SELL and price_ticks * 100 < last * (100 - percent):
            raise BybitError(170194, "Sell order price cannot be lower than the limit.")


def _ids(order: Order) -> dict[str, object]:
    return {"orderId": messages.order_id(order.order_id), "orderLinkId": order.client_id}


def _rows(fields: Fields) -> list[dict[str, object]]:
    rows = fields.get("request")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise bad_parameter("request")
    return rows
