"""Injects faults into the orders of a gateway at a fake exchange, and compares what both sides have of them.

    python -m tests.live.order_faults --faults 2000 --seed 1 --face binance

A fault is counted when it has happened: its request was sent, or its frame came. After some faults both sides
have to agree: every order has the same state and the same fills, none was sent twice, none is left unknown,
and the balances are equal. At the end of a session every fill is compared too. A session is a new exchange
and a new gateway, with the policies and budgets of the real exchange: waiting takes no time.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import structlog

from tests.fake_exchange.orders import Side
from tests.live.agreement import differences
from tests.live.beside import beside
from tests.live.faces import FACES, Face, FakeMarket, served
from tests.live.live_gateway import LiveGateway, gateway_at
from tests.skipping_loop import run as run_skipping

A_SESSION = 150
"""Faults of one session."""
A_ROUND = 5
"""Faults until both sides are compared."""
MIDDLE = 50_000
MOST_BANS = 2
"""In a session: each ban is twice as long as the one before."""
PATIENCE_S = 1_500.0
"""How long anything may take, by the clock of the session. A gateway waits ten minutes from the last
refusal of a ban on, and Kraken's lockout takes fifteen."""
LISTED_S = 700.0
"""How long it may take until it is known that an instrument is delisted: by a list of every ten minutes."""
USED_WITHIN_S = 40.0
"""A fault that did not happen until then is taken back, and not counted."""
REQUESTS = ("lose_request", "lose_answer", "time_out_after_execution", "too_many_requests")
FRAMES = ("drop_frame", "duplicate_frame", "reorder_frames", "corrupt_frame", "cut_frame")
OTHERS = ("repeat_fill", "disconnect", "delay", "half_open", "rest_lag", "maintenance", "ban", "delist")


