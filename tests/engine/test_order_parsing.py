from __future__ import annotations

import pytest
from msgspec import UNSET

from floorwire.core.codes import Code
from floorwire.core.orders import OrderTicket, OrderType, TimeInForce
from floorwire.core.refusal import Refusal
from floorwire.engine import order_parsing
from floorwire.engine.instrument_units import InstrumentUnits
from floorwire.protocol.trading_requests import OrderPlace
from tests.engine.market import BTC

TERMS = InstrumentUnits.of(BTC, 8, 8)


def parse(
    type: OrderType = "limit",
    side: str = "buy",
    quantity: str | None = "0.02",
    price: str | None = "100.5",
    stop_price: str | None = None,
    time_in_force: TimeInForce | None = None,
    client_order_id: str = "a-1",
    quote_quantity: str | None = None,
    expires_us: int | None = None,
    post_only: bool = False,
) -> OrderTicket:
    request = OrderPlace(
        client_order_id=client_order_id,
        symbol=BTC.symbol,
        side="buy" if side == "buy" else "sell",
        type=type,
        quantity=UNSET if quantity is None else quantity,
        quote_quantity=UNSET if quote_quantity is None else quote_quantity,
        price=UNSET if price is None else price,
        stop_price=UNSET if stop_price is None else stop_price,
        time_in_force=UNSET if time_in_force is None else time_in_force,
        expires=UNSET if expires_us is None else expires_us,
        post_only=post_only,
    )
    return order_parsing.parse_order(TERMS, "ann", request)


def refused(**given: object) -> tuple[Code, object]:
    with pytest.raises(Refusal) as caught:
        parse(**given)  # type: ignore[arg-type]
    return caught.value.code, caught.value.details["field"]


def test_texts_become_ticks_and_lots() -> None:
    assert parse() == OrderTicket("ann", "a-1", "BTC-USDT", "buy", "limit", 2, None, 201)
    assert parse(quantity="0.0200", price="100.50") == parse()
    stop = parse("stop", quantity="1", price=None, stop_price="99")
    assert (stop.stop_ticks, stop.price_ticks, stop.time_in_force) == (198, None, "ioc")
    spent = parse("market", quantity=None, quote_quantity="10.0075", price=None)
    assert (spent.lots, spent.spend) == (None, 2001)  # what is finer than tick x lot is not spent
    assert parse(time_in_force="gtd", expires_us=9).expires_us == 9
    assert parse("stop_limit", stop_price="99", post_only=True).post_only


def test_what_does_not_fit_is_refused_by_field() -> None:
    assert refused(quantity="0.025") == (Code.LOT_SIZE, "quantity")
    assert refused(price="100.3") == (Code.TICK_SIZE, "price")
    assert refused(type="stop_limit", stop_price="1.1") == (Code.TICK_SIZE, "stop_price")
    for field, given in (
        ("quantity", {"quantity": "1e5"}),
        ("quantity", {"quantity": "0"}),
        ("quantity", {"quantity": "-1"}),
        ("quantity", {"quantity": "1000000000000000"}),
        ("quantity", {"quantity": None}),
        ("quantity", {"type": "market", "price": None, "quote_quantity": "5"}),
        ("quote_quantity", {"quote_quantity": "5"}),
        ("quote_quantity", {"type": "market", "side": "sell", "price": None, "quote_quantity": "5"}),
        ("quote_quantity", {"type": "market", "quantity": None, "price": None, "quote_quantity": "x"}),
        ("price", {"price": "0"}),
        ("price", {"price": None}),
        ("price", {"type": "market"}),
        ("stop_price", {"stop_price": "5"}),
        ("stop_price", {"type": "stop", "price": None}),
        ("time_in_force", {"type": "market", "price": None, "time_in_force": "gtc"}),
        (
            "time_in_force",
            {
                "type": "market",
                "quantity": None,
                "price": None,
                "quote_quantity": "5",
                "time_in_force": "fok",
            },
        ),
        ("expires", {"time_in_force": "gtd"}),
        ("expires", {"expires_us": 5}),
        ("post_only", {"post_only": True, "time_in_force": "ioc"}),
        ("client_order_id", {"client_order_id": ""}),
        ("client_order_id", {"client_order_id": "a b"}),
        ("client_order_id", {"client_order_id": "a" * 37}),
    ):
        assert refused(**given) == (Code.BAD_REQUEST, field), given


@pytest.mark.parametrize(
    ("expires_us", "tif", "said"),
    [
        (None, "gtd", "expires: is needed by gtd orders"),
        (5, "gtc", "expires: does not go with gtc, only with gtd"),
    ],
)
def test_a_date_and_gtd_say_which_of_them_lacks_the_other(
    expires_us: int | None, tif: TimeInForce, said: str
) -> None:
    with pytest.raises(Refusal) as caught:
        parse(time_in_force=tif, expires_us=expires_us)
    assert caught.value.message == said
