from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.auth.admin_reach import deposit_refusal, halt_refusal, limits_refusal
from floorwire.auth.grant import Grant
from floorwire.core.account_events import HaltScope
from floorwire.core.authorization import Principal, Scope
from floorwire.core.codes import Code
from floorwire.core.risk_limits import Limits
from floorwire.core.venue_names import VenueNames


def admin(
    symbols: tuple[str, ...] | None = None,
    accounts: tuple[str, ...] | None = None,
    max_notional: str | None = None,
) -> Principal:
    grant = Grant("ops", (Scope.ADMIN,), symbols=symbols, accounts=accounts, max_notional=max_notional)
    return grant.principal("k0")


@pytest.mark.parametrize(
    ("who", "scope", "name", "may"),
    [
        (admin(), "all", "", True),
        (admin(), "key", "k1", True),
        (admin(accounts=("ops", "bob")), "account", "bob", True),
        (admin(accounts=("ops", "bob")), "account", "carol", False),
        (admin(accounts=("ops", "bob")), "symbol", "BTC-USDT", False),
        (admin(accounts=("ops", "bob")), "key", "k1", False),
        (admin(accounts=("ops", "bob")), "all", "", False),
        (admin(symbols=("BTC-USDT",)), "symbol", "BTC-USDT", True),
        (admin(symbols=("BTC-USDT",)), "symbol", "ETH-USDT", False),
        (admin(symbols=("BTC-USDT",)), "account", "bob", False),
        (admin(symbols=("BTC-USDT",)), "key", "k1", False),
        (admin(symbols=("BTC-USDT",)), "all", "", False),
        (admin(symbols=("BTC-USDT",), accounts=("ops",)), "account", "ops", False),
        (admin(symbols=("BTC-USDT",), accounts=("ops",)), "symbol", "BTC-USDT", False),
    ],
)
def test_halts(who: Principal, scope: HaltScope, name: str, may: bool) -> None:
    refusal = halt_refusal(who, scope, name)
    assert (refusal is None) is may
    assert refusal is None or refusal.code is Code.FORBIDDEN


@given(
    st.none() | st.sampled_from(["1", "10", "10.5"]), st.none() | st.sampled_from(["1", "10", "10.1", "11"])
)
def test_no_admin_allows_a_larger_order_than_its_own(own: str | None, given_: str | None) -> None:
    refusal = limits_refusal(admin(max_notional=own), Limits(max_order_notional=given_))
    is_less = own is None or (given_ is not None and float(given_) <= float(own))
    assert (refusal is None) is is_less


def test_assets_of_the_admins_symbols() -> None:
    who = admin(symbols=("BTC-USDT", "okx:ETH-EUR"))
    names = VenueNames("sim")
    assert deposit_refusal(who, ["BTC", "USDT", "okx:ETH", "okx:EUR", "okx:BTC"], names) is None
    assert deposit_refusal(who, ["ETH", "okx:ETH", "sim:BTC"], VenueNames("okx")) is None
    for asset in ("SOL", "ETH", "sim:ETH", "okx:SOL", "other:EUR"):
        refusal = deposit_refusal(who, ["BTC", asset], names)
        assert refusal is not None, asset
        assert (refusal.code, refusal.details) == (Code.FORBIDDEN, {"field": "deposit"})
    assert deposit_refusal(admin(), ["SOL"]) is None