class Session:
    """One gateway at one exchange, and the faults of their orders."""

    def __init__(self, market: FakeMarket, client: LiveGateway, random: Random) -> None:
        self.faults: Counter[str] = Counter()
        self.problems: list[str] = []
        self._market, self._client, self._random = market, client, random
        self._placed: list[str] = []
        self._compared = 0
        """The highest id of an order when both sides agreed."""

    async def inject(self, count: int) -> None:
        """Inject so many faults, and compare."""
        while self.faults.total() < count and not self.problems:
            for _ in range(min(A_ROUND, count - self.faults.total())):
                await self._fault()
            await self._agree()
        if not self.problems:
            await self._client.ask("order.cancel_all")
            self._compared = 0
            await self._agree()

    # --- faults --------------------------------------------------------------------------------------

    async def _fault(self) -> None:
        await self._until(self._client.is_open, "open")
        kind = self._random.choice((*REQUESTS, *FRAMES, *OTHERS))
        if kind in REQUESTS:
            path = self._random.choice((self._market.face.place_path, ""))
            done = await self._request_fault(kind, path)
            name = kind if path else f"{kind} (any)"
        elif kind in FRAMES or kind == "repeat_fill":
            name, done = kind, await self._frame_fault(kind)
        else:
            name, done = kind, await self._other_fault(kind)
        self.faults[name] += done
        for _ in range(self._random.randrange(3)):
            await self._act()

    async def _request_fault(self, kind: str, path: str) -> bool:
        getattr(self._market.faults, kind)(path)
        await self._act()
        return await self._happened(lambda: not self._market.faults.requests, self._place)

    async def _frame_fault(self, kind: str) -> bool:
        """A frame that tells of a fill goes wrong."""
        await self._rest()
        faults = self._market.faults
        if kind == "repeat_fill":
            faults.repeat_next_fill()
        else:
            getattr(faults, kind)(self._market.face.fill_frame)
        return await self._happened(lambda: not (faults.frames or faults.repeat_fills), self._meet)

    async def _other_fault(self, kind: str) -> bool:
        market, fake, random = self._market, self._market.fake, self._random
        match kind:
            case "ban":
                if self.faults["ban"] >= MOST_BANS:
                    return False
                market.faults.ban(market.face.place_path)
                await self._place()
                return await self._happened(lambda: not market.faults.requests, self._place)
            case "disconnect":
                await self._act()
                await fake.disconnect_all()
                await self._meet()
            case "delay":
                market.faults.delay_frames(0.2 + random.random() * 3)
                await self._act()
                await self._meet()
                await asyncio.sleep(random.random() * 4)
                market.faults.delay_frames(0)
            case "half_open":
                await self._rest()
                market.faults.half_open()
                await self._act()
                await self._meet()
                await asyncio.sleep(random.random() * 60)
                market.faults.half_open(is_half_open=False)
            case "rest_lag":
                fake.queries.freeze()
                market.faults.lose_answer(market.face.place_path)
                await self._place()
                await self._meet()
                await asyncio.sleep(random.random() * 8)
                fake.queries.thaw()
                market.faults.requests.clear()
            case "maintenance":
                fake.start_maintenance()
                await self._act()
                await self._meet()
                await fake.disconnect_all()
                await asyncio.sleep(random.random() * 20)
                fake.end_maintenance()
            case "delist":
                await self._delist()
        return True

    async def _delist(self) -> None:
        """Delist the market for a while, now and then until the gateway itself refuses orders."""
        fake, symbol = self._market.fake, self._market.market.symbol
        await self._rest()
        fake.delist(symbol)
        await self._act()
        is_told = self._random.random() < 0.2
        if is_told:
            await self._until_place(lambda code: code == "market_halted", "refused as delisted")
        else:
            await asyncio.sleep(self._random.random() * 20)
        fake.relist(symbol)
        await self._until_place(lambda code: code != "market_halted", "taken after it was listed again")

    async def _until_place(self, is_so: Callable[[object], bool], what: str) -> None:
        """Place orders until one is answered as it should be."""
        begin_s = self._now_s()
        while not is_so(await self._place()):
            if self._now_s() - begin_s > LISTED_S:
                self.problems.append(f"no order was {what}")
                return
            await asyncio.sleep(10)

    async def _happened(self, is_used: Callable[[], bool], again: Callable[[], object]) -> bool:
        """Wait until the fault has happened. What makes it happen is done now and then."""
        faults, begin_s = self._market.faults, self._now_s()
        while not is_used():
            if self._now_s() - begin_s > USED_WITHIN_S:
                faults.frames.clear()
                faults.requests.clear()
                faults.repeat_fills = 0
                return False
            made = again()
            if asyncio.iscoroutine(made):
                await made
            await asyncio.sleep(0.5)
        return True

    # --- what both do --------------------------------------------------------------------------------

    async def _act(self) -> None:
        chance = self._random.random()
        if chance < 0.5 or not self._placed:
            await self._place()
        elif chance < 0.7:
            await self._client.ask("order.cancel", client_order_id=self._random.choice(self._placed[-20:]))
        elif chance < 0.8:
            name = self._random.choice(self._placed[-20:])
            await self._client.ask("order.amend", client_order_id=name, quantity="0.005")
        else:
            await self._meet()

    async def _place(self) -> object:
        """Place an order of some kind, and do not wait for what comes of it. Return the code of a refusal."""
        random, price = self._random, MIDDLE + self._random.choice((-20, -10, 0, 10, 20))
        fields: dict[str, object] = {"price": str(price)}
        chance = random.random()
        if chance < 0.1:
            fields = {"type": "market"}
        elif chance < 0.2:
            fields["post_only"] = True
        elif chance < 0.35:
            fields["time_in_force"] = random.choice(("ioc", "fok"))
        elif chance < 0.45 and self._market.face.has_stops:
            fields |= {"type": "stop_limit", "stop_price": str(price + random.choice((-10, 0, 10)))}
        name = f"c{len(self._placed)}"
        self._placed.append(name)
        side, quantity = random.choice(("buy", "sell")), random.choice(("0.001", "0.01", "0.02"))
        return (await self._client.place(name, side=side, quantity=quantity, **fields)).get("code")

    async def _rest(self) -> None:
        """Have an order that rests, if the exchange takes it."""
        name = f"c{len(self._placed)}"
        self._placed.append(name)
        reply = await self._client.place(name, side="buy", quantity="0.02", price=str(MIDDLE + 30))
        if reply["status"] == "error":
            return
        for _ in range(100):
            if await self._client.state(name) not in ("submitting", "unknown"):
                return
            await asyncio.sleep(0.1)

    async def _meet(self) -> None:
        """Let others trade with the best orders of ours, or stand in the way of the next ones."""
        if not self._market.market.is_trading:
            return
        side = self._random.choice((Side.BUY, Side.SELL))
        ours = [order for order in self._market.core.open_orders("first") if order.side is not side]
        ticks = self._market.market.tick_e8
        if ours:
            best = (max if side is Side.SELL else min)(order.price_ticks or 0 for order in ours)
            self._market.trade(side, "0.003", best * ticks // 10**8)
        else:
            self._market.trade(side, "0.003", MIDDLE)

    # --- agreement -----------------------------------------------------------------------------------

    async def _agree(self) -> None:
        """Wait until both sides agree in everything."""
        faults, begin_s = self._market.faults, self._now_s()
        faults.requests.clear()
        faults.frames.clear()
        faults.repeat_fills = 0
        while wrong := await differences(self._client, [self._market], self._compared):
            if self._now_s() - begin_s > PATIENCE_S:
                self.problems += wrong
                return
            await asyncio.sleep(1)
        self._compared = max(self._market.orders_by_id(), default=0)
        held = self._client.gateway.desk.operators.quarantine()
        self.problems += [f"in quarantine: {one}" for one in held]

    async def _until(self, is_so: Callable[[], bool], what: str) -> None:
        begin_s = self._now_s()
        while not is_so():
            if self._now_s() - begin_s > PATIENCE_S:
                self.problems.append(f"never {what}")
                return
            await asyncio.sleep(0.1)

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()


async def make_noise(market: FakeMarket) -> None:
    """Keep prices on both sides, and change the book all the time: a feed without changes becomes stale."""
    core, symbol = market.core, market.market.symbol
    while True:
        await asyncio.sleep(0.7)
        if not market.market.is_trading:
            continue
        for side in Side:
            if not core.levels(symbol, side):
                market.make_prices()
        noise = [order for order in core.open_orders("second") if order.lots * order.market.step_e8 == 10**5]
        if noise:
            core.cancel(noise[0])
        else:
            market.trade(Side.BUY, "0.001", MIDDLE - 5_000)


async def session(face: Face, count: int, seed: str) -> Session:
    """Inject so many faults at a new exchange."""
    async with served(face) as market:
        with tempfile.TemporaryDirectory() as folder:
            async with beside(make_noise(market)), gateway_at(market, Path(folder)) as client:
                done = Session(market, client, Random(seed))
                await done.inject(count)
    return done


def run(face: Face, count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Inject so many faults at one face; return how many of each kind there were, and what is wrong."""
    faults: Counter[str] = Counter()
    while (left := count - faults.total()) > 0:
        name = f"{seed}.{faults.total()}"
        done = run_skipping(session(face, min(A_SESSION, left), name))
        faults += done.faults
        if done.problems:
            return faults, [f"session {name}: {problem}" for problem in done.problems]
    return faults, []


def main() -> None:
    """Run the faces that are named, one after the other."""
    parser = argparse.ArgumentParser(description="Inject faults into orders at the fake exchange.")
    parser.add_argument("--faults", type=int, default=200, help="how many at each face")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--face", action="append", choices=[str(face) for face in FACES])
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # It tells of each link that is gone.
    is_wrong = False
    for face in FACES:
        if not arguments.face or str(face) in arguments.face:
            begin_s = time.monotonic()
            faults, problems = run(face, arguments.faults, arguments.seed)
            print(f"{face}: {faults.total()} faults in {time.monotonic() - begin_s:.0f} s")
            for kind, number in sorted(faults.items()):
                print(f"  {kind:34}{number:6}")
            for problem in problems[:20]:
                print(f"  WRONG: {problem}")
            print(end="", flush=True)
            is_wrong |= bool(problems)
    raise SystemExit(is_wrong)


if __name__ == "__main__":
    main()
