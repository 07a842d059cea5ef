"""A venue's id has paper money or real money, never both: a server that would mix them does not start."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from floorwire.app import Gateway
from floorwire.config import DrainSettings, Settings, SettingsError, VenueSettings
from floorwire.core.ports import Venue
from floorwire.venues import sim
from tests.trading.trader import key

PAPER, LIVE = VenueSettings(kind="sim"), VenueSettings(kind="sim", orders="live")


def settings(folder: Path, **venues: VenueSettings) -> Settings:
    return Settings(data=str(folder), port=0, venues=venues, drain=DrainSettings(seconds=0.01))


def venue(name: str) -> Venue:
    """Return a simulated market under this id. It stands for an exchange that takes orders."""
    return sim.venue(random.Random(1), ("BTC-USDT",), name, f"{name}:")


async def balances(folder: Path, configured: Settings, *names: str) -> dict[str, int]:
    """Run a gateway over the folder; return alice's balances."""
    gateway = Gateway(configured, [venue(name) for name in names])
    async with gateway.running():
        return {one.asset: one.total for one in gateway.desk.order_manager().balances("alice")}


@pytest.mark.parametrize(("first", "then"), [(PAPER, LIVE), (LIVE, PAPER)])
async def test_an_id_with_money_of_the_other_kind_is_refused(
    tmp_path: Path, first: VenueSettings, then: VenueSettings
) -> None:
    key(tmp_path, money={"sim:USDT": "5"})
    before = await balances(tmp_path, settings(tmp_path, x=first), "sim", "x")
    with pytest.raises(SettingsError, match=rf"venue x: the journal has {first.orders} money under this id"):
        await balances(tmp_path, settings(tmp_path, x=then), "sim", "x")
    assert await balances(tmp_path, settings(tmp_path, x=first, y=then), "sim", "x", "y") == before


async def test_a_deposit_to_a_live_venue_is_not_credited(tmp_path: Path) -> None:
    key(tmp_path, money={"x:USDT": "5", "sim:USDT": "7"})
    assert await balances(tmp_path, settings(tmp_path, x=LIVE), "sim", "x") == {"sim:USDT": 700_000_000}


async def test_an_id_that_only_has_a_deposit_is_of_paper_money(tmp_path: Path) -> None:
    key(tmp_path, money={"x:USDT": "5"})
    assert await balances(tmp_path, settings(tmp_path), "sim") == {"x:USDT": 500_000_000}
    with pytest.raises(SettingsError, match="venue x: the journal has paper money under this id"):
        await balances(tmp_path, settings(tmp_path, x=LIVE), "sim", "x")


async def test_a_bare_symbol_never_means_a_live_venue_that_is_not_the_default(tmp_path: Path) -> None:
    gateway = Gateway(settings(tmp_path, x=LIVE), [sim.venue(random.Random(1), ("ETH-USDT",)), venue("x")])
    async with gateway.running():
        symbols = gateway.hub.market.symbols
        while symbols.resolve("x:BTC-USDT") is None:
            await asyncio.sleep(0.01)
        assert symbols.resolve("BTC-USDT") is None
        assert symbols.resolve("btcusdt") is None
