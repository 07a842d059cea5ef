"""Order parsing: turn a client's decimal texts into a ticket of whole ticks and lots, or refuse them.

This is check 3 of the list in ``order_checks``.
"""

from __future__ import annotations

import re
from typing import NoReturn, TypeVar

from msgspec import UNSET, UnsetType

from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument
from floorwire.core.orders import OrderTicket, OrderType
from floorwire.core.refusal import Refusal
from floorwire.core.units import InexactError, Scale
from floorwire.engine.instrument_units import InstrumentUnits
from floorwire.protocol.trading_requests import OrderPlace

CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9._-]{1,36}")
ValueT = TypeVar("ValueT")
MOST = 1 << 53
"""Ticks and lots of one order are below this. Then their products fit into the ledger's integers."""


def parse_order(instrument_units: InstrumentUnits, account: str, request: OrderPlace) -> OrderTicket:
    """Return the ticket that the request describes.

    Raises Refusal: ``bad_request``, ``tick_size``, ``lot_size``.
    """
    client_order_id, side = request.client_order_id, request.side
    type = "limit" if request.type is UNSET else request.type
    quantity, quote_quantity = _given(request.quantity), _given(request.quote_quantity)
    price, stop_price = _given(request.price), _given(request.stop_price)
    time_in_force, expires_us = request.time_in_force, _given(request.expires)
    post_only = request.post_only is True
    if not CLIENT_ORDER_ID.fullmatch(client_order_id):
        raise _bad("client_order_id", "takes 1 to 36 of A-Z a-z 0-9 . _ -")
    is_limit = type == "limit" or type == "stop_limit"
    if (price is not None) is not is_limit:
        _needs("price", is_limit, type)
    if (stop_price is not None) is not (type == "stop" or type == "stop_limit"):
        _needs("stop_price", stop_price is None, type)
    if quantity is None or quote_quantity is not None:
        _needs_one_quantity(quantity, quote_quantity, takes_quote=type == "market" and side == "buy")
    tif = ("gtc" if is_limit else "ioc") if time_in_force is UNSET else time_in_force
    if not is_limit and tif not in ("ioc", "fok"):
        raise _bad("time_in_force", f"{tif}: {type} orders never rest")
    if quote_quantity is not None and tif == "fok":
        raise _bad("time_in_force", "fok goes with a quantity")
    if (expires_us is None) is (tif == "gtd"):
        raise _bad(
            "expires", "is needed by gtd orders" if tif == "gtd" else f"does not go with {tif}, only with gtd"
        )
    if post_only and tif not in ("gtc", "gtd"):
        raise _bad("post_only", f"{tif} orders cannot rest")
    return OrderTicket(
        account=account,
        client_order_id=client_order_id,
        symbol=instrument_units.instrument.symbol,
        side=side,
        type=type,
        lots=None if quantity is None else lots(instrument_units.instrument, quantity),
        spend=None if quote_quantity is None else _spend(instrument_units.turnover, quote_quantity),
        price_ticks=None if price is None else ticks(instrument_units.instrument, "price", price),
        stop_ticks=None
        if stop_price is None
        else ticks(instrument_units.instrument, "stop_price", stop_price),
        time_in_force=tif,
        expires_us=expires_us,
        post_only=post_only,
        reduce_only=request.reduce_only is True,
    )


def _given(value: ValueT | UnsetType) -> ValueT | None:
    return None if value is UNSET else value


def ticks(instrument: Instrument, field: str, text: str) -> int:
    """Return the decimal text of a price in ticks. Raises Refusal: ``bad_request``, ``tick_size``."""
    return _steps(instrument.price, field, text, Code.TICK_SIZE)


def lots(instrument: Instrument, text: str) -> int:
    """Return the decimal text of a quantity in lots. Raises Refusal: ``bad_request``, ``lot_size``."""
    return _steps(instrument.size, "quantity", text, Code.LOT_SIZE)


def _steps(scale: Scale, field: str, text: str, code: Code) -> int:
    try:
        steps = scale.parse(text)
    except InexactError:
        try:
            scale.floor(text)
        except InexactError:
            raise _bad(field, f"{text[:40]!r} is not a decimal") from None
        raise Refusal(
            code, f"{field} {text} is not a whole number of {scale}", {"field": field, "step": str(scale)}
        ) from None
    return steps if 0 < steps < MOST else _within(field, steps, text)


def _spend(scale: Scale, text: str) -> int:
    try:
        return _within("quote_quantity", scale.floor(text), text)
    except InexactError:
        raise _bad("quote_quantity", f"{text[:40]!r} is not a decimal") from None


def _within(field: str, steps: int, text: str) -> int:
    if not 0 < steps < MOST:
        raise _bad(field, f"{text} is too {'large' if steps > 0 else 'small'}")
    return steps


def _needs(field: str, needed: bool, type: OrderType) -> NoReturn:
    raise _bad(field, f"{'is needed by' if needed else 'does not go with'} {type} orders")


def _needs_one_quantity(quantity: str | None, quote_quantity: str | None, takes_quote: bool) -> None:
    if quote_quantity is not None and not takes_quote:
        raise _bad("quote_quantity", "goes with market buys only")
    if quantity is None and quote_quantity is None:
        raise _bad("quantity", "give it" + (", or quote_quantity" if takes_quote else ""))
    if quantity is not None and quote_quantity is not None:
        raise _bad("quantity", "give it or quote_quantity, not both")


def _bad(field: str, message: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, f"{field}: {message}", {"field": field})
