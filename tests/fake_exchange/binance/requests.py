"""What Binance's REST and WebSocket API both do: one function a request, named as in the WebSocket API."""

from collections.abc import Callable, Mapping

from tests.fake_exchange.binance import order_messages
from tests.fake_exchange.binance.errors import BinanceError, engine_refusal, missing
from tests.fake_exchange.binance.limits import BinanceLimits
from tests.fake_exchange.binance.orders import (
    NewOrder,
    check_filters,
    client_id_of,
    market_of,
    parse_new_quantity,
    parse_order,
    refuse_unknown,
)
from tests.fake_exchange.binance.queries import IDS, BinanceQueries, find_order
from tests.fake_exchange.binance.signatures import Account
from tests.fake_exchange.binance.stops import check_trigger
from tests.fake_exchange.limits import Counts
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import BAD_AMENDMENT, Event, OrderChanged, Refused

Params = Mapping[str, str]
CANCEL = IDS | {"newClientOrderId", "cancelRestrictions"}


class BinanceRequests:
    def __init__(
        self, core: MatchingCore, queries: BinanceQueries, limits: BinanceLimits, counts: Counts
    ) -> None:
        self.core = core
        self.counts = counts
        self._limits = limits
        self._public = queries.public
        self._signed: dict[str, Callable[[Account, Params], object]] = {
            "order.place": self._place,
            "order.test": self._test,
            "order.cancel": self._cancel,
            "order.cancelReplace": self._cancel_replace,
            "order.amend.keepPriority": self._amend,
            "openOrders.cancelAll": self._cancel_all,
            **queries.signed,
        }
        core.listeners.append(self._give_back_orders)

    def is_signed(self, name: str) -> bool:
        return name in self._signed

    def is_known(self, name: str) -> bool:
        return name in self._signed or name in self._public

    def call(self, name: str, account: Account | None, params: Params) -> object:
        try:
            if name in self._public:
                return self._public[name](params)
            assert account is not None
            return self._signed[name](account, params)
        except BinanceError as error:
            self.counts.refusals[error.code] += 1
            self._limits.charge_failure(name, params)
            raise

    def _place(self, account: Account, params: Params) -> object:
        return self._enter(account, self._admitted(account, params))

    def _admitted(self, account: Account, params: Params) -> NewOrder:
        """What is checked before the engine has it. The unfilled-order count rises for each order sent."""
        self._limits.take_order(account.name)
        new = parse_order(self.core, params)
        check_filters(self.core, account.name, new)
        return new

    def _enter(self, account: Account, new: NewOrder) -> object:
        if new.stop is not None and new.market.is_trading:
            check_trigger(new.stop, self.core.last_price(new.market.symbol))
        try:
            order = self.core.place(
                account.name, new.market.symbol, new.side, new.lots, new.price_ticks, new.client_id,
                time_in_force=new.time_in_force, post_only=new.post_only, quote_e8=new.quote_e8,
                stop=new.stop,
            )  # fmt: skip
        except Refused as refused:
            raise engine_refusal(refused) from None
        self.counts.orders += 1
        return order_messages.placed(order, new.response_type)

    def _test(self, account: Account, params: Params) -> object:
        """The engine does not see it, so nothing is said of balances or of a stop that is reached."""
        check_filters(self.core, account.name, parse_order(self.core, params))
        return {}

    def _cancel(self, account: Account, params: Params) -> object:
        refuse_unknown(params, CANCEL)
        order = find_order(self.core, account, params)
        restriction = params.get("cancelRestrictions")
        if order is None or not order.state.is_open:
            raise BinanceError(400, -2011, "Unknown order sent.")
        if restriction is not None and restriction != f"ONLY_{order.state.value}":
            raise BinanceError(400, -2011, "Order was not canceled due to cancel restrictions.")
        request_id = client_id_of(params, "newClientOrderId")
        return order_messages.cancelled(self.core.cancel(order, request_id), request_id)

    def _cancel_all(self, account: Account, params: Params) -> object:
        market = market_of(self.core, params)
        orders = self.core.open_orders(account.name, market.symbol)
        if not orders:
            raise BinanceError(400, -2011, "Unknown order sent.")
        return [self._cancel(account, {"symbol": market.symbol, "orderId": str(o.order_id)}) for o in orders]

    def _cancel_replace(self, account: Account, params: Params) -> object:
        mode = params.get("cancelReplaceMode")
        if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
            raise missing("cancelReplaceMode")
        names = {"cancelOrderId": "orderId", "cancelOrigClientOrderId": "origClientOrderId"}
        names["cancelNewClientOrderId"] = "newClientOrderId"
        ids = {names[name]: value for name, value in params.items() if name in names}
        cancel = ids | {"symbol": params.get("symbol", "")}
        place = {k: v for k, v in params.items() if k not in names and k != "cancelReplaceMode"}
        # Binance: filters and the order count are evaluated before anything is cancelled.
        new = self._admitted(account, place)
        cancelled, cancel_body = self._attempt(lambda: self._cancel(account, cancel))
        result: dict[str, object] = {
            "cancelResult": "SUCCESS" if cancelled else "FAILURE",
            "newOrderResult": "NOT_ATTEMPTED",
            "cancelResponse": cancel_body,
            "newOrderResponse": None,
        }
        if not cancelled and mode == "STOP_ON_FAILURE":
            raise BinanceError(400, -2022, "Order cancel-replace failed.", result)
        placed, place_body = self._attempt(lambda: self._enter(account, new))
        result |= {"newOrderResult": "SUCCESS" if placed else "FAILURE", "newOrderResponse": place_body}
        if cancelled and placed:
            return result
        if cancelled or placed:
            raise BinanceError(409, -2021, "Order cancel-replace partially failed.", result)
        raise BinanceError(400, -2022, "Order cancel-replace failed.", result)

    def _attempt(self, request: Callable[[], object]) -> tuple[bool, object]:
        try:
            return True, request()
        except BinanceError as error:
            return False, error.body()

    def _amend(self, account: Account, params: Params) -> object:
        refuse_unknown(params, IDS | {"newClientOrderId", "newQty"})
        order = find_order(self.core, account, params)
        if order is None:
            raise BinanceError(400, -2038, "Unknown order sent.")
        old_id, request_id = order.client_id, client_id_of(params, "newClientOrderId")
        lots = parse_new_quantity(order.market, params)
        try:
            self.core.reduce(order, lots, request_id)
        except Refused as refused:
            code = -2038 if refused.reason == BAD_AMENDMENT else -2011
            raise engine_refusal(refused, code) from None
        return {
            "transactTime": order.updated_us // 1_000,
            "executionId": order.order_id,
            "amendedOrder": order_messages.amended(order, old_id),
        }

    def _give_back_orders(self, event: Event) -> None:
        """A first fill gives one of the unfilled orders back."""
        if isinstance(event, OrderChanged) and event.fill and len(event.order.fills) == 1:
            self._limits.orders.give_back(event.order.account)
