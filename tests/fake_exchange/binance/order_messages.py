"""Binance's answers and events about an order: placed, amended, cancelled, queried, reported."""

from tests.fake_exchange.binance.stops import stop_type
from tests.fake_exchange.market import text_e8
from tests.fake_exchange.orders import NO_MONEY, Order, OrderChanged, OrderState, TimeInForce

Body = dict[str, object]


def order_type(order: Order) -> str:
    """A stop order keeps its type after it was triggered."""
    if order.stop is not None:
        return stop_type(order.side, order.stop, order.price_ticks)
    if order.price_ticks is None:
        return "MARKET"
    return "LIMIT_MAKER" if order.post_only else "LIMIT"


def order_price(order: Order) -> str:
    return order.market.price_text(order.price_ticks or 0)


def stop_price(order: Order) -> str:
    return order.market.price_text(order.stop.price_ticks if order.stop else 0)


def working_ms(order: Order) -> int:
    """Since when it is on the book: -1 if its stop was not reached yet."""
    working_us = order.placed_us if order.stop is None else order.triggered_us
    return -1 if working_us is None else working_us // 1_000


def order_view(order: Order) -> Body:
    """The answer to a query of an order."""
    return _answer(order) | {
        "stopPrice": stop_price(order),
        "icebergQty": "0.00000000",
        "time": order.placed_us // 1_000,
        "updateTime": order.updated_us // 1_000,
        "isWorking": working_ms(order) >= 0,
        "workingTime": working_ms(order),
    }


def placed(order: Order, response_type: str) -> Body:
    ack: Body = {
        "symbol": order.market.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": order.placed_us // 1_000,
    }
    if response_type == "ACK":
        return ack
    result = ack | _answer(order) | {"workingTime": working_ms(order)}
    if response_type == "RESULT":
        return result
    fills = [
        {
            "price": order.market.price_text(fill.price_ticks),
            "qty": order.market.quantity_text(fill.lots),
            "commission": text_e8(fill.fee_e8),
            "commissionAsset": fill.fee_asset,
            "tradeId": fill.trade_id,
        }
        for fill in order.fills
    ]
    return result | {"fills": fills}


def cancelled(order: Order, request_id: str) -> Body:
    """The answer to a cancel has no times of the order."""
    return _answer(order) | {
        "origClientOrderId": order.client_id,
        "clientOrderId": request_id,
        "transactTime": order.updated_us // 1_000,
    }


def amended(order: Order, old_client_id: str) -> Body:
    """Its amounts have other names than those of all other answers."""
    body = _ids(order) | {
        "origClientOrderId": old_client_id,
        "price": order_price(order),
        "qty": order.market.quantity_text(order.lots),
        "executedQty": order.market.quantity_text(order.filled_lots),
        "preventedQty": "0.00000000",
        "quoteOrderQty": text_e8(order.quote_e8 or 0),
        "cumulativeQuoteQty": text_e8(order.filled_quote_e8),
        "workingTime": working_ms(order),
    }
    return body | _kind(order)


def execution_report(changed: OrderChanged, execution_id: int) -> Body:
    order, fill = changed.order, changed.fill
    is_cancel = changed.kind == "CANCELED"
    time_ms = order.updated_us // 1_000
    report: Body = {
        "e": "executionReport",
        "E": time_ms,
        "s": order.market.symbol,
        # In the report of a cancel, c is the cancel's own id and C the order's.
        "c": changed.request_id if is_cancel else order.client_id,
        "S": order.side.value,
        "o": order_type(order),
        "f": order.time_in_force.value,
        "q": order.market.quantity_text(order.lots),
        "p": order_price(order),
        "P": stop_price(order),
        "F": "0.00000000",
        "g": -1,
        "C": order.client_id if is_cancel else "",
        # No execution type is for a trigger alone: the order is new once more, and now on the book.
        "x": "NEW" if changed.kind == "TRIGGERED" else changed.kind,
        "X": order.state.value,
        "r": "NONE",
        "i": order.order_id,
        "l": order.market.quantity_text(fill.lots if fill else 0),
        "z": order.market.quantity_text(order.filled_lots),
        "L": order.market.price_text(fill.price_ticks if fill else 0),
        "n": text_e8(fill.fee_e8) if fill else "0",
        "N": fill.fee_asset if fill else None,
        "T": time_ms,
        "t": fill.trade_id if fill else -1,
        "I": execution_id,
        "w": order.state.is_open and not order.waits,
        "m": bool(fill and fill.is_maker),
        "M": False,
        "O": order.placed_us // 1_000,
        "Z": text_e8(order.filled_quote_e8),
        "Y": text_e8(fill.quote_e8 if fill else 0),
        "Q": text_e8(order.quote_e8 or 0),
        "V": "NONE",
    }
    if working_ms(order) >= 0:
        report["W"] = working_ms(order)
    if order.state is OrderState.EXPIRED:
        report["eR"] = expiry_reason(order)
    return report


def expiry_reason(order: Order) -> str:
    if order.price_ticks is None:
        # Nothing is locked for a stop order that becomes a market buy: its money may be gone at the trigger.
        lacks_money = order.end_reason == NO_MONEY and order.stop is not None
        return "REJECTED" if lacks_money else "INSUFFICIENT_LIQUIDITY"
    if order.time_in_force is TimeInForce.FOK:
        return "UNFILLED_FOK_ORDER_EXPIRED"
    return "UNFILLED_IOC_QUANTITY_EXPIRED"


def _ids(order: Order) -> Body:
    return {
        "symbol": order.market.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
    }


def _kind(order: Order) -> Body:
    kind: Body = {
        "status": order.state.value,
        "timeInForce": order.time_in_force.value,
        "type": order_type(order),
        "side": order.side.value,
        "selfTradePreventionMode": "NONE",
    }
    if order.stop is not None:
        kind["stopPrice"] = stop_price(order)
    if order.state is OrderState.EXPIRED:
        kind["expiryReason"] = expiry_reason(order)
    return kind


def _answer(order: Order) -> Body:
    """What placing, cancelling and querying answer alike."""
    amounts: Body = {
        "price": order_price(order),
        "origQty": order.market.quantity_text(order.lots),
        "executedQty": order.market.quantity_text(order.filled_lots),
        "origQuoteOrderQty": text_e8(order.quote_e8 or 0),
        "cummulativeQuoteQty": text_e8(order.filled_quote_e8),
    }
    return _ids(order) | amounts | _kind(order)
