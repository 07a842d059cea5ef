"""Run the fake exchange on its own, each face at a port of its own: `python -m tests.fake_exchange`."""

import asyncio
from contextlib import AsyncExitStack

from tests.fake_exchange import binance, bybit, coinbase, kraken, okx
from tests.fake_exchange.exchange import FakeExchange
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.serving import running

MID_PRICES_E8 = {"BTC": 60_000 * UNIT, "ETH": 3_000 * UNIT, "DOGE": UNIT // 10}


def flows_of(face: FakeExchange) -> list[SeededFlow]:
    flows = []
    for symbol, market in face.core.markets.items():
        mid_ticks = MID_PRICES_E8[market.base] // market.tick_e8
        face.make_past(symbol, mid_ticks)
        flow = SeededFlow(face.core, symbol, mid_ticks)
        flow.fill_book()
        flows.append(flow)
    for account in ("first", "second"):
        for asset, amount in (("USDT", 1_000_000), ("USD", 1_000_000), ("BTC", 10), ("ETH", 100)):
            face.core.deposit(account, asset, amount * UNIT)
    return flows


async def main() -> None:
    faces: list[FakeExchange] = [
        binance.FakeBinance(binance.default_markets()),
        bybit.FakeBybit(bybit.default_markets()),
        coinbase.FakeCoinbase(coinbase.default_markets()),
        okx.FakeOkx(okx.default_markets()),
        kraken.FakeKraken(kraken.default_markets()),
    ]
    flows = [flow for face in faces for flow in flows_of(face)]
    async with AsyncExitStack() as stack:
        for face in faces:
            await stack.enter_async_context(running(face))
            print("\n".join(face.description()), flush=True)
        while True:
            for flow in flows:
                flow.step()
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("Stopped.")
