"""What a refusal of Binance proves about an order.

Source: github.com/binance/binance-spot-api-docs, errors.md, and the status codes of web-socket-api.md.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from floorwire.core.codes import Code

Outcome: TypeAlias = Literal["rejected", "unknown"]

DUPLICATE = "Duplicate order sent."
UNKNOWN_ORDER = "Unknown order sent."
TOO_MANY_REQUESTS = -1003
TOO_MANY_ORDERS = -1015
SERVER_BUSY = -1008
BAD_TIMESTAMP = -1021
NEW_ORDER_REJECTED = -2010
CANCEL_REJECTED = -2011
NO_SUCH_ORDER = -2013
KEY_REFUSED = -2015
ORDER_ARCHIVED = -2026
SUBSCRIPTION_ACTIVE = -2035
AMEND_REJECTED = -2038

CODES: dict[int, Code] = {
    -1002: Code.VENUE_REJECTED,
    TOO_MANY_REQUESTS: Code.RATE_LIMITED,
    -1013: Code.VENUE_REJECTED,  # "The request didn't reach the Matching Engine."
    -1014: Code.VENUE_REJECTED,
    TOO_MANY_ORDERS: Code.RATE_LIMITED,
    -1016: Code.VENUE_UNAVAILABLE,
    -1020: Code.VENUE_REJECTED,
    BAD_TIMESTAMP: Code.VENUE_UNAVAILABLE,
    -1022: Code.VENUE_REJECTED,
    NEW_ORDER_REJECTED: Code.VENUE_REJECTED,
    AMEND_REJECTED: Code.VENUE_REJECTED,
    -2014: Code.VENUE_REJECTED,
    KEY_REFUSED: Code.VENUE_REJECTED,
}
"""Codes that prove that nothing was done, besides those of -1100 to -1199.

Not among them: -1000, -1001, -1006 and -1007 prove nothing. -1008 (overloaded) most likely means that nothing
was done; the order is looked up.
"""
BAD_PARAMETERS = range(-1199, -1099)
STATUSES: dict[int, Code] = {
    401: Code.VENUE_REJECTED,
    403: Code.VENUE_REJECTED,  # its firewall
    418: Code.RATE_LIMITED,
    429: Code.RATE_LIMITED,
}
"""Statuses that prove it, whatever the code is."""
TEXTS: dict[str, Code] = {
    "Account has insufficient balance for requested action.": Code.INSUFFICIENT_BALANCE,
    "Order would immediately match and take.": Code.POST_ONLY_WOULD_CROSS,
    "Market is closed.": Code.MARKET_HALTED,
    "Filter failure: PRICE_FILTER": Code.TICK_SIZE,
    "Filter failure: PERCENT_PRICE": Code.PRICE_BAND,
    "Filter failure: PERCENT_PRICE_BY_SIDE": Code.PRICE_BAND,
    "Filter failure: LOT_SIZE": Code.LOT_SIZE,
    "Filter failure: MARKET_LOT_SIZE": Code.LOT_SIZE,
    "Filter failure: MIN_NOTIONAL": Code.MIN_NOTIONAL,
    "Filter failure: NOTIONAL": Code.MIN_NOTIONAL,
    "Filter failure: MAX_POSITION": Code.POSITION_LIMIT,
    "Filter failure: MAX_NUM_ORDERS": Code.MAX_OPEN_ORDERS,
    "Filter failure: MAX_NUM_ALGO_ORDERS": Code.MAX_OPEN_ORDERS,
    "Filter failure: EXCHANGE_MAX_NUM_ORDERS": Code.MAX_OPEN_ORDERS,
    "Filter failure: EXCHANGE_MAX_NUM_ALGO_ORDERS": Code.MAX_OPEN_ORDERS,
}


def outcome(status: int, code: int, text: str) -> tuple[Outcome, Code]:
    """Return what a failed request to place or amend proves, and why it failed."""
    # An order with this id is open: perhaps this one.
    if code == NEW_ORDER_REJECTED and text == DUPLICATE:
        return "unknown", Code.VENUE_REJECTED
    if status in STATUSES:
        return "rejected", STATUSES[status]
    if not 400 <= status < 500 or status == 409:  # 409: a part was done
        return "unknown", Code.VENUE_UNAVAILABLE
    if code in CODES or code in BAD_PARAMETERS:
        return "rejected", TEXTS.get(text, CODES.get(code, Code.VENUE_REJECTED))
    return "unknown", Code.VENUE_REJECTED


def is_rate_limit(status: int, code: int) -> bool:
    """Return whether the request failed because there were too many."""
    return status in {418, 429} or code in {TOO_MANY_REQUESTS, TOO_MANY_ORDERS}


def may_be_sent_again(status: int, code: int) -> bool:
    """Return whether a cancel or a read that failed so is worth another try, after a wait."""
    return is_rate_limit(status, code) or code in {BAD_TIMESTAMP, SERVER_BUSY}
