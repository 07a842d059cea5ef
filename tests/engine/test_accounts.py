from __future__ import annotations

from floorwire.core.ports import Prices
from floorwire.engine.house import House, Rules
from floorwire.engine.ledger import MOST_UNITS


def _prices(_: str) -> Prices:
    return Prices(0, 0, 0, "live")


def test_a_snapshot_holds_sums_that_no_account_may_have() -> None:
    house = House(Rules(), _prices)
    most = str(MOST_UNITS // 10**8)
    for number in range(1, 10):
        house.deposit(f"account{number}", "USDT", most, number, 0)
    restored = House.restored(house.snapshot(), Rules(), _prices)
    assert restored.conserved()
    assert restored.balances("account9") == house.balances("account9")
    assert restored.state_hash() == house.state_hash()
