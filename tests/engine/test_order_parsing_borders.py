"""Tickets at their edges: the largest and the smallest, every way in which fields do not go together."""

from __future__ import annotations

import pytest

from floorwire.core.codes import Code
from floorwire.core.orders import OrderTicket
from floorwire.core.refusal import Refusal
from floorwire.engine.instrument_units import InstrumentUnits
from floorwire.engine.order_parsing import MOST, parse_order
from floorwire.protocol.trading_requests import OrderPlace
from tests.engine.market import BTC

TERMS = InstrumentUnits.of(BTC, 8, 8)
LIMIT = {"type": "limit", "quantity": "0.10", "price": "95.0"}
MARKET = {"type": "market", "quantity": "0.10"}
STOP = {"type": "stop", "quantity": "0.10", "stop_price": "90.0"}
STOP_LIMIT = {"type": "stop_limit", "quantity": "0.10", "price": "95.0", "stop_price": "90.0"}
SPEND = {"type": "market", "quote_quantity": "20"}


def ticket(asked: dict[str, str], **more: object) -> OrderTicket:
    fields = {"client_order_id": "1", "symbol": BTC.symbol, "side": "buy", **asked, **more}
    return parse_order(TERMS, "ann", OrderPlace(**fields))  # type: ignore[arg-type]


def refused(asked: dict[str, str], **more: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        ticket(asked, **more)
    return caught.value


def test_what_is_not_said_is_not_asked_for() -> None:
    plain = ticket(LIMIT)
    assert (plain.post_only, plain.reduce_only, plain.expires_us) == (False, False, None)
    assert (plain.lots, plain.price_ticks, plain.time_in_force) == (10, 190, "gtc")
    assert ticket(MARKET).time_in_force == "ioc"
    asked = ticket(LIMIT, post_only=True, reduce_only=True, time_in_force="gtd", expires=5)
    assert (asked.post_only, asked.reduce_only, asked.expires_us) == (True, True, 5)


@pytest.mark.parametrize("tif", ["gtc", "ioc", "fok"])
def test_a_limit_order_takes_each_time_in_force(tif: str) -> None:
    assert ticket(LIMIT, time_in_force=tif).time_in_force == tif


@pytest.mark.parametrize("asked", [MARKET, STOP])
def test_orders_that_never_rest_are_ioc_or_fok(asked: dict[str, str]) -> None:
    for tif in ("ioc", "fok"):
        assert ticket(asked, time_in_force=tif).time_in_force == tif
    for tif, expires_us in (("gtc", None), ("gtd", 5)):
        refusal = refused(asked, time_in_force=tif, expires=expires_us)
        assert refusal.details == {"field": "time_in_force"}


@pytest.mark.parametrize(
    ("asked", "field", "message"),
    [
        ({**MARKET, "price": "95.0"}, "price", "price: does not go with market orders"),
        ({"type": "limit", "quantity": "0.10"}, "price", "price: is needed by limit orders"),
        ({**LIMIT, "stop_price": "90.0"}, "stop_price", "stop_price: does not go with limit orders"),
        ({**MARKET, "type": "stop"}, "stop_price", "stop_price: is needed by stop orders"),
        ({**LIMIT, "type": "stop_limit"}, "stop_price", "stop_price: is needed by stop_limit orders"),
        ({**SPEND, "side": "sell"}, "quote_quantity", "quote_quantity: goes with market buys only"),
        ({**LIMIT, "quote_quantity": "20"}, "quote_quantity", "quote_quantity: goes with market buys only"),
        ({**SPEND, "quantity": "0.10"}, "quantity", "quantity: give it or quote_quantity, not both"),
        ({"type": "market"}, "quantity", "quantity: give it, or quote_quantity"),
        ({"type": "market", "side": "sell"}, "quantity", "quantity: give it"),
        ({"type": "limit", "price": "95.0"}, "quantity", "quantity: give it"),
        ({**SPEND, "time_in_force": "fok"}, "time_in_force", "time_in_force: fok goes with a quantity"),
        ({**LIMIT, "time_in_force": "gtd"}, "expires", "expires: is needed by gtd orders"),
    ],
)
def test_fields_that_do_not_go_together(asked: dict[str, str], field: str, message: str) -> None:
    refusal = refused(asked)
    assert (refusal.code, refusal.message) == (Code.BAD_REQUEST, message)
    assert refusal.details == {"field": field}


@pytest.mark.parametrize("tif", ["gtc", "ioc", "fok"])
def test_only_gtd_orders_expire(tif: str) -> None:
    assert refused(LIMIT, time_in_force=tif, expires=5).details == {"field": "expires"}


@pytest.mark.parametrize("tif", ["ioc", "fok"])
def test_what_cannot_rest_is_not_post_only(tif: str) -> None:
    assert refused(LIMIT, time_in_force=tif, post_only=True).details == {"field": "post_only"}


@pytest.mark.parametrize("name", ["", "a" * 37, "a b", "é", "a/b", "a\n"])
def test_client_order_ids_have_an_alphabet_and_a_length(name: str) -> None:
    assert refused(LIMIT, client_order_id=name).details == {"field": "client_order_id"}


def test_the_smallest_and_the_largest_are_taken_and_the_next_are_not() -> None:
    assert ticket({**LIMIT, "quantity": "0.01", "price": "0.5"}).lots == 1
    assert ticket({**LIMIT, "price": "0.5"}).price_ticks == 1
    assert ticket({**LIMIT, "quantity": BTC.size.format(MOST - 1)}).lots == MOST - 1
    assert ticket({**SPEND, "quote_quantity": TERMS.turnover.format(1)}).spend == 1
    assert ticket({**SPEND, "quote_quantity": TERMS.turnover.format(MOST - 1)}).spend == MOST - 1
    for field, text, size in (
        ("quantity", "0.00", "small"),
        ("quantity", "-0.01", "small"),
        ("quantity", BTC.size.format(MOST), "large"),
        ("price", "0.0", "small"),
        ("price", BTC.price.format(MOST), "large"),
    ):
        refusal = refused({**LIMIT, field: text})
        assert (refusal.code, refusal.message) == (Code.BAD_REQUEST, f"{field}: {text} is too {size}")
        assert refusal.details == {"field": field}
    for text, size in (("0", "small"), ("0.0049", "small"), (TERMS.turnover.format(MOST), "large")):
        refusal = refused({**SPEND, "quote_quantity": text})
        assert refusal.message == f"quote_quantity: {text} is too {size}"
        assert refusal.details == {"field": "quote_quantity"}


def test_what_is_no_whole_number_of_steps_names_the_step() -> None:
    for field, text, code, step in (
        ("price", "95.3", Code.TICK_SIZE, "0.5"),
        ("quantity", "0.105", Code.LOT_SIZE, "0.01"),
    ):
        refusal = refused({**LIMIT, field: text})
        assert (refusal.code, refusal.details) == (code, {"field": field, "step": step})


@pytest.mark.parametrize(
    ("asked", "field"), [(LIMIT, "price"), (LIMIT, "quantity"), (SPEND, "quote_quantity")]
)
def test_what_is_no_decimal_is_said_back_in_part(asked: dict[str, str], field: str) -> None:
    refusal = refused({**asked, field: "x" * 50})
    assert (refusal.code, refusal.details) == (Code.BAD_REQUEST, {"field": field})
    assert refusal.message == f"{field}: '{'x' * 40}' is not a decimal"
