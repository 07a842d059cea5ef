"""Binance's REST face as an ASGI application."""

from collections.abc import Callable
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from tests.fake_exchange.binance.errors import BinanceError
from tests.fake_exchange.binance.limits import BinanceLimits
from tests.fake_exchange.binance.requests import BinanceRequests
from tests.fake_exchange.binance.signatures import Account, check_rest, check_time
from tests.fake_exchange.faults import Faults, RequestFault
from tests.fake_exchange.rest import RestAnswer, serve_rest

ROUTES = {
    ("GET", "/api/v3/ping"): "ping",
    ("GET", "/api/v3/time"): "time",
    ("GET", "/api/v3/exchangeInfo"): "exchangeInfo",
    ("GET", "/api/v3/depth"): "depth",
    ("GET", "/api/v3/klines"): "klines",
    ("GET", "/api/v3/trades"): "trades.recent",
    ("GET", "/api/v3/historicalTrades"): "trades.historical",
    ("GET", "/api/v3/aggTrades"): "trades.aggregate",
    ("POST", "/api/v3/order"): "order.place",
    ("POST", "/api/v3/order/test"): "order.test",
    ("DELETE", "/api/v3/order"): "order.cancel",
    ("GET", "/api/v3/order"): "order.status",
    ("POST", "/api/v3/order/cancelReplace"): "order.cancelReplace",
    ("PUT", "/api/v3/order/amend/keepPriority"): "order.amend.keepPriority",
    ("GET", "/api/v3/openOrders"): "openOrders.status",
    ("DELETE", "/api/v3/openOrders"): "openOrders.cancelAll",
    ("GET", "/api/v3/allOrders"): "allOrders",
    ("GET", "/api/v3/myTrades"): "myTrades",
    ("GET", "/api/v3/account"): "account.status",
}


class BinanceRest:
    def __init__(
        self, requests: BinanceRequests, limits: BinanceLimits, accounts: list[Account], faults: Faults,
        now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self._requests = requests
        self._limits = limits
        self._accounts = {account.api_key: account for account in accounts}
        self._faults = faults
        self._now_us = now_us

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve_rest(scope, receive, send, self._faults, self._reply)

    def _reply(self, request: Request, body: str, fault: RequestFault | None) -> RestAnswer:
        status, headers = 200, {}
        try:
            answer = self._answer(request, body, fault)
            if fault is RequestFault.TIMEOUT_AFTER:
                raise BinanceError(504, -1007, "Timeout waiting for response from backend server.")
        except BinanceError as error:
            status, answer = error.status, error.body()
            if error.retry_after_s is not None:
                headers["Retry-After"] = str(error.retry_after_s)
        headers |= {
            "Content-Type": "application/json;charset=UTF-8",
            "X-MBX-USED-WEIGHT-1M": str(self._limits.weight.used),
        }
        account = self._accounts.get(request.headers.get("X-MBX-APIKEY", ""))
        if account is not None:
            headers["X-MBX-ORDER-COUNT-10S"] = str(self._limits.orders.used(account.name))
            headers["X-MBX-ORDER-COUNT-1D"] = str(self._limits.orders.used_of_day(account.name))
        return RestAnswer(status, msgspec.json.encode(answer), headers)

    def _answer(self, request: Request, body: str, fault: RequestFault | None) -> object:
        if self._faults.in_maintenance:
            raise BinanceError(503, -1016, "This service is no longer available.")
        if fault is RequestFault.TOO_MANY:
            raise self._limits.too_many()
        if fault is RequestFault.BANNED:
            self._limits.ban()
            raise self._limits.banned()
        name = ROUTES.get((request.method, request.url.path))
        if name is None:
            raise BinanceError(404, -1000, "No such path.")
        query = request.url.query
        pairs = parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
        params = dict(pairs)
        if len(params) < len(pairs):
            raise BinanceError(400, -1101, "Duplicate values for a parameter detected.")
        self._limits.admit(name, params)
        if not self._requests.is_signed(name):
            return self._requests.call(name, None, params)
        key = request.headers.get("X-MBX-APIKEY", "")
        if not key:
            raise BinanceError(401, -2014, "API-key format invalid.")
        account = self._accounts.get(key)
        if account is None:
            raise BinanceError(401, -2015, "Invalid API-key, IP, or permissions for action.")
        check_rest(account, query + body)
        check_time(params, self._now_us())
        return self._requests.call(name, account, params)
