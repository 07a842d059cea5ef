"""Coinbase's orders and fills, as REST and as the user channel have them."""

import uuid
from datetime import UTC, datetime

from tests.fake_exchange.expiries import Expiries
from tests.fake_exchange.market import UNIT, plain_e8
from tests.fake_exchange.orders import (
    OUT_OF_TIME,
    SELF_TRADE,
    WOULD_TAKE,
    Fill,
    Order,
    OrderState,
    Side,
    TimeInForce,
)

Body = dict[str, object]
# What an order in this state is called, unless it reached its date or failed: `state_of`.
STATES = {
    OrderState.NEW: "OPEN",
    OrderState.PARTIALLY_FILLED: "OPEN",
    OrderState.FILLED: "FILLED",
    OrderState.CANCELED: "CANCELLED",
    OrderState.EXPIRED: "CANCELLED",
}
TIMES_IN_FORCE = {
    TimeInForce.GTC: "GOOD_UNTIL_CANCELLED",
    TimeInForce.IOC: "IMMEDIATE_OR_CANCEL",
    TimeInForce.FOK: "FILL_OR_KILL",
}
NO_TIME = "0001-01-01T00:00:00Z"


def time_text(time_us: int) -> str:
    """RFC 3339 without trailing zeros, as Go writes it."""
    text = datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{time_us % 1_000_000:06d}".rstrip("0").rstrip(".") + "Z"


