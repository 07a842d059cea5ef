"""The fake Coinbase over real sockets, by a client of the libraries alone: keys, orders, limits."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.fake_exchange.coinbase import FakeCoinbase, default_markets
from tests.fake_exchange.coinbase.client import ROOT, Body, RestClient, rest, rows, token, user_socket
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running

LIMIT: Body = {"base_size": "0.001", "limit_price": "50000"}


@pytest.fixture
async def fake() -> AsyncIterator[FakeCoinbase]:
    exchange = FakeCoinbase(default_markets())
    exchange.core.deposit("first", "USD", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    exchange.core.deposit("second", "USD", 100 * UNIT)
    SeededFlow(exchange.core, "BTCUSD", 6_000_000).fill_book()
    async with running(exchange):
        yield exchange


def order(client_id: str, side: str = "BUY", product_id: str = "BTC-USD", **configuration: object) -> Body:
    configuration = configuration or {"limit_limit_gtc": LIMIT}
    return {
        "client_order_id": client_id,
        "product_id": product_id,
        "side": side,
        "order_configuration": configuration,
    }


async def place(client: RestClient, body: Body) -> str:
    answer = await client.post("orders", **body)
    assert answer["success"], answer
    response = answer["success_response"]
    assert isinstance(response, dict)
    return str(response["order_id"])


async def failure(client: RestClient, body: Body) -> str:
    """The first reason that is not unknown."""
    answer = await client.post("orders", **body)
    assert answer["success"] is False
    response = answer["error_response"]
    assert isinstance(response, dict)
    names = ("error", "preview_failure_reason", "new_order_failure_reason")
    return next(str(response[name]) for name in names if not response[name].startswith("UNKNOWN_"))


async def status(client: RestClient, order_id: str) -> Body:
    view = (await client.get(f"orders/historical/{order_id}"))["order"]
    assert isinstance(view, dict)
    return view


async def test_an_order_is_placed_edited_cancelled_and_queried(fake: FakeCoinbase) -> None:
    async with rest(fake) as client:
        order_id = await place(client, order("one"))
        (view,) = rows(await client.get("orders/historical/batch", order_status="OPEN"), "orders")
        assert (view["order_id"], view["client_order_id"]) == (order_id, "one")
        assert (view["outstanding_hold_amount"], view["completion_percentage"]) == ("50.05", "0")
        edited = await client.post("orders/edit", order_id=order_id, size="0.002", price="50001")
        assert edited == {"success": True, "errors": []}
        assert (await status(client, order_id))["order_configuration"] == {
            "limit_limit_gtc": {"base_size": "0.002", "limit_price": "50001", "post_only": False}
        }
        cancelled = await client.post("orders/batch_cancel", order_ids=[order_id, "unknown"])
        results = rows(cancelled, "results")
        assert [result["success"] for result in results] == [True, False]
        assert results[1]["failure_reason"] == "UNKNOWN_CANCEL_ORDER"
        assert (await status(client, order_id))["status"] == "CANCELLED"
        again = rows(await client.post("orders/batch_cancel", order_ids=[order_id]), "results")
        assert again[0]["failure_reason"] == "DUPLICATE_CANCEL_REQUEST"


async def test_a_client_id_gives_the_same_order_again(fake: FakeCoinbase) -> None:
    async with rest(fake) as client:
        first = await place(client, order("one"))
        assert await place(client, order("one")) == first
        await client.post("orders/batch_cancel", order_ids=[first])
        assert await place(client, order("one")) == first
    assert fake.counts.orders == 1


async def test_fills_and_balances(fake: FakeCoinbase) -> None:
    async with rest(fake) as client:
        size = {"base_size": "0.001", "limit_price": "60000.01"}
        order_id = await place(client, order("one", limit_limit_gtc=size))
        (fill,) = rows(await client.get("orders/historical/fills", order_ids=order_id), "fills")
        assert (fill["price"], fill["size"], fill["commission"], fill["liquidity_indicator"]) == (
            "60000.01", "0.001", "0.06000001", "TAKER",
        )  # fmt: skip
        wallets = {row["currency"]: row for row in rows(await client.get("accounts"), "accounts")}
        assert wallets["BTC"]["available_balance"] == {"value": "1.001", "currency": "BTC"}
        assert wallets["USD"]["available_balance"] == {"value": "99939.93998999", "currency": "USD"}
        page = await client.get("accounts", limit="1")
        assert (len(rows(page, "accounts")), page["has_next"], page["cursor"]) == (1, True, "1")
        rest_of = await client.get("accounts", cursor="1")
        assert (len(rows(rest_of, "accounts")), rest_of["has_next"]) == (1, False)


async def test_orders_by_value_pay_the_fee_out_of_it(fake: FakeCoinbase) -> None:
    async with rest(fake) as client:
        order_id = await place(client, order("one", market_market_ioc={"quote_size": "60"}))
        view = await status(client, order_id)
        assert (view["status"], view["size_inclusive_of_fees"]) == ("FILLED", True)
        assert 59 < float(str(view["total_value_after_fees"])) <= 60
        sold = await place(client, order("two", "SELL", market_market_ioc={"base_size": "0.001"}))
        assert (await status(client, sold))["order_type"] == "MARKET"
        killed = {"base_size": "1", "limit_price": "60000.01"}
        order_id = await place(client, order("three", limit_limit_fok=killed))
        assert (await status(client, order_id))["status"] in ("CANCELLED", "FILLED")
        ioc = {"base_size": "0.001", "limit_price": "50000"}
        order_id = await place(client, order("four", sor_limit_ioc=ioc))
        assert (await status(client, order_id))["status"] == "CANCELLED"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"limit_price": "50000.001"}, "INVALID_PRICE_PRECISION"),
        ({"limit_price": "5e4"}, "INVALID_PRICE_PRECISION"),
        ({"base_size": "0.0000001"}, "INVALID_SIZE_PRECISION"),
        ({"base_size": "0.000001"}, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
        ({"base_size": "0.00001"}, "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"),
        ({"base_size": "100"}, "INSUFFICIENT_FUND"),
        ({"limit_price": "60000.01", "post_only": True}, "INVALID_LIMIT_PRICE_POST_ONLY"),
    ],
)
async def test_an_order_that_fails(fake: FakeCoinbase, changes: dict[str, object], reason: str) -> None:
    async with rest(fake) as client:
        assert await failure(client, order("one", limit_limit_gtc=LIMIT | changes)) == reason
        assert fake.counts.refusals[reason] == 1
        await place(client, order("one"))  # the id is not used up


async def test_orders_that_fail_for_their_product_or_kind(fake: FakeCoinbase) -> None:
    async with rest(fake) as client:
        assert await failure(client, order("one", product_id="XYZ-USD")) == "INVALID_PRODUCT_ID"
        for kind in ("market_market_fok", "trigger_bracket_gtc", "twap_limit_gtd"):
            other = order("one") | {"order_configuration": {kind: {}}}
            assert await failure(client, other) == "UNSUPPORTED_ORDER_CONFIGURATION"
        for flags, reason in (
            ({"cancel_only": True}, "ORDER_ENTRY_DISABLED"),
            ({"view_only": True}, "UNTRADABLE_PRODUCT"),
            (
                {"view_only": False, "cancel_only": False, "post_only": True},
                "UNSUPPORTED_ORDER_CONFIGURATION",
            ),
        ):
            fake.set_flags("BTCUSD", **flags)
            assert await failure(client, order("one")) == reason
        product = await client.get("products/BTC-USD")
        assert (product["post_only"], product["view_only"]) == (True, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_order_id": ""},
        {"client_order_id": "a" * 129},
        {"client_order_id": None},
        {"side": "buy"},
        {"order_configuration": {}},
        {"order_configuration": {"limit_limit_gtc": {"base_size": 0.001, "limit_price": "50000"}}},
        {"order_configuration": {"limit_limit_gtc": LIMIT | {"price": "1"}}},
        {"order_configuration": {"limit": LIMIT}},
        {"unknown": 1},
    ],
)
async def test_a_malformed_order_is_an_http_error(fake: FakeCoinbase, changes: dict[str, object]) -> None:
    async with rest(fake) as client:
        response = await client.send("POST", "orders", content=order("one") | changes)
        assert (response.status_code, response.json()["error"]) == (400, "INVALID_ARGUMENT")


async def test_edits_that_fail(fake: FakeCoinbase) -> None:
    async with rest(fake) as client:
        order_id = await place(client, order("one"))
        for fields, reason in (
            ({"price": "50000"}, "INVALID_EDITED_SIZE"),
            ({"size": "0.002"}, "INVALID_EDITED_PRICE"),
            ({"size": "0.002", "price": "0.001"}, "INVALID_PRICE_PRECISION"),
            ({"size": "10", "price": "50000"}, "INSUFFICIENT_FUND"),
        ):
            answer = await client.post("orders/edit", order_id=order_id, **fields)
            assert rows(answer, "errors")[0]["edit_failure_reason"] == reason
        other = await client.post("orders/edit", order_id="unknown", size="1", price="1")
        assert rows(other, "errors")[0]["edit_failure_reason"] == "ORDER_NOT_FOUND"


async def test_an_alias_has_the_book_of_its_product(fake: FakeCoinbase) -> None:
    async with rest(fake) as client, user_socket(fake) as socket:
        await socket.follow("user")
        order_id = await place(client, order("one", product_id="BTC-USDC"))
        assert (await status(client, order_id))["product_id"] == "BTC-USDC"
        assert rows(await socket.data("user"), "orders")[0]["product_id"] == "BTC-USDC"
        products = rows(await client.public("market/products"), "products")
        aliases = {product["product_id"]: (product["alias"], product["alias_to"]) for product in products}
        assert aliases["BTC-USDC"] == ("BTC-USD", [])
        assert aliases["BTC-USD"] == ("", ["BTC-USDC"])
    assert fake.core.open_orders("first", "BTCUSD")


async def test_the_user_channel_has_sums_and_no_fills(fake: FakeCoinbase) -> None:
    async with rest(fake) as client, user_socket(fake) as socket:
        resting = await place(client, order("one"))
        snapshot = await socket.follow("user")
        assert [row["order_id"] for row in rows(snapshot, "orders")] == [resting]
        taken = {"base_size": "0.002", "limit_price": "60000.01", "post_only": False}
        order_id = await place(client, order("two", limit_limit_gtc=taken))
        updates = [rows(await socket.data("user"), "orders")[0] for _ in range(3)]
        assert {update["order_id"] for update in updates} == {order_id}
        assert [update["status"] for update in updates] == ["PENDING", "OPEN", "FILLED"]
        last = updates[-1]
        assert (last["cumulative_quantity"], last["leaves_quantity"], last["avg_price"]) == (
            "0.002", "0", "60000.01",
        )  # fmt: skip
        assert (last["total_fees"], last["post_only"], last["number_of_fills"]) == (
            "0.12000002",
            "false",
            "1",
        )
        await client.post("orders/edit", order_id=resting, size="0.002", price="50000")
        await client.post("orders/batch_cancel", order_ids=[resting])
        states = [rows(await socket.data("user"), "orders")[0]["status"] for _ in range(4)]
        assert states == ["EDIT_QUEUED", "OPEN", "CANCEL_QUEUED", "CANCELLED"]


async def test_an_order_until_a_date(fake: FakeCoinbase) -> None:
    end = datetime.now(UTC) + timedelta(seconds=60)
    async with rest(fake) as client, user_socket(fake) as socket:
        await socket.follow("user")
        late = LIMIT | {"end_time": (end - timedelta(hours=1)).isoformat()}
        assert await failure(client, order("one", limit_limit_gtd=late)) == "PREVIEW_INVALID_END_TIME"
        order_id = await place(client, order("one", limit_limit_gtd=LIMIT | {"end_time": end.isoformat()}))
        opened = rows(await socket.data("user"), "orders")[0]
        assert opened["time_in_force"] == "GOOD_UNTIL_DATE_TIME"
        fake.skew_us += 61_000_000
        fake.views.expiries.fire()
        states = [rows(await socket.data("user"), "orders")[0]["status"] for _ in range(2)]
        assert states == ["OPEN", "EXPIRED"]
        assert (await status(client, order_id))["status"] == "EXPIRED"


STOP: dict[str, object] = {
    "base_size": "0.001",
    "limit_price": "61000",
    "stop_price": "60500",
    "stop_direction": "STOP_DIRECTION_STOP_UP",
}


async def test_a_stop_order_waits_for_its_trigger(fake: FakeCoinbase) -> None:
    async with rest(fake) as client, user_socket(fake) as socket:
        await socket.follow("user")
        order_id = await place(client, order("one", stop_limit_stop_limit_gtc=STOP))
        opened = [rows(await socket.data("user"), "orders")[0] for _ in range(2)]
        assert [(row["status"], row["trigger_status"]) for row in opened] == [
            ("PENDING", "STOP_PENDING"),
            ("OPEN", "STOP_PENDING"),
        ]
        assert (opened[1]["stop_price"], opened[1]["limit_price"]) == ("60500", "61000")
        view = await status(client, order_id)
        assert view["order_configuration"] == {"stop_limit_stop_limit_gtc": STOP}
        assert (view["status"], view["order_type"]) == ("OPEN", "STOP_LIMIT")
        fake.core.deposit("second", "USD", 100_000_000 * UNIT)
        fake.core.deposit("second", "BTC", 10 * UNIT)
        for price_ticks in (6_050_000, 6_090_000):
            fake.core.place("second", "BTCUSD", Side.SELL, 10_000, price_ticks, "")
        fake.core.place("second", "BTCUSD", Side.BUY, 100_000_000, 6_050_000, "")
        told = [rows(await socket.data("user"), "orders")[0] for _ in range(2)]
        assert [(row["status"], row["trigger_status"]) for row in told] == [
            ("OPEN", "STOP_TRIGGERED"),
            ("FILLED", "STOP_TRIGGERED"),
        ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"limit_price": "60499"}, "PREVIEW_STOP_PRICE_ABOVE_LIMIT_PRICE"),
        ({"stop_price": "60500.001"}, "INVALID_PRICE_PRECISION"),
        ({"stop_direction": "STOP_DIRECTION_STOP_DOWN"}, "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE"),
        ({"stop_price": "100"}, "PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE"),
    ],
)
async def test_a_bad_stop_order_is_refused(
    fake: FakeCoinbase, changes: dict[str, object], reason: str
) -> None:
    fake.core.deposit("second", "BTC", UNIT)
    fake.core.place("second", "BTCUSD", Side.SELL, 100, 4_000_000, "")
    async with rest(fake) as client:
        assert await failure(client, order("one", stop_limit_stop_limit_gtc=STOP | changes)) == reason


async def test_the_snapshot_of_open_orders_comes_in_batches(fake: FakeCoinbase) -> None:
    for number in range(60):
        fake.core.place("first", "BTCUSD", Side.BUY, 100, 5_000_000, f"o{number}")
    async with user_socket(fake) as socket:
        batches = [await socket.follow("user")]
        await socket.send("unsubscribe", "user", bearer=token(fake.first, fake.now_us() // 1_000_000, None))
        assert (await socket.data("subscriptions"))["subscriptions"] == {}
        assert len(rows(batches[0], "orders")) == 50


async def test_post_only_may_be_accepted_and_then_cancelled(fake: FakeCoinbase) -> None:
    fake.trading.post_only_refused = False
    async with rest(fake) as client:
        crossing = {"base_size": "0.001", "limit_price": "60000.01", "post_only": True}
        order_id = await place(client, order("one", limit_limit_gtc=crossing))
        view = await status(client, order_id)
        assert (view["status"], view["cancel_message"]) == ("CANCELLED", "Post only")
        fake.views.fails_post_only = True
        async with user_socket(fake) as socket:
            await socket.follow("user")
            await place(client, order("two", limit_limit_gtc=crossing))
            updates = [rows(await socket.data("user"), "orders")[0] for _ in range(3)]
        assert [update["status"] for update in updates] == ["PENDING", "OPEN", "FAILED"]
        assert updates[-1]["reject_reason"] == "POST_ONLY"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"sub": "other"},
        {"uri": "GET api.coinbase.com/api/v3/brokerage/orders"},
        {"uri": None},
        {"exp": 1},
        {"exp": 2**40},
        {"nbf": 2**40},
        {"nbf": None},
    ],
)
async def test_a_token_with_wrong_claims_is_refused(fake: FakeCoinbase, changes: dict[str, object]) -> None:
    async with rest(fake) as client:
        uri = f"GET api.coinbase.com{ROOT}accounts"
        bearer = token(fake.first, fake.now_us() // 1_000_000, uri, changes)
        assert (await client.send("GET", "accounts", bearer=bearer)).status_code == 401


async def test_keys_of_both_kinds_and_their_signatures(fake: FakeCoinbase) -> None:
    async with rest(fake, fake.accounts[1]) as client:
        assert [row["currency"] for row in rows(await client.get("accounts"), "accounts")] == ["USD"]
        uri = f"GET api.coinbase.com{ROOT}accounts"
        own = token(fake.first, fake.now_us() // 1_000_000, uri)
        head, claims, _ = own.split(".")
        other = token(fake.accounts[1], fake.now_us() // 1_000_000, uri)
        forged = f"{head}.{claims}.{other.split('.')[2]}"
        assert (await client.send("GET", "accounts", bearer=forged)).status_code == 401
        own_address = f"GET http://127.0.0.1:{fake.port}{ROOT}accounts"
        lenient = token(fake.first, fake.now_us() // 1_000_000, own_address)
        assert (await client.send("GET", "accounts", bearer=lenient)).status_code == 200


async def test_permissions_and_portfolios(fake: FakeCoinbase) -> None:
    async with rest(fake) as client:
        other = await client.send("POST", "orders", content=order("one") | {"retail_portfolio_id": "other"})
        assert (other.status_code, other.json()["message"]) == (403, "account is not available")
        own = order("one") | {"retail_portfolio_id": fake.first.portfolio}
        await place(client, own)
        fake.first.may_trade = False
        refused = await client.send("POST", "orders", content=order("two"))
        assert (refused.status_code, refused.json()["error"]) == (403, "PERMISSION_DENIED")


async def test_rates_by_the_second(fake: FakeCoinbase) -> None:
    fake.rest.private_per_s = 2
    fake.rest.public_per_s = 1
    async with rest(fake) as client:
        statuses = [(await client.send("GET", "accounts")).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert (await client.public("time"))["epochSeconds"]
        response = await client.send("GET", "time")
        assert (response.status_code, response.json()["errors"][0]["id"]) == (429, "rate_limit_exceeded")
        assert response.headers["x-ratelimit-remaining"] == "0"


async def test_queries_filter_and_refuse(fake: FakeCoinbase) -> None:
    async with rest(fake) as client:
        ids = [await place(client, order(f"o{number}")) for number in range(3)]
        newest = rows(await client.get("orders/historical/batch", limit="2"), "orders")
        assert [row["order_id"] for row in newest] == [ids[2], ids[1]]
        last = await client.get("orders/historical/batch", limit="2", cursor="2")
        assert ([row["order_id"] for row in rows(last, "orders")], last["has_next"]) == ([ids[0]], False)
        none = await client.get("orders/historical/batch", product_ids="ETH-USD")
        assert none["orders"] == []
        for name, params in (
            ("orders/historical/batch", {"order_status": "open"}),
            ("orders/historical/batch", {"start_date": "yesterday"}),
            ("orders/historical/fills", {"product": "BTC-USD"}),
        ):
            assert (await client.send("GET", name, params=params)).status_code == 400
        assert (await client.send("GET", "orders/historical/unknown")).status_code == 404
        book = (await client.public("market/product_book", product_id="BTC-USD", limit="1"))["pricebook"]
        assert isinstance(book, dict)
        assert [level["price"] for level in book["bids"] + book["asks"]] == ["59999.99", "60000.01"]
        assert (await client.get("transaction_summary"))["fee_tier"]
        preview = await client.post(
            "orders/preview", **order("x", limit_limit_gtc=LIMIT | {"limit_price": "0.001"})
        )
        assert preview["errs"] == ["INVALID_PRICE_PRECISION"]
