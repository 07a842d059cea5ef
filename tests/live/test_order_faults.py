"""Each fault of an exchange, over real sockets: nothing is placed twice, every fill is booked once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from floorwire.core.remote_order_messages import LinkDown, LinkUp
from tests.fake_exchange.binance import FakeBinance
from tests.fake_exchange.orders import Side
from tests.live.faces import BINANCE, COINBASE, FACES, Face
from tests.live.live_account import LiveAccount, at, settled
from tests.live.order_faults import session

pytestmark = [pytest.mark.slow, pytest.mark.skipping, pytest.mark.parametrize("face", FACES, ids=str)]


async def test_the_answer_is_lost_after_the_order_was_placed(face: Face) -> None:
    async with at(face) as (account, market):
        market.faults.lose_answer(face.place_path)
        order_id = account.place("buy", "0.5", "50000.00")
        await account.until_state(order_id, "new")
        assert len(market.orders()) == 1
        market.trade(Side.SELL, "0.5", "50000")
        await account.until_state(order_id, "filled")
        await settled(account, market)


async def test_the_request_is_lost(face: Face) -> None:
    async with at(face) as (account, market):
        market.faults.lose_request(face.place_path)
        order_id = account.place("buy", "0.5", "50000.00")
        order = await account.until_state(order_id, "rejected")
        assert order.code == "venue_unavailable"
        assert len(market.orders()) == 0
        await settled(account, market)


async def test_queries_that_lag_do_not_make_an_order_disappear(face: Face) -> None:
    if face is COINBASE:
        pytest.skip("Coinbase shows no fills on its stream")
    async with at(face) as (account, market):
        market.fake.queries.freeze()
        market.faults.lose_answer(face.place_path)
        order_id = account.place("buy", "0.5", "50000.00")
        # where the private stream is another link, it shows the order
        await account.until_state(order_id, "unknown", "new")
        await account.pause(5)
        assert account.state(order_id) in ("unknown", "new")
        market.fake.queries.thaw()
        await account.until_state(order_id, "new")
        # where the lost answer ended the private stream too, it has to be up again to show a fill
        await account.until(lambda: has_stream(account))
        market.fake.queries.freeze()
        market.trade(Side.SELL, "0.2", "50000")
        await account.until_state(order_id, "partially_filled")
        await account.pause(70)  # a reconciliation reads what was before the fill
        assert account.filled(order_id) == Decimal("0.2")
        market.fake.queries.thaw()
        account.cancel(order_id)
        await account.until_state(order_id, "cancelled")
        await settled(account, market)


def has_stream(account: LiveAccount) -> bool:
    """Whether the last word about the private stream is that it is up."""
    words = [report for report in account.reports if isinstance(report, LinkUp | LinkDown)]
    return bool(words) and isinstance(words[-1], LinkUp)


async def test_the_exchange_does_not_know_itself(face: Face) -> None:
    async with at(face) as (account, market):
        market.faults.time_out_after_execution(face.place_path)
        order_id = account.place("buy", "0.5", "50000.00")
        await account.until_state(order_id, "new")
        assert len(market.orders()) == 1
        account.cancel(order_id)
        await account.until_state(order_id, "cancelled")
        await settled(account, market)


async def test_fills_while_all_links_are_down(face: Face) -> None:
    async with at(face) as (account, market):
        first = account.place("buy", "0.5", "50000.00")
        second = account.place("buy", "0.5", "49000.00")
        await account.until_state(first, "new")
        await account.until_state(second, "new")
        await market.fake.disconnect_all()
        market.trade(Side.SELL, "0.7", "49000")
        await account.until_state(first, "filled")
        await account.until_state(second, "partially_filled")
        assert account.filled(second) == Decimal("0.2")
        await settled(account, market)


async def test_a_fill_is_reported_twice(face: Face) -> None:
    async with at(face) as (account, market):
        order_id = account.place("buy", "0.5", "50000.00")
        await account.until_state(order_id, "new")
        market.faults.repeat_next_fill()
        market.trade(Side.SELL, "0.2", "50000")
        await account.until_state(order_id, "partially_filled")
        assert account.filled(order_id) == Decimal("0.2")
        await settled(account, market)


@pytest.mark.parametrize("fault", ["drop_frame", "corrupt_frame", "duplicate_frame", "reorder_frames"])
async def test_a_frame_with_a_fill_goes_wrong(face: Face, fault: str) -> None:
    async with at(face) as (account, market):
        order_id = account.place("buy", "0.5", "50000.00")
        await account.until_state(order_id, "new")
        getattr(market.faults, fault)(face.fill_frame)
        market.trade(Side.SELL, "0.2", "50000")
        market.trade(Side.SELL, "0.3", "50000")
        await account.until_state(order_id, "filled")
        await settled(account, market)


async def test_too_many_requests(face: Face) -> None:
    async with at(face) as (account, market):
        market.faults.too_many_requests(face.place_path)
        order_id = account.place("buy", "0.5", "50000.00")
        order = await account.until_state(order_id, "rejected")
        assert order.code == "rate_limited"
        assert len(market.orders()) == 0


async def test_a_ban_stops_orders(face: Face) -> None:
    async with at(face) as (account, market):
        market.faults.ban(face.place_path)
        first = account.place("buy", "0.5", "50000.00")
        await account.until_state(first, "rejected")
        second = account.place("buy", "0.5", "50000.00")
        order = await account.until_state(second, "rejected")
        assert order.code in ("rate_limited", "venue_unavailable")
        assert len(market.orders()) == 0


async def test_clocks_that_differ(face: Face) -> None:
    for skew_us in (-30_000_000, 30_000_000):
        async with at(face, skew_us=skew_us) as (account, market):
            order_id = account.place("buy", "0.5", "50000.00")
            await account.until_state(order_id, "new")
            account.cancel(order_id)
            await account.until_state(order_id, "cancelled")
            await settled(account, market)


async def test_a_process_that_is_killed_knows_the_journal_only(face: Face) -> None:
    async with at(face) as (account, market):
        order_id = account.place("buy", "0.5", "50000.00")
        account.restart()
        market_order = account.place("sell", "0.1", "60000.00", type="market", time_in_force="ioc")
        account.restart()
        await account.until_state(order_id, "new")
        assert (await account.until_state(market_order, "cancelled")).filled_lots == 0
        market.trade(Side.SELL, "0.5", "50000")
        await account.until_state(order_id, "filled")
        await settled(account, market)


async def test_many_faults_at_a_whole_gateway(face: Face) -> None:
    """The short version of ``python -m tests.live.order_faults``."""
    done = await session(face, 25, seed="11")
    assert not done.problems
    assert done.faults.total() >= 25


async def test_the_private_stream_ends(face: Face) -> None:
    if face is not BINANCE:
        pytest.skip("only Binance ends a stream without its link")
    async with at(face) as (account, market):
        order_id = account.place("buy", "0.5", "50000.00")
        await account.until_state(order_id, "new")
        assert isinstance(market.fake, FakeBinance)
        market.fake.ws_api.end_subscriptions()
        market.trade(Side.SELL, "0.2", "50000")
        await account.until_state(order_id, "partially_filled")
        await settled(account, market)


async def test_a_notice_of_a_shutdown(face: Face) -> None:
    async with at(face) as (account, market):
        order_id = account.place("buy", "0.5", "50000.00")
        await account.until_state(order_id, "new")
        if isinstance(market.fake, FakeBinance):
            market.fake.ws_api.announce_shutdown()
        await account.pause(1)
        market.trade(Side.SELL, "0.2", "50000")
        await account.until_state(order_id, "partially_filled")
        account.cancel(order_id)
        await account.until_state(order_id, "cancelled")
        await settled(account, market)
