"""OKX's private channels: orders, account, and balances with positions."""

from collections.abc import Callable

import msgspec

from tests.fake_exchange.faults import Faults
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.okx import messages
from tests.fake_exchange.okx.requests import FailedAmendment, OkxRequests
from tests.fake_exchange.okx.sockets import Arg, Connection, OkxSockets
from tests.fake_exchange.orders import BalanceChanged, Event, Order, OrderChanged

Body = dict[str, object]


class OkxPrivate:
    def __init__(
        self, core: MatchingCore, requests: OkxRequests, sockets: OkxSockets, faults: Faults,
        now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self.account_push_us = 5_000_000
        self._core = core
        self._requests = requests
        self._sockets = sockets
        self._faults = faults
        self._now_us = now_us
        self._pushed_us = now_us()
        core.listeners.append(self._on_event)
        requests.failed_amendments.append(self._on_failed_amendment)
        sockets.add(self)

    def is_known(self, arg: Arg) -> bool:
        match arg.get("channel"):
            case "orders":
                inst_id = arg.get("instId")
                known = inst_id is None or self._requests.market_by_id(inst_id) is not None
                return known and arg.get("instType") in ("SPOT", "ANY")
            case "account" | "balance_and_position":
                return True
        return False

    def start(self, connection: Connection, arg: dict[str, str]) -> None:
        # OKX: the orders channel sends nothing at first.
        if connection.account is None or arg["channel"] == "orders":
            return
        assets = messages.held_assets(self._core, connection.account.name)
        self._send_balances(connection, arg, connection.account.name, assets, "snapshot")

    def push_accounts(self) -> None:
        """OKX: the account comes every few seconds, if `extraParams` does not say otherwise."""
        if self._now_us() - self._pushed_us < self.account_push_us:
            return
        self._pushed_us = self._now_us()
        for connection, arg in self._sockets.subscribers("account"):
            if connection.account is not None and _is_periodic(arg):
                assets = messages.held_assets(self._core, connection.account.name)
                self._send_balances(connection, arg, connection.account.name, assets, "snapshot")

    def _on_event(self, event: Event) -> None:
        if isinstance(event, OrderChanged):
            self._on_order(event)
        elif isinstance(event, BalanceChanged):
            for channel in ("account", "balance_and_position"):
                for connection, arg in self._followers(channel, event.account):
                    self._send_balances(connection, arg, event.account, list(event.assets), "event_update")

    def _on_order(self, changed: OrderChanged) -> None:
        order = changed.order
        body = messages.order_push(order, self._tag(order), changed.fill)
        if changed.kind == "REPLACED":
            body |= {"amendResult": "0", "reqId": changed.request_id, "amendSource": "1"}
        is_last = changed.fill is not None and order.quote_e8 is not None and not order.open_lots
        if is_last:
            # OKX: the last fill of an order with a size in the quote asset does not end it; a frame without a
            # fill does.
            self._send_order(order, body | {"state": "partially_filled"})
            if self._faults.repeat_fills and self._followers("orders", order.account):
                self._faults.repeat_fills -= 1
                self._send_order(order, body | {"state": "partially_filled"})
            self._send_order(order, messages.order_push(order, self._tag(order), None))
            return
        self._send_order(order, body)
        if changed.fill and self._faults.repeat_fills and self._followers("orders", order.account):
            self._faults.repeat_fills -= 1
            self._send_order(order, body)

    def _on_failed_amendment(self, failed: FailedAmendment) -> None:
        body = messages.order_push(failed.order, self._tag(failed.order), None)
        # OKX: 1 if the order is cancelled because of that.
        body |= {"amendResult": "1" if failed.cancels else "-1", "reqId": failed.request_id}
        body |= {"code": failed.error.code, "msg": failed.error.text}
        self._send_order(failed.order, body)

    def _send_order(self, order: Order, body: Body) -> None:
        for connection, arg in self._followers("orders", order.account):
            if arg.get("instId") in (None, body["instId"]):
                connection.send({"arg": arg | {"uid": "1"}, "data": [body]})

    def _send_balances(
        self, connection: Connection, arg: dict[str, str], account: str, assets: list[str], kind: str
    ) -> None:
        now_us = self._now_us()
        if arg["channel"] == "account":
            wanted = [asset for asset in assets if arg.get("ccy") in (None, asset)]
            pages: Body = {"curPage": 1, "lastPage": True} if kind == "snapshot" else {}
            data = messages.account_body(self._core, account, wanted, now_us)
            connection.send({"arg": arg | {"uid": "1"}, "eventType": kind, **pages, "data": [data]})
            return
        details = messages.balance_details(self._core, account, assets, now_us)
        rows = [{name: row[name] for name in ("ccy", "cashBal", "uTime")} for row in details]
        body = {
            "pTime": messages.time_text(now_us),
            "eventType": "snapshot" if kind == "snapshot" else "filled",
            "balData": rows,
            "posData": [],
            "trades": [],
        }
        connection.send({"arg": arg | {"uid": "1"}, "data": [body]})

    def _followers(self, channel: str, account: str) -> list[tuple[Connection, dict[str, str]]]:
        subscribers = self._sockets.subscribers(channel)
        return [(c, arg) for c, arg in subscribers if c.account is not None and c.account.name == account]

    def _tag(self, order: Order) -> str:
        return self._requests.tags.get(order.order_id, "")


def _is_periodic(arg: Arg) -> bool:
    # OKX: extraParams is a text that has JSON in it.
    try:
        params = msgspec.json.decode(arg.get("extraParams", "{}"), type=dict[str, str])
    except msgspec.MsgspecError:
        return True
    return params.get("updateInterval") != "0"