def parse_time_us(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else int(moment.timestamp() * 1_000_000)


def nanosecond_text(time_us: int) -> str:
    """Envelopes have nanoseconds, as time_text has microseconds."""
    text = datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{time_us % 1_000_000:06d}{time_us % 997:03d}".rstrip("0").rstrip(".") + "Z"


class CoinbaseIds:
    """Coinbase's ids are UUIDs."""

    def __init__(self) -> None:
        self._seed = uuid.uuid4()
        self._orders: dict[str, int] = {}

    def of_order(self, order: Order) -> str:
        text = self.make(f"order {order.order_id}")
        self._orders[text] = order.order_id
        return text

    def order_id(self, text: str) -> int | None:
        return self._orders.get(text)

    def make(self, name: str) -> str:
        return str(uuid.uuid5(self._seed, name))


class CoinbaseViews:
    """`product_ids` has the product that an order named: an alias, perhaps.

    `fails_post_only`: a post-only order that was accepted and would take is FAILED, and not CANCELLED."""

    def __init__(self, ids: CoinbaseIds, expiries: Expiries) -> None:
        self.ids = ids
        self.expiries = expiries
        self.fails_post_only = False
        self.product_ids: dict[int, str] = {}
        self.configurations: dict[int, Body] = {}

    def order(self, order: Order, portfolio: str) -> Body:
        """An order as REST has it."""
        configuration = self.configurations.get(order.order_id, {})
        last_fill_us = order.fills[-1].time_us if order.fills else None
        return {
            "order_id": self.ids.of_order(order),
            "product_id": self.product_id(order),
            "user_id": self.ids.make(f"user {order.account}"),
            "order_configuration": self._current(order, configuration),
            "side": order.side.value,
            "client_order_id": order.client_id,
            "status": self.state_of(order),
            "time_in_force": self._time_in_force(order),
            "created_time": time_text(order.placed_us),
            "completion_percentage": completion(order),
            "filled_size": plain_e8(order.filled_lots * order.market.step_e8),
            "average_filled_price": plain_e8(average_e8(order)),
            "fee": "",
            "number_of_fills": str(len(order.fills)),
            "filled_value": plain_e8(order.filled_quote_e8),
            "pending_cancel": False,
            "size_in_quote": order.quote_e8 is not None,
            "total_fees": plain_e8(fees_e8(order)),
            "size_inclusive_of_fees": order.quote_e8 is not None,
            "total_value_after_fees": plain_e8(value_after_fees_e8(order)),
            "trigger_status": trigger_status(order),
            "order_type": order_type(order),
            "reject_reason": "REJECT_REASON_UNSPECIFIED",
            "settled": order.state is OrderState.FILLED,
            "product_type": "SPOT",
            "reject_message": "",
            "cancel_message": cancel_reason(order),
            "order_placement_source": "RETAIL_ADVANCED",
            "outstanding_hold_amount": plain_e8(order.reserved_e8),
            "is_liquidation": False,
            "last_fill_time": None if last_fill_us is None else time_text(last_fill_us),
            "leverage": "",
            "margin_type": "UNKNOWN_MARGIN_TYPE",
            "retail_portfolio_id": portfolio,
            "originating_order_id": "",
            "attached_order_id": "",
        }

    def user_order(self, order: Order, status: str, portfolio: str) -> Body:
        """An order as the user channel has it: all values are texts, booleans too."""
        end_us = self.expiries.end_us(order.order_id)
        leaves_lots = order.open_lots if order.state.is_open else 0
        return {
            "avg_price": plain_e8(average_e8(order)),
            "cancel_reason": cancel_reason(order),
            "client_order_id": order.client_id,
            "completion_percentage": completion(order),
            "contract_expiry_type": "UNKNOWN_CONTRACT_EXPIRY_TYPE",
            "cumulative_quantity": plain_e8(order.filled_lots * order.market.step_e8),
            "filled_value": plain_e8(order.filled_quote_e8),
            # Coinbase: at the end of an order nothing is left, whatever its size was.
            "leaves_quantity": plain_e8(leaves_lots * order.market.step_e8),
            "limit_price": plain_e8((order.price_ticks or 0) * order.market.tick_e8),
            "number_of_fills": str(len(order.fills)),
            "order_id": self.ids.of_order(order),
            "order_side": order.side.value,
            # The names of REST, in other letters.
            "order_type": order_type(order).replace("_", " ").title(),
            "outstanding_hold_amount": plain_e8(order.reserved_e8),
            "post_only": str(order.post_only).lower(),
            "product_id": self.product_id(order),
            "product_type": "SPOT",
            "reject_reason": "POST_ONLY" if status == "FAILED" else "",
            "retail_portfolio_id": portfolio,
            "risk_managed_by": "UNKNOWN_RISK_MANAGEMENT_TYPE",
            "status": status,
            "stop_price": ""
            if order.stop is None
            else plain_e8(order.stop.price_ticks * order.market.tick_e8),
            "time_in_force": self._time_in_force(order),
            "total_fees": plain_e8(fees_e8(order)),
            "total_value_after_fees": plain_e8(value_after_fees_e8(order)),
            "trigger_status": trigger_status(order),
            "creation_time": time_text(order.placed_us),
            "end_time": NO_TIME if end_us is None else time_text(end_us),
            "start_time": NO_TIME,
        }

    def fill(self, fill: Fill, order: Order, portfolio: str) -> Body:
        name = f"{fill.symbol} {fill.trade_id}"
        return {
            "entry_id": self.ids.make(f"entry {name} {fill.order_id}"),
            "trade_id": self.ids.make(f"trade {name}"),
            "order_id": self.ids.of_order(order),
            "trade_time": time_text(fill.time_us),
            "trade_type": "FILL",
            "price": plain_e8(fill.price_ticks * order.market.tick_e8),
            "size": plain_e8(fill.lots * order.market.step_e8),
            "commission": plain_e8(fill.fee_e8),
            "product_id": self.product_id(order),
            "sequence_timestamp": time_text(fill.time_us),
            "liquidity_indicator": "MAKER" if fill.is_maker else "TAKER",
            "size_in_quote": False,
            "user_id": self.ids.make(f"user {fill.account}"),
            "side": fill.side.value,
            "retail_portfolio_id": portfolio,
        }

    def state_of(self, order: Order) -> str:
        if order.end_reason == OUT_OF_TIME:
            return "EXPIRED"
        return "FAILED" if self.fails_post_only and order.end_reason == WOULD_TAKE else STATES[order.state]

    def product_id(self, order: Order) -> str:
        return self.product_ids.get(order.order_id, f"{order.market.base}-{order.market.quote}")

    def _time_in_force(self, order: Order) -> str:
        if self.expiries.end_us(order.order_id) is not None:
            return "GOOD_UNTIL_DATE_TIME"
        return TIMES_IN_FORCE[order.time_in_force]

    def _current(self, order: Order, configuration: Body) -> Body:
        """An edit changes what the order's configuration says."""
        if "limit_limit_gtc" not in configuration or order.price_ticks is None:
            return configuration
        terms = {
            "base_size": plain_e8(order.lots * order.market.step_e8),
            "limit_price": plain_e8(order.price_ticks * order.market.tick_e8),
            "post_only": order.post_only,
        }
        return {"limit_limit_gtc": terms}


def order_type(order: Order) -> str:
    if order.stop is not None:
        return "STOP_LIMIT"
    return "MARKET" if order.price_ticks is None else "LIMIT"


def trigger_status(order: Order) -> str:
    if order.stop is None:
        return "INVALID_ORDER_TYPE"
    return "STOP_PENDING" if order.waits else "STOP_TRIGGERED"


def fees_e8(order: Order) -> int:
    return sum(fill.fee_e8 for fill in order.fills)


def value_after_fees_e8(order: Order) -> int:
    return order.filled_quote_e8 + (fees_e8(order) if order.side is Side.BUY else -fees_e8(order))


def average_e8(order: Order) -> int:
    base_e8 = order.filled_lots * order.market.step_e8
    return order.filled_quote_e8 * UNIT // base_e8 if base_e8 else 0


def completion(order: Order) -> str:
    return plain_e8(order.filled_lots * 100 * UNIT // order.lots)


def cancel_reason(order: Order) -> str:
    if order.end_reason == OUT_OF_TIME:
        return ""
    if order.state is OrderState.EXPIRED:
        return "Immediate order could not be filled in full"
    if order.state is not OrderState.CANCELED:
        return ""
    return {WOULD_TAKE: "Post only", SELF_TRADE: "Self trade prevention"}.get(
        order.end_reason, "User requested cancel"
    )
