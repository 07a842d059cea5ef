"""Bybit's cancel on disconnect: who may set it, and when it acts."""

from collections.abc import AsyncIterator

import pytest

from tests.fake_exchange.bybit import FakeBybit, default_markets
from tests.fake_exchange.bybit.client import Body, BybitClient
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running

SET = "order/disconnected-cancel-all"


@pytest.fixture
async def client() -> AsyncIterator[BybitClient]:
    fake = FakeBybit(default_markets())
    fake.core.deposit("first", "USDT", 100_000 * UNIT)
    fake.disconnect_cancel.enabled.add("first")
    async with running(fake), BybitClient(fake) as made:
        yield made


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"product": "SPOT", "timeWindow": 3}, 0),
        ({"product": "SPOT", "timeWindow": 300}, 0),
        ({"product": "SPOT", "timeWindow": 2}, 10001),
        ({"product": "SPOT", "timeWindow": 301}, 10001),
        ({"product": "SPOT", "timeWindow": "30"}, 10001),
        ({"product": "SPOT"}, 10001),
        ({"timeWindow": 30}, 10001),
        ({"product": "SPOT", "timeWindow": 30, "more": 1}, 10001),
    ],
)
async def test_what_it_takes(client: BybitClient, body: Body, code: int) -> None:
    assert await client.code(SET, body) == code


async def test_who_has_it(client: BybitClient) -> None:
    rows = (await client.get("account/query-dcp-info", "")).json()["result"]["dcpInfos"]
    assert rows == [{"product": "SPOT", "dcpStatus": "ON", "timeWindow": "10"}]
    client.fake.disconnect_cancel.enabled.clear()
    assert (await client.get("account/query-dcp-info", "")).json()["result"]["dcpInfos"] == []
    assert await client.code(SET, {"product": "SPOT", "timeWindow": 30}) == 10005


def test_it_acts_once_the_last_connection_with_the_topic_is_gone_for_so_long() -> None:
    fake = FakeBybit(default_markets())
    fake.core.deposit("first", "USDT", 100_000 * UNIT)
    fake.disconnect_cancel.enabled.add("first")
    dcp, order = fake.disconnect_cancel, fake.core.place("first", "BTCUSDT", Side.BUY, 1_000, 1_000_000, "a")
    dcp.watch([])
    assert order.state.is_open, "nobody was connected"
    dcp.set("first", {"product": "SPOT", "timeWindow": 30})
    fake.skew_us += 20_000_000
    for _ in range(2):
        dcp.watch(["first"])
        fake.skew_us += 29_000_000
        dcp.watch([])
        assert order.state.is_open, "another one came in time, and the default of ten seconds is replaced"
    fake.skew_us += 2_000_000
    dcp.watch([])
    assert not order.state.is_open
