"""Orders at the fake Bybit, from their beginning to their end."""

from __future__ import annotations

from decimal import Decimal

from tests.fake_exchange.orders import Side
from tests.live.exchanges import BYBIT, at, settled


async def test_orders_live_and_end() -> None:
    async with at(BYBIT) as (account, market):
        resting = account.place("buy", "0.5", "50000.00")
        await account.until_state(resting, "new")
        market.trade(Side.SELL, "0.2", "50000")
        await account.until_state(resting, "partially_filled")
        assert account.filled(resting) == Decimal("0.2")
        account.amend(resting, "0.3", "50000.00")
        await account.until(lambda: account.quantity(resting) == Decimal("0.3"))
        account.amend(resting, "0.4", "50001.00")
        await account.until(lambda: account.order(resting).price_ticks == 50_001_00)
        assert not account.order(resting).amending
        account.cancel(resting)
        await account.until_state(resting, "cancelled")
        assert account.filled(resting) == Decimal("0.2")
        too_much = account.place("buy", "9", "50000.00")
        assert (await account.until_state(too_much, "rejected")).code == "insufficient_balance"
        market.trade(Side.SELL, "0.1", "51000")
        would_take = account.place("buy", "0.1", "51000.00", post_only=True)
        assert (await account.until_state(would_take, "rejected")).code == "post_only_would_cross"
        market_order = account.place("buy", "0.2", "52000.00", type="market", time_in_force="ioc")
        ended = await account.until_state(market_order, "cancelled")
        assert (account.filled(market_order), ended.code) == (Decimal("0.1"), "no_liquidity")
        whole = account.place("sell", "5", "49000.00", time_in_force="fok")
        assert (await account.until_state(whole, "rejected")).code == "fok_unfilled"
        await settled(account, market)
        assert not market.core.open_orders("first")
