"""The seed decides which client subscribes to which symbols."""

from __future__ import annotations

import msgspec

from floorwire.cli.load.frames import mask
from floorwire.cli.load.subscription import SubscriptionPlan
from floorwire.protocol.requests import Subscribe

NAMES = tuple(f"S{number:03}-USDT" for number in range(100))


def requests(plan: SubscriptionPlan, clients: int, seed: int) -> list[Subscribe]:
    payloads = [mask(frame[8 if frame[1] & 127 == 126 else 6 :]) for frame in plan.frames(clients, seed)]
    return [msgspec.json.decode(payload, type=Subscribe) for payload in payloads]


def test_one_symbol_is_named_alone() -> None:
    (request,) = requests(SubscriptionPlan("ticker", ("BTC-USDT",), each=5), clients=1, seed=1)
    assert request == Subscribe(channel="ticker", symbol="BTC-USDT")


def test_each_client_draws_different_symbols() -> None:
    drawn = [
        request.symbols
        for request in requests(SubscriptionPlan("ticker", NAMES, each=20), clients=50, seed=1)
    ]
    assert all(isinstance(symbols, tuple) and len(set(symbols)) == 20 for symbols in drawn)
    assert len(set(drawn)) == 50


def test_the_seed_decides_which_symbols_are_drawn() -> None:
    subscription = SubscriptionPlan("trades", NAMES, each=3, on_slow="skip")
    assert subscription.frames(5, seed=1) == subscription.frames(5, seed=1) != subscription.frames(5, seed=2)
    assert requests(subscription, clients=1, seed=1)[0].on_slow == "skip"
