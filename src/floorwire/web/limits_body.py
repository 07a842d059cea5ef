"""The body of a request that sets limits. Its errors are our own sentences: they do not quote a parser."""

from __future__ import annotations

from typing import Final

import msgspec

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits

NO_JSON: Final = "the body is not valid JSON"
NO_OBJECT: Final = "the body is an object: the name of each limit with its value"
MOST_QUOTED: Final = 40
"""Characters of an unknown field that the error message repeats."""
FORMS: Final = {
    "max_order_notional": "an amount as text",
    "max_order_quantity": "an object: for each asset an amount as text",
    "max_open_orders": "a whole number",
    "orders_per_second": "a whole number",
    "max_position": "an object: for each asset an amount as text",
    "price_collar": "a fraction as text",
    "self_trade": "cancel_newest or allow",
}
"""What each limit has to be. Every one may be null, too."""


def read_limits(body: bytes) -> Limits:
    """Return the limits in the body. Raises Refusal: ``bad_json``, ``bad_request``."""
    try:
        return msgspec.json.decode(body, type=Limits)
    except msgspec.ValidationError:
        raise _misfit(body) from None
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise Refusal(Code.BAD_JSON, NO_JSON) from None


def _misfit(body: bytes) -> Refusal:
    """Return which field does not fit, and what it has to be."""
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        return Refusal(Code.BAD_REQUEST, NO_OBJECT)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return Refusal(Code.BAD_JSON, NO_JSON)
    for name, value in fields.items():
        if name not in FORMS:
            shown = name[:MOST_QUOTED]
            return Refusal(Code.BAD_REQUEST, f"{shown}: there is no such limit", {"field": shown})
        if not _fits(name, value):
            return Refusal(Code.BAD_REQUEST, f"{name}: {FORMS[name]}", {"field": name})
    return Refusal(Code.BAD_REQUEST, NO_OBJECT)


def _fits(name: str, value: msgspec.Raw) -> bool:
    try:
        msgspec.json.decode(b'{"%b":%b}' % (name.encode(), bytes(value)), type=Limits)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return False
    return True
