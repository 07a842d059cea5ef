"""OKX's REST face: routes, signatures and limits."""

from collections.abc import Callable
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from tests.fake_exchange.faults import Faults, RequestFault
from tests.fake_exchange.limits import Counts, WindowsByKey
from tests.fake_exchange.market import Market
from tests.fake_exchange.okx.errors import OrderError, RequestError, too_many
from tests.fake_exchange.okx.orders import Fields
from tests.fake_exchange.okx.queries import OkxQueries
from tests.fake_exchange.okx.requests import OkxRequests, Verdicts
from tests.fake_exchange.okx.signatures import OkxKeys
from tests.fake_exchange.rest import RestAnswer, serve_rest

# Paths that trade, with their names on the WebSocket.
TRADES = {
    "/api/v5/trade/order": "order",
    "/api/v5/trade/batch-orders": "batch-orders",
    "/api/v5/trade/amend-order": "amend-order",
    "/api/v5/trade/amend-batch-orders": "batch-amend-orders",
    "/api/v5/trade/cancel-order": "cancel-order",
    "/api/v5/trade/cancel-batch-orders": "batch-cancel-orders",
}
CANCEL_ALL_AFTER = "/api/v5/trade/cancel-all-after"
# Requests in two seconds. Public ones count by address, private ones by account.
LIMITS = {
    "/api/v5/public/time": 10,
    "/api/v5/public/instruments": 20,
    "/api/v5/account/instruments": 20,
    "/api/v5/market/books": 40,
    "/api/v5/market/trades": 100,
    "/api/v5/market/history-trades": 20,
    "/api/v5/market/candles": 40,
    "/api/v5/market/history-candles": 20,
    "/api/v5/system/status": 1,
    "/api/v5/account/balance": 10,
    "/api/v5/trade/order": 60,
    "/api/v5/trade/orders-pending": 60,
    "/api/v5/trade/orders-history": 40,
    "/api/v5/trade/orders-history-archive": 20,
    "/api/v5/trade/fills": 60,
    "/api/v5/trade/fills-history": 10,
}
FIREWALL_PAGE = b"<html><body><h1>Access denied</h1></body></html>"


class OkxRest:
    def __init__(
        self, requests: OkxRequests, queries: OkxQueries, keys: OkxKeys, faults: Faults, counts: Counts,
        now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self.limits = dict(LIMITS)
        self.ban_us = 60_000_000
        self._banned_until_us = 0
        self._requests = requests
        self._queries = queries
        self._keys = keys
        self._faults = faults
        self._counts = counts
        self._windows = WindowsByKey(2_000_000, now_us)
        self._now_us = now_us

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve_rest(scope, receive, send, self._faults, self._reply)

    def _reply(self, request: Request, body: str, fault: RequestFault | None) -> RestAnswer:
        if fault is RequestFault.BANNED:
            self._banned_until_us = self._now_us() + self.ban_us
            self.ban_us *= 2
        if self._now_us() < self._banned_until_us:
            self._counts.refusals["403"] += 1
            return RestAnswer(403, FIREWALL_PAGE, {"Content-Type": "text/html"})
        started_us = self._now_us()
        try:
            answer = self._answer(request, body, fault)
            if fault is RequestFault.TIMEOUT_AFTER:
                raise RequestError(400, "50004", "API endpoint request timeout.")
        except RequestError as error:
            self._counts.refusals[error.code] += 1
            refusal = {"code": error.code, "msg": error.text, "data": []}
            return RestAnswer(error.status, msgspec.json.encode(refusal))
        reply: dict[str, object] = {"code": "0", "msg": "", "data": answer}
        if isinstance(answer, Verdicts):
            reply = {"code": answer.code, "msg": "", "data": answer.data}
            if answer.code == "1":
                reply["msg"] = "All operations failed"
            reply |= {"inTime": str(started_us), "outTime": str(self._now_us())}
        return RestAnswer(200, msgspec.json.encode(reply))

    def _answer(self, request: Request, body: str, fault: RequestFault | None) -> object:
        if self._faults.in_maintenance:
            raise RequestError(503, "50001", "Service temporarily unavailable. Try again later.")
        if fault is RequestFault.TOO_MANY:
            raise too_many()
        path = request.url.path
        query = request.url.query
        params = dict(parse_qsl(query, keep_blank_values=True))
        if request.method == "GET" and path in self._queries.public:
            self._admit(path, "address")
            return self._queries.public[path](params)
        is_post = request.method == "POST" and (path in TRADES or path == CANCEL_ALL_AFTER)
        if not is_post and not (request.method == "GET" and path in self._queries.private):
            raise RequestError(404, "50404", "No such path.")
        target = f"{path}?{query}" if query else path
        account = self._keys.of_request(request.headers, request.method, target, body, self._now_us())
        if not is_post:
            self._admit(path, account.name)
            return self._queries.private[path](account.name, params)
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise RequestError(400, "50006", "Invalid Content-Type, application/json format is required.")
        rows = _rows(body, is_list="batch" in path)
        if path == CANCEL_ALL_AFTER:
            return [self._requests.cancel_all_after(account.name, rows[0])]
        self._check_expiry(request.headers.get("exptime"))
        return self._requests.carry_out(TRADES[path], account.name, self._market_of, rows)

    def _market_of(self, row: Fields) -> Market:
        market = self._requests.market_by_id(str(row.get("instId", "")))
        if market is None or not market.is_trading:
            raise OrderError("51001", "Instrument ID does not exist.")
        return market

    def _check_expiry(self, text: str | None) -> None:
        if text is not None:
            check_expiry(text, self._now_us())

    def _admit(self, path: str, who: str) -> None:
        self._counts.requests[path] += 1
        if not self._windows.take(self.limits.get(path, 20), path, who):
            raise too_many()


def check_expiry(text: str, now_us: int) -> None:
    """OKX: a request is discarded after its expTime."""
    if not text.isdigit():
        raise RequestError(400, "51000", "Parameter expTime error")
    if int(text) * 1_000 <= now_us:
        raise RequestError(400, "50036", "The expTime can't be earlier than the current system time.")


def _rows(body: str, *, is_list: bool) -> list[Fields]:
    try:
        if is_list:
            return list(msgspec.json.decode(body, type=list[dict[str, object]]))
        return [msgspec.json.decode(body, type=dict[str, object])]
    except msgspec.MsgspecError:
        raise RequestError(400, "50002", "JSON syntax error") from None
