"""Bybit's REST face: routes, signatures and limits."""

from collections.abc import Callable
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from tests.fake_exchange.bybit.disconnect_cancel import DisconnectCancel
from tests.fake_exchange.bybit.errors import BybitError, too_many
from tests.fake_exchange.bybit.queries import BybitQueries
from tests.fake_exchange.bybit.requests import BybitRequests
from tests.fake_exchange.bybit.signatures import BybitKeys
from tests.fake_exchange.faults import Faults, RequestFault
from tests.fake_exchange.limits import Counts, FixedWindow
from tests.fake_exchange.rest import RestAnswer, serve_rest

# Paths that trade, with their names on the WebSocket.
TRADES = {
    "/v5/order/create": "order.create",
    "/v5/order/amend": "order.amend",
    "/v5/order/cancel": "order.cancel",
    "/v5/order/create-batch": "order.create-batch",
    "/v5/order/amend-batch": "order.amend-batch",
    "/v5/order/cancel-batch": "order.cancel-batch",
    "/v5/order/cancel-all": "order.cancel-all",
}
DISCONNECT_CANCEL = "/v5/order/disconnected-cancel-all"


class BybitRest:
    def __init__(
        self, requests: BybitRequests, queries: BybitQueries, keys: BybitKeys, faults: Faults, counts: Counts,
        disconnect_cancel: DisconnectCancel, now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self._disconnect_cancel = disconnect_cancel
        self.address_limit = FixedWindow(600, 5_000_000, now_us)
        self.ban_us = 600_000_000
        self._banned_until_us = 0
        self._requests = requests
        self._queries = queries
        self._keys = keys
        self._faults = faults
        self._counts = counts
        self._now_us = now_us

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve_rest(scope, receive, send, self._faults, self._reply)

    def _reply(self, request: Request, body: str, fault: RequestFault | None) -> RestAnswer:
        # Bybit: 600 in five seconds by address. Who goes over that is locked out for ten minutes, and longer
        # each time.
        if self._now_us() >= self._banned_until_us and (
            fault is RequestFault.BANNED or not self.address_limit.take()
        ):
            self._banned_until_us = self._now_us() + self.ban_us
            self.ban_us *= 2
        if self._now_us() < self._banned_until_us:
            self._counts.refusals["403"] += 1
            return RestAnswer(403, b"access too frequent", {"Content-Type": "text/plain"})
        reply: dict[str, object] = {"retCode": 0, "retMsg": "OK", "result": {}, "retExtInfo": {}}
        headers: dict[str, str] = {}
        status = 200
        try:
            reply |= self._answer(request, body, fault, headers)
            if fault is RequestFault.TIMEOUT_AFTER:
                raise BybitError(10000, "Server Timeout")
        except BybitError as error:
            self._counts.refusals[error.code] += 1
            status = error.status
            reply |= {"retCode": error.code, "retMsg": error.text, "result": {}, "retExtInfo": {}}
        reply["time"] = self._now_us() // 1_000
        return RestAnswer(status, msgspec.json.encode(reply), headers)

    def _answer(
        self, request: Request, body: str, fault: RequestFault | None, headers: dict[str, str]
    ) -> dict[str, object]:
        if self._faults.in_maintenance:
            raise BybitError(10016, "Server error. The service is restarting.", status=503)
        if fault is RequestFault.TOO_MANY:
            raise too_many()
        path, query = request.url.path, request.url.query
        params = dict(parse_qsl(query, keep_blank_values=True))
        if request.method == "GET" and path in self._queries.public:
            self._counts.requests[path] += 1
            return {"result": self._queries.public[path](params)}
        if request.method == "GET" and path in self._queries.private:
            account = self._keys.of_request(request.headers, query, self._now_us())
            is_allowed, allowance = self._requests.limits.take(account.name, path, self._requests.query_limit)
            headers |= allowance.headers()
            self._counts.requests[path] += 1
            if not is_allowed:
                raise too_many()
            return {"result": self._queries.private[path](account.name, params)}
        if request.method != "POST" or path not in (*TRADES, DISCONNECT_CANCEL):
            raise BybitError(10404, "The request path is not found.", status=404)
        account = self._keys.of_request(request.headers, body, self._now_us())
        try:
            fields = msgspec.json.decode(body, type=dict[str, object])
        except msgspec.MsgspecError:
            raise BybitError(10001, "params error: the body is no JSON object") from None
        if path == DISCONNECT_CANCEL:
            self._counts.requests[path] += 1
            return {"result": self._disconnect_cancel.set(account.name, fields)}
        headers |= self._requests.admit(TRADES[path], account.name, fields).headers()
        done = self._requests.carry_out(TRADES[path], account.name, fields)
        return {"result": done.result, "retExtInfo": done.extra}
