"""What the private channels of the fake Kraken tell adds up to what the core has."""

import random
from collections import Counter
from decimal import Decimal

import pytest

from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.kraken import FakeKraken, default_markets
from tests.fake_exchange.kraken.client import Body, SocketClient, private_socket, rows
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Refused, Side
from tests.fake_exchange.serving import running


def trade_at_random(core: MatchingCore, flow: SeededFlow, steps: int) -> None:
    """The first account and others place, amend and cancel."""
    choices = random.Random(7)
    for number in range(steps):
        flow.step()
        orders = core.open_orders("first")
        side, kind = choices.choice(list(Side)), choices.random()
        ticks = 600_000 + choices.randint(-5, 5)
        try:
            if kind < 0.6 or not orders:
                lots = choices.randint(1_000, 500_000)
                price_ticks = None if kind < 0.1 else ticks
                core.place("first", "BTCUSD", side, lots, price_ticks, f"o{number}", post_only=kind > 0.5)
            elif kind < 0.8:
                core.amend(choices.choice(orders), choices.randint(1_000, 500_000), ticks)
            else:
                core.cancel(choices.choice(orders))
        except Refused:
            continue


async def frames_until_pong(client: SocketClient) -> list[Body]:
    await client.request("ping")
    frames, client.frames = client.frames, []
    return frames


@pytest.mark.parametrize("mixes_rows", [False, True])
async def test_executions_and_balances_add_up(mixes_rows: bool) -> None:
    fake = FakeKraken(default_markets())
    fake.executions.mixes_rows = mixes_rows
    fake.core.deposit("first", "USD", 100_000 * UNIT)
    fake.core.deposit("first", "BTC", UNIT)
    flow = SeededFlow(fake.core, "BTCUSD", 600_000)
    flow.fill_book()
    async with running(fake), private_socket(fake) as client:
        for channel in ("executions", "balances"):
            await client.request("subscribe", channel=channel)
        trade_at_random(fake.core, flow, 100)
        frames = await frames_until_pong(client)
    told: dict[object, Body] = {}
    filled: Counter[object] = Counter()
    balances: dict[object, object] = {}
    sequences: dict[object, list[object]] = {"executions": [], "balances": []}
    for frame in frames:
        sequences[frame["channel"]].append(frame["sequence"])
        for row in rows(frame):
            if frame["channel"] == "balances":
                balances[row["asset"]] = row["balance"]
                continue
            told[row["order_id"]] = told.get(row["order_id"], {}) | row
            filled[row["order_id"]] += Decimal(str(row.get("last_qty", 0)))  # type: ignore[assignment]
    for numbers in sequences.values():
        assert numbers == list(range(1, len(numbers) + 1))
    orders = [order for order in fake.core.orders.values() if order.account == "first"]
    assert len(told) == len(orders) > 20
    open_states = {"NEW": "new", "PARTIALLY_FILLED": "partially_filled", "FILLED": "filled"}
    for order in orders:
        row = told[fake.ids.of_order(order)]
        assert row["order_status"] == open_states.get(order.state.value, "canceled")
        assert row["cl_ord_id"] == order.client_id
        assert Decimal(str(row.get("cum_qty", 0))) == Decimal(order.filled_lots) / 10**7
        assert filled[row["order_id"]] == Decimal(order.filled_lots) / 10**7
    for asset, balance in fake.core.balances("first").items():
        assert Decimal(str(balances[asset])) == Decimal(balance.free_e8 + balance.locked_e8) / UNIT
