"""What tests do at a fake exchange besides the adapter: give money, trade as somebody else, look."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from floorwire.core.remote_orders import Reconcile, ReconcileAnswer
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Side
from tests.live.adapter_run import AdapterRun

E8 = 10**8


class HasCore(Protocol):
    """A face of the fake exchange."""

    core: MatchingCore


def give_money(fake: HasCore, quote: str) -> None:
    """Give both accounts money."""
    for account in ("first", "second"):
        fake.core.deposit(account, quote, 100_000 * E8)
        fake.core.deposit(account, "BTC", 10 * E8)


def other_trades(fake: HasCore, symbol: str, side: Side, size: str, price: str) -> None:
    """Let the second account trade."""
    market = fake.core.markets[symbol]
    lots, ticks = int(Decimal(size) * E8) // market.step_e8, int(Decimal(price) * E8) // market.tick_e8
    fake.core.place("second", symbol, side, lots, ticks, "")


def of_the_exchange(fake: HasCore) -> dict[str, Decimal]:
    """Return what the first account has, by the exchange's own books."""
    return {
        asset: Decimal(balance.free_e8 + balance.locked_e8) / E8
        for asset, balance in fake.core.balances("first").items()
    }


async def told_balances(client: AdapterRun) -> dict[str, Decimal]:
    """Return what the first account has, by the adapter."""
    client.command(Reconcile(99, ""))
    answer = await client.report(ReconcileAnswer, lambda one: one.request == 99)
    return {one.asset: Decimal(one.total) for one in answer.balances}
