"""Kraken's terms of an order, of REST's form and of the WebSocket's JSON, checked as the exchange does."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tests.fake_exchange.kraken.errors import UNKNOWN_PAIR, KrakenError, invalid
from tests.fake_exchange.kraken.names import KrakenNames
from tests.fake_exchange.kraken.number_texts import decimals_of, parse_rfc3339_us
from tests.fake_exchange.market import Market, parse_e8
from tests.fake_exchange.orders import SelfTrade, Side, Stop, TimeInForce

# A UUID with dashes, 32 hexadecimal digits, or free text of at most 18 characters.
CLIENT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}|[ -~]{1,18}")
SELF_TRADE = {
    "cancel_newest": SelfTrade.CANCEL_TAKER,
    "cancel_oldest": SelfTrade.CANCEL_MAKER,
    "cancel_both": SelfTrade.CANCEL_BOTH,
}
LIMITED = ("limit", "stop-loss-limit")
STOPS = ("stop-loss", "stop-loss-limit")
DEADLINE_US = (500_000, 60_000_000)

WS_ORDER = frozenset(
    {"order_type", "side", "order_qty", "cash_order_qty", "symbol", "limit_price", "time_in_force"}
    | {"expire_time", "post_only", "cl_ord_id", "order_userref", "stp_type", "deadline", "validate", "token"}
    | {"fee_preference", "sender_sub_id", "asset_class", "triggers"}
)
WS_AMEND = frozenset(
    {"order_id", "cl_ord_id", "order_qty", "limit_price", "post_only", "deadline", "symbol", "token"}
)
REST_ORDER = {
    "pair": "symbol",
    "type": "side",
    "ordertype": "order_type",
    "volume": "order_qty",
    "price": "limit_price",
    "price2": "limit_price",
    "trigger": "triggers",
    "timeinforce": "time_in_force",
    "expiretm": "expire_time",
    "stptype": "stp_type",
    "cl_ord_id": "cl_ord_id",
    "userref": "order_userref",
    "deadline": "deadline",
    "validate": "validate",
    "oflags": "oflags",
}
REST_AMEND = frozenset({"txid", "cl_ord_id", "order_qty", "limit_price", "post_only", "deadline", "pair"})


@dataclass(frozen=True)
class Terms:
    """An order as it was sent, still in texts."""

    market: Market
    order_type: str
    side: str
    quantity: str | None
    cash_quantity: str | None = None
    price: str | None = None
    time_in_force: str = "gtc"
    post_only: bool = False
    client_id: str = ""
    user_ref: int = 0
    self_trade: str = "cancel_newest"
    deadline: str | None = None
    expires: str | None = None  # RFC 3339 on the WebSocket, seconds at REST
    is_trial: bool = False  # `validate`: checked and not placed
    may_fill_or_kill: bool = False
    stop_price: str | None = None
    reference: str = "last"


@dataclass(frozen=True)
class NewOrder:
    market: Market
    side: Side
    lots: int
    price_ticks: int | None
    time_in_force: TimeInForce
    self_trade: SelfTrade
    quote_e8: int | None
    end_us: int | None
    terms: Terms
    stop: Stop | None


@dataclass(frozen=True)
class Amendment:
    quantity: str | None
    price: str | None
    post_only: bool
    deadline: str | None


def ws_terms(params: Mapping[str, object], names: KrakenNames) -> Terms:
    refuse_unknown(params, WS_ORDER, "add order")
    symbol = _text(params, "symbol")
    market = names.by_symbol(symbol)
    if market is None:
        raise KrakenError(f"Currency pair not supported {symbol}")
    stop_price, reference = _triggers(params)
    return Terms(
        market,
        _text(params, "order_type"),
        _text(params, "side"),
        number_text(params, "order_qty"),
        number_text(params, "cash_order_qty"),
        number_text(params, "limit_price"),
        _text(params, "time_in_force", "gtc").lower(),
        flag(params, "post_only"),
        _text(params, "cl_ord_id", ""),
        _whole(params, "order_userref"),
        _text(params, "stp_type", "cancel_newest"),
        _text(params, "deadline") if "deadline" in params else None,
        _text(params, "expire_time") if "expire_time" in params else None,
        flag(params, "validate"),
        stop_price=stop_price,
        reference=reference,
    )


def _triggers(params: Mapping[str, object]) -> tuple[str | None, str]:
    """Kraken: the price of a trigger, and which price has to reach it. A relative price is not had here."""
    triggers = params.get("triggers")
    if triggers is None:
        return None, "last"
    if not isinstance(triggers, dict):
        raise KrakenError("Field 'triggers' must be an object")
    refuse_unknown(triggers, frozenset({"price", "price_type", "reference"}), "add order")
    if _text(triggers, "price_type", "static") != "static":
        raise invalid("triggers.price_type")
    price = number_text(triggers, "price")
    if price is None:
        raise KrakenError("Missing field: 'price'")
    return price, _text(triggers, "reference", "last")


def ws_amendment(params: Mapping[str, object]) -> Amendment:
    refuse_unknown(params, WS_AMEND, "amend order")
    deadline = _text(params, "deadline") if "deadline" in params else None
    return Amendment(
        number_text(params, "order_qty"),
        number_text(params, "limit_price"),
        flag(params, "post_only"),
        deadline,
    )


def rest_terms(form: Mapping[str, str], names: KrakenNames) -> Terms:
    if set(form) - set(REST_ORDER):
        raise invalid(min(set(form) - set(REST_ORDER)))
    market = names.by_pair(form.get("pair", ""))
    if market is None:
        raise KrakenError(UNKNOWN_PAIR)
    flags = [name for name in form.get("oflags", "").split(",") if name]
    if set(flags) - {"post", "fciq", "viqc"}:
        raise invalid("oflags")
    reference = form.get("userref", "0")
    if not re.fullmatch(r"-?[0-9]{1,10}", reference):
        raise invalid("userref")
    by_value = "viqc" in flags
    is_stop = form.get("ordertype") in STOPS
    # Kraken: the price of a stop order is that of its trigger, and price2 is its limit.
    if not is_stop and ("price2" in form or "trigger" in form):
        raise invalid("price2")
    return Terms(
        market,
        form.get("ordertype", ""),
        form.get("type", ""),
        None if by_value else form.get("volume"),
        form.get("volume") if by_value else None,
        form.get("price2" if is_stop else "price"),
        form.get("timeinforce", "GTC").lower(),
        "post" in flags,
        form.get("cl_ord_id", ""),
        int(reference),
        form.get("stptype", "cancel-newest").replace("-", "_"),
        form.get("deadline"),
        form.get("expiretm"),
        rest_flag(form, "validate"),
        may_fill_or_kill=not is_stop,
        stop_price=form.get("price") if is_stop else None,
        reference=form.get("trigger", "last"),
    )


def rest_amendment(form: Mapping[str, str]) -> Amendment:
    if set(form) - REST_AMEND:
        raise invalid(min(set(form) - REST_AMEND))
    post_only = rest_flag(form, "post_only")
    return Amendment(form.get("order_qty"), form.get("limit_price"), post_only, form.get("deadline"))


def check_order(terms: Terms, now_us: int, lots_for: Callable[[str, Side, int], int]) -> NewOrder:
    """Refuse what Kraken refuses before its engine sees it."""
    market = terms.market
    if terms.side not in ("buy", "sell"):
        raise invalid("side")
    is_stop = terms.order_type in STOPS
    if terms.order_type not in ("limit", "market", *STOPS):
        raise invalid("ordertype")
    # The exchange has an index price too; here there is none.
    if is_stop != (terms.stop_price is not None) or terms.reference != "last":
        raise invalid("triggers")
    if terms.client_id and (not CLIENT_ID.fullmatch(terms.client_id) or terms.user_ref):
        raise invalid("cl_ord_id")
    if terms.self_trade not in SELF_TRADE:
        raise invalid("stp_type")
    if terms.time_in_force not in ("gtc", "gtd", "ioc", "fok"):
        raise invalid("timeinforce")
    if terms.time_in_force == "fok" and not terms.may_fill_or_kill:
        raise invalid("time_in_force")
    is_limit = terms.order_type in LIMITED
    if is_limit != (terms.price is not None) or (terms.post_only and (not is_limit or is_stop)):
        raise invalid("price" if is_limit or terms.price is not None else "post_only")
    if terms.post_only and terms.time_in_force not in ("gtc", "gtd"):
        raise invalid("post_only")
    if (terms.time_in_force == "gtd") != (terms.expires is not None):
        raise invalid("expire_time")
    check_deadline(terms.deadline, now_us)
    side = Side(terms.side.upper())
    price_ticks = None if terms.price is None else price_ticks_of(market, terms.price)
    quote_e8 = None
    if terms.cash_quantity is not None:
        if is_limit or is_stop or side is Side.SELL or terms.quantity is not None:
            raise invalid("cash_order_qty")
        quote_e8 = parse_e8(terms.cash_quantity)
        if not quote_e8:
            raise invalid("cash_order_qty")
        lots = lots_for(market.symbol, side, quote_e8)
    else:
        lots = lots_of(market, terms.quantity)
    return NewOrder(
        market,
        side,
        lots,
        price_ticks,
        TimeInForce.GTC if terms.expires else TimeInForce(terms.time_in_force.upper()),
        SELF_TRADE[terms.self_trade],
        quote_e8,
        None if terms.expires is None else _end_us(terms.expires, now_us),
        terms,
        None
        if terms.stop_price is None
        else Stop(price_ticks_of(market, terms.stop_price), side is Side.BUY),
    )


def check_deadline(deadline: str | None, now_us: int) -> None:
    if deadline is None:
        return
    deadline_us = parse_rfc3339_us(deadline)
    if deadline_us is None:
        raise invalid("deadline")
    if deadline_us <= now_us:
        raise KrakenError("EService:Deadline elapsed")
    least_us, most_us = DEADLINE_US
    if not least_us <= deadline_us - now_us <= most_us:
        raise invalid("deadline")


def _end_us(text: str, now_us: int) -> int:
    """REST takes seconds, from now on with a plus sign."""
    if re.fullmatch(r"\+?[0-9]{1,12}", text):
        end_us = int(text) * 1_000_000 + (now_us if text.startswith("+") else 0)
    else:
        end_us = parse_rfc3339_us(text) or 0
    if end_us <= now_us:
        raise invalid("expire_time")
    return end_us


def price_ticks_of(market: Market, text: str) -> int:
    price_e8 = parse_e8(text)
    if not price_e8:
        raise KrakenError("EOrder:Invalid price")
    if len(text.partition(".")[2].rstrip("0")) > decimals_of(market.tick_e8):
        decimals = decimals_of(market.tick_e8)
        raise KrakenError(f"EOrder:Invalid price:price can only be specified up to {decimals} decimals.")
    if price_e8 % market.tick_e8:
        raise KrakenError("EOrder:Tick size check failed")
    return price_e8 // market.tick_e8


def lots_of(market: Market, text: str | None) -> int:
    quantity_e8 = None if text is None else parse_e8(text)
    if quantity_e8 is None or quantity_e8 % market.step_e8:
        raise invalid("volume")
    lots = quantity_e8 // market.step_e8
    if lots > market.max_lots:
        raise invalid("volume")
    return lots


def check_minimums(market: Market, lots: int, price_ticks: int) -> None:
    if lots < market.min_lots:
        raise KrakenError("EOrder:Order minimum not met")
    if market.notional_e8(price_ticks, lots) < market.min_notional_e8:
        raise KrakenError("EOrder:Cost minimum not met")


def refuse_unknown(params: Mapping[str, object], known: frozenset[str], kind: str) -> None:
    for name in params:
        if name not in known:
            raise KrakenError(f"Unsupported field: '{name}' for the given msg type: {kind}")


def number_text(params: Mapping[str, object], name: str) -> str | None:
    """The digits of a JSON number. Kraken's WebSocket takes no number in quotes."""
    value = params.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise KrakenError(f"Field '{name}' must be a number")
    return format(Decimal(value), "f")


def flag(params: Mapping[str, object], name: str) -> bool:
    value = params.get(name, False)
    if not isinstance(value, bool):
        raise KrakenError(f"Field '{name}' must be a boolean")
    return value


def rest_flag(form: Mapping[str, str], name: str) -> bool:
    value = form.get(name, "false").lower()
    if value not in ("true", "false", "1", "0"):
        raise invalid(name)
    return value in ("true", "1")


def _text(params: Mapping[str, object], name: str, default: str | None = None) -> str:
    value = params.get(name, default)
    if not isinstance(value, str):
        raise KrakenError(
            f"Field '{name}' must be a string" if name in params else f"Missing field: '{name}'"
        )
    return value


def _whole(params: Mapping[str, object], name: str) -> int:
    value = params.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int):
        raise KrakenError(f"Field '{name}' must be an integer")
    return value
