"""What OKX's REST and WebSocket both do with orders: place, amend, cancel, and the dead man's switch."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.fake_exchange.limits import Counts, WindowsByKey
from tests.fake_exchange.market import Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.okx import messages
from tests.fake_exchange.okx.errors import OrderError, RequestError, bad_parameter, engine_refusal, too_many
from tests.fake_exchange.okx.orders import (
    CANCEL,
    Fields,
    client_id_of,
    parse_amendment,
    parse_order,
    refuse_unknown,
    text_of,
)
from tests.fake_exchange.orders import NO_MONEY, Order, OrderState, Refused, Side

MAX_BATCH = 20
MAX_SWITCH_S = 120
# Cancel and amend of an order that is over: not found, cancelled, filled.
OVER = {"cancel": ("51400", "51401", "51402"), "amend": ("51503", "51509", "51510")}


@dataclass(frozen=True)
class FailedAmendment:
    """OKX accepts an amendment first. Its failure comes on the orders channel."""

    order: Order
    request_id: str
    error: OrderError
    cancels: bool


@dataclass
class Verdicts:
    """What became of the orders of one request."""

    data: list[dict[str, object]]

    @property
    def code(self) -> str:
        done = sum(row["sCode"] == "0" for row in self.data)
        return "0" if done == len(self.data) else "2" if done else "1"


class OkxRequests:
    def __init__(self, core: MatchingCore, counts: Counts, now_us: Callable[[], int]) -> None:
        self.core = core
        self.counts = counts
        self.limits = WindowsByKey(2_000_000, now_us)
        self.order_limit = 60  # place, amend and cancel each, in two seconds by account and instrument
        self.batch_limit = 300
        self.price_band_percent: int | None = None
        self.tags: dict[int, str] = {}
        self.failed_amendments: list[Callable[[FailedAmendment], None]] = []
        self.codes = {market.symbol: 10 + number for number, market in enumerate(core.markets.values())}
        self._now_us = now_us
        self._switches: dict[tuple[str, str], int] = {}  # by account and tag: when to cancel
        self._switch_limits = WindowsByKey(1_000_000, now_us)
        self._one: dict[str, Callable[[str, Market, Fields], dict[str, object]]] = {
            "order": self._place,
            "amend-order": self._amend,
            "cancel-order": self._cancel,
        }

    def market_by_id(self, inst_id: str) -> Market | None:
        return next((m for m in self.core.listed if messages.inst_id(m) == inst_id), None)

    def market_by_code(self, code: object) -> Market | None:
        if type(code) is not int:
            return None
        return next((self.core.markets[s] for s, known in self.codes.items() if known == code), None)

    def carry_out(
        self, name: str, account: str, market_of: Callable[[Fields], Market], rows: list[Fields]
    ) -> Verdicts:
        """`name` is the WebSocket's: order, batch-orders, amend-order and so on.

        `market_of` finds the instrument: REST names it by instId, the WebSocket by instIdCode."""
        is_batch = name.startswith("batch-")
        one = name.removeprefix("batch-").replace("orders", "order") if is_batch else name
        if not 1 <= len(rows) <= (MAX_BATCH if is_batch else 1):
            raise RequestError(400, "50014" if not rows else "51000", "Parameter args error")
        self.counts.requests[name] += 1
        data = []
        for row in rows:
            self._admit(name, account, row, is_batch)
        for row in rows:
            verdict: dict[str, object] = {"ordId": "", "clOrdId": "", "tag": "", "subCode": ""}
            verdict |= {key: row[key] for key in ("clOrdId", "ordId", "tag") if isinstance(row.get(key), str)}
            verdict |= {"ts": messages.time_text(self._now_us()), "sCode": "0", "sMsg": ""}
            try:
                verdict |= self._one[one](account, market_of(row), row)
            except OrderError as error:
                self.counts.refusals[error.code] += 1
                verdict |= {"sCode": error.code, "sMsg": error.text}
            data.append(verdict)
        return Verdicts(data)

    def cancel_all_after(self, account: str, fields: Fields) -> dict[str, object]:
        try:
            text, tag = text_of(fields, "timeOut"), text_of(fields, "tag")
        except OrderError as error:
            raise RequestError(400, error.code, error.text) from None
        if not text.isdigit() or not (int(text) == 0 or 10 <= int(text) <= MAX_SWITCH_S):
            raise RequestError(400, "51000", "Parameter timeOut error")
        if not self._switch_limits.take(1, account, tag):
            raise too_many()
        self._switches.pop((account, tag), None)
        trigger_us = 0
        if int(text):
            trigger_us = self._switches[account, tag] = self._now_us() + int(text) * 1_000_000
        return {
            "triggerTime": str(trigger_us // 1_000_000),
            "tag": tag,
            "ts": messages.time_text(self._now_us()),
        }

    def fire_switches(self) -> None:
        """Cancel the orders of accounts that did not renew their switch in time."""
        for (account, tag), trigger_us in list(self._switches.items()):
            if self._now_us() >= trigger_us:
                del self._switches[account, tag]
                for order in self.core.open_orders(account):
                    if not tag or self.tags.get(order.order_id, "") == tag:
                        self.core.cancel(order)

    def find(self, account: str, market: Market, fields: Fields) -> Order | None:
        """By ordId if both ids are there, else the newest order with this clOrdId."""
        order_id, client_id = text_of(fields, "ordId"), client_id_of(fields)
        if not order_id and not client_id:
            raise bad_parameter("ordId")
        if not order_id:
            return self.core.find(account, market.symbol, None, client_id)
        if not order_id.isdigit():
            raise bad_parameter("ordId")
        return self.core.find(account, market.symbol, int(order_id) - messages.FIRST_ORDER_ID, None)

    def _admit(self, name: str, account: str, row: Fields, is_batch: bool) -> None:
        limit = self.batch_limit if is_batch else self.order_limit
        if not self.limits.take(limit, account, name, str(row.get("instId") or row.get("instIdCode"))):
            self.counts.refusals["50011"] += 1
            raise too_many()

    def _place(self, account: str, market: Market, fields: Fields) -> dict[str, object]:
        new = parse_order(self.core, market, fields)
        if new.price_ticks is not None:
            self._check_band(market, new.side, new.price_ticks)
        spends_e8 = new.quote_e8 if new.quote_e8 is not None and new.side is Side.BUY else 0
        if self.core.balance(account, market.quote).free_e8 < spends_e8:
            raise engine_refusal(Refused(NO_MONEY))
        # The tag has to be known when the core reports the order.
        self.tags[self.core.next_order_id] = new.tag
        try:
            order = self.core.place(
                account, market.symbol, new.side, new.lots, new.price_ticks, new.client_id,
                time_in_force=new.time_in_force, post_only=new.order_type == "post_only",
                self_trade=new.self_trade, quote_e8=new.quote_e8, accepts_first=True,
            )  # fmt: skip
        except Refused as refused:
            raise engine_refusal(refused) from None
        self.counts.orders += 1
        return {"ordId": messages.ord_id(order.order_id), "sMsg": "Order placed"}

    def _amend(self, account: str, market: Market, fields: Fields) -> dict[str, object]:
        order = self._open_order("amend", account, market, fields)
        amendment = parse_amendment(order, fields)
        self._check_band(market, order.side, amendment.price_ticks)
        try:
            self.core.amend(
                order, amendment.lots, amendment.price_ticks, amendment.request_id, accepts_first=True
            )
        except Refused as refused:
            failed = FailedAmendment(
                order, amendment.request_id, engine_refusal(refused), amendment.cancels_on_failure
            )
            for listener in self.failed_amendments:
                listener(failed)
            if amendment.cancels_on_failure:
                self.core.cancel(order)
        return {"ordId": messages.ord_id(order.order_id), "reqId": amendment.request_id}

    def _cancel(self, account: str, market: Market, fields: Fields) -> dict[str, object]:
        refuse_unknown(fields, CANCEL)
        order = self._open_order("cancel", account, market, fields)
        self.core.cancel(order)
        return {"ordId": messages.ord_id(order.order_id)}

    def _open_order(self, action: str, account: str, market: Market, fields: Fields) -> Order:
        order = self.find(account, market, fields)
        unknown, cancelled, filled = OVER[action]
        if order is None:
            raise OrderError(unknown, "The order does not exist.")
        if order.state is OrderState.FILLED:
            raise OrderError(filled, "The order has been completed.")
        if not order.state.is_open:
            raise OrderError(cancelled, "The order has been canceled.")
        return order

    def _check_band(self, market: Market, side: Side, price_ticks: int) -> None:
        last, percent = self.core.last_price(market.symbol), self.price_band_percent
        if last is None or percent is None:
            return
        if side is Side.BUY and price_ticks * 100 > last * (100 + percent):
            raise OrderError("51137", "The highest price limit for buy orders is exceeded.")
        if side is Side.SELL and price_ticks * 100 < last * (100 - percent):
            raise OrderError("51138", "The lowest price limit for sell orders is exceeded.")
