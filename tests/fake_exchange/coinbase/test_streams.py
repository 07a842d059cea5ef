"""What the user channel of the fake Coinbase tells agrees with the core, and with its REST."""

import asyncio
from decimal import Decimal

from tests.fake_exchange.coinbase import FakeCoinbase, default_markets
from tests.fake_exchange.coinbase.client import Body, rest, rows, user_socket
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.kraken.test_streams import trade_at_random
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.serving import running


async def test_orders_fills_and_balances_agree() -> None:
    fake = FakeCoinbase(default_markets())
    fake.core.deposit("first", "USD", 100_000 * UNIT)
    fake.core.deposit("first", "BTC", UNIT)
    flow = SeededFlow(fake.core, "BTCUSD", 600_000)
    flow.fill_book()
    told: dict[object, Body] = {}
    async with running(fake), user_socket(fake) as socket, rest(fake) as client:
        await socket.follow("user")
        trade_at_random(fake.core, flow, 100)
        fake.sockets.skip_sequence()
        await socket.send("subscribe", "heartbeats")
        while (frame := await asyncio.wait_for(socket.receive(), 5))["channel"] == "user":
            events = frame["events"]
            assert isinstance(events, list)
            for row in rows(events[0], "orders"):
                before = told.get(row["order_id"], {"cumulative_quantity": "0"})
                # What is filled never becomes less.
                assert Decimal(str(row["cumulative_quantity"])) >= Decimal(str(before["cumulative_quantity"]))
                told[row["order_id"]] = row
        views = {row["order_id"]: row for row in rows(await client.get("orders/historical/batch"), "orders")}
        fills = rows(await client.get("orders/historical/fills"), "fills")
        wallets = {row["currency"]: row for row in rows(await client.get("accounts"), "accounts")}
    orders = [order for order in fake.core.orders.values() if order.account == "first"]
    assert len(orders) > 20
    assert set(told) == set(views) == {fake.views.ids.of_order(order) for order in orders}
    for order_id, row in told.items():
        view = views[order_id]
        assert (row["status"], row["cumulative_quantity"], row["total_fees"]) == (
            view["status"], view["filled_size"], view["total_fees"],
        )  # fmt: skip
        assert row["outstanding_hold_amount"] == view["outstanding_hold_amount"]
    sizes = sum(Decimal(str(fill["size"])) for fill in fills)
    assert sizes == sum(Decimal(order.filled_lots * order.market.step_e8) for order in orders) / UNIT
    for asset, balance in fake.core.balances("first").items():
        available, hold = wallets[asset]["available_balance"], wallets[asset]["hold"]
        assert isinstance(available, dict)
        assert isinstance(hold, dict)
        assert Decimal(available["value"]) == Decimal(balance.free_e8) / UNIT
        assert Decimal(hold["value"]) == Decimal(balance.locked_e8) / UNIT
