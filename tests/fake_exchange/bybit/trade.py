"""Bybit's orders over the WebSocket."""

from collections.abc import Callable

import msgspec

from tests.fake_exchange.bybit.errors import BybitError, too_many
from tests.fake_exchange.bybit.requests import BybitRequests, Done
from tests.fake_exchange.bybit.signatures import check_time
from tests.fake_exchange.bybit.sockets import Connection
from tests.fake_exchange.faults import Faults, RequestFault
from tests.fake_exchange.limits import Counts, SlidingWindow

MAX_ID = 36


class OrderRequest(msgspec.Struct):
    op: str
    reqId: str = ""  # Bybit's name
    header: dict[str, str] = {}
    args: list[dict[str, object]] = []


class BybitTrade:
    def __init__(
        self, requests: BybitRequests, faults: Faults, counts: Counts, now_us: Callable[[], int]
    ) -> None:
        self.address_limit = SlidingWindow(3_000, 1_000_000, now_us)
        self._requests = requests
        self._faults = faults
        self._counts = counts
        self._now_us = now_us

    def answer(self, connection: Connection, text: str, fault: RequestFault | None) -> dict[str, object]:
        reply: dict[str, object] = {"retCode": 0, "retMsg": "OK", "data": {}, "retExtInfo": {}}
        header = {"Timenow": str(self._now_us() // 1_000)}
        try:
            request = msgspec.json.decode(text, type=OrderRequest)
            reply |= {"reqId": request.reqId, "op": request.op}
            done = self._carry_out(connection, request, fault, header)
            reply |= {"data": done.result, "retExtInfo": done.extra}
            if fault is RequestFault.TIMEOUT_AFTER:
                raise BybitError(170007, "Timeout waiting for response from backend server.")
        except msgspec.MsgspecError:
            self._counts.refusals[10001] += 1
            reply |= {"retCode": 10001, "retMsg": "params error: the request is malformed"}
        except BybitError as error:
            self._counts.refusals[error.code] += 1
            reply |= {"retCode": error.code, "retMsg": error.text, "data": {}, "retExtInfo": {}}
        return reply | {"header": header, "connId": connection.conn_id}

    def _carry_out(
        self,
        connection: Connection,
        request: OrderRequest,
        fault: RequestFault | None,
        header: dict[str, str],
    ) -> Done:
        if not self.address_limit.take():
            raise BybitError(10403, "Exceed IP rate limit.")
        if connection.account is None:
            raise BybitError(10003, "The connection is not authenticated.")
        # Bybit: cancel-all is of REST alone.
        if not self._requests.is_known(request.op) or request.op == "order.cancel-all":
            raise BybitError(10404, "op is not correct")
        if len(request.reqId) > MAX_ID or len(request.args) != 1:
            raise BybitError(10001, "params error: reqId or args invalid")
        if request.reqId and request.reqId in connection.used_ids:
            raise BybitError(20006, "Duplicate reqId")
        connection.used_ids.add(request.reqId)
        timestamp = request.header.get("X-BAPI-TIMESTAMP", "")
        check_time(timestamp, request.header.get("X-BAPI-RECV-WINDOW", "5000"), self._now_us())
        if self._faults.in_maintenance:
            raise BybitError(10019, "The trade service is restarting.")
        if fault in (RequestFault.TOO_MANY, RequestFault.BANNED):
            raise too_many()
        fields = request.args[0]
        if fields.get("category") != "spot":
            raise BybitError(10404, "category is not correct")
        header |= self._requests.admit(request.op, connection.account.name, fields).headers()
        return self._requests.carry_out(request.op, connection.account.name, fields)
