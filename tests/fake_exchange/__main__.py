"""Run a fake exchange on its own: `python -m tests.fake_exchange [PORT]`."""

import asyncio
import sys

from tests.fake_exchange.binance import FakeBinance, default_markets
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.serving import running

MID_TICKS = {"BTCUSDT": 6_000_000, "ETHUSDT": 300_000}


async def main(port: int) -> None:
    fake = FakeBinance(default_markets())
    flows = [SeededFlow(fake.core, symbol, mid_ticks) for symbol, mid_ticks in MID_TICKS.items()]
    for flow in flows:
        flow.fill_book()
    for account in fake.accounts:
        for asset, amount in (("USDT", 1_000_000), ("BTC", 10), ("ETH", 100)):
            fake.core.deposit(account.name, asset, amount * UNIT)
    async with running(fake, port):
        print(f"Binance: REST {fake.http}  streams {fake.ws}/ws  WebSocket API {fake.ws}/ws-api/v3")
        for account in fake.accounts:
            print(f"account {account.name}: key {account.api_key} secret {account.secret}", flush=True)
        while True:
            for flow in flows:
                flow.step()
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    try:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
    except KeyboardInterrupt:
        print("Stopped.")
