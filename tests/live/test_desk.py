"""A whole gateway whose orders go to an exchange: at the end both sides have the same balances."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.fake_exchange.orders import Side
from tests.live.faces import BINANCE, FACES, Face, served
from tests.live.live_gateway import gateway_at

pytestmark = pytest.mark.skipping
SOME = [
    pytest.param(face, marks=[] if face is BINANCE else [pytest.mark.slow], id=face.kind) for face in FACES
]
"""Every face is tried in the slow suite."""


@pytest.mark.parametrize("face", SOME)
async def test_orders_live_and_end(face: Face, tmp_path: Path) -> None:
    async with served(face) as market, gateway_at(market, tmp_path) as client:
        assert (await client.place("a"))["state"] == "submitting"
        await client.until_state("a", "new")
        market.trade(Side.SELL, "0.2", 50_000)
        await client.until_state("a", "partially_filled")
        assert (await client.ask("order.amend", client_order_id="a", quantity="0.3"))["status"] == "accepted"
        await client.ask("order.cancel_all")
        await client.until_state("a", "cancelled")
        await client.place("b", quantity="0.1", price="51000")
        await client.until_state("b", "filled")
        await client.place("c", side="sell", quantity="0.1", type="market")
        await client.until_state("c", "filled")
        await client.agrees()
        assert len(market.orders()) == 3
        assert not client.gateway.desk.operators.quarantine()


async def test_a_dry_run_reads_and_places_nothing(tmp_path: Path) -> None:
    async with served(BINANCE) as market, gateway_at(market, tmp_path, "dry_run = true") as client:
        with capture_logs() as logs:
            assert (await client.place("a"))["status"] == "accepted"
            await client.until_state("a", "rejected")
        await client.agrees()
        assert market.orders() == []
        (sent,) = [line for line in logs if line["event"] == "dry run: not sent"]
        assert '"quantity":"0.50000"' in str(sent)
        key, secret, _ = market.fake.credentials()
        assert not any(key in str(line) or secret in str(line) for line in logs)
