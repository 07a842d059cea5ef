"""Every decision of core/authorization.py, without a server."""

from __future__ import annotations

from decimal import Decimal
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.authorization import ANONYMOUS, ANONYMOUS_MARKET, Action, Principal, Scope, decide
from floorwire.core.codes import Code

NOW = 1_800_000_000_000_000


def key(*scopes: Scope, **more: object) -> Principal:
    fields = {"account": "alice", "key": "k1", "scopes": frozenset(scopes), **more}
    return Principal(**fields)  # type: ignore[arg-type]


EVERYTHING = key(*Scope)
SCOPED = [action for action in Action if action.scope is not None]


@pytest.mark.parametrize("action", SCOPED)
@pytest.mark.parametrize("scope", Scope)
def test_an_action_needs_its_scope_and_no_other(action: Action, scope: Scope) -> None:
    refusal = decide(key(scope), action, NOW)
    assert (refusal is None) is (action.scope is scope or (action, scope) == (Action.METRICS, Scope.ADMIN))
    if refusal is not None:
        assert refusal.code is Code.FORBIDDEN
        assert refusal.details == {"scope": action.scope}


@pytest.mark.parametrize("action", Action)
def test_a_stranger_may_do_only_what_needs_no_scope(action: Action) -> None:
    refusal = decide(ANONYMOUS, action, NOW)
    assert (refusal is None) is (action.scope is None)
    assert refusal is None or refusal.code is Code.UNAUTHENTICATED


def test_a_monitor_may_read_numbers_and_nothing_else() -> None:
    allowed = {action for action in SCOPED if decide(key(Scope.MONITOR), action, NOW) is None}
    assert allowed == {Action.METRICS}


def test_a_guest_may_watch_the_market_and_nothing_else() -> None:
    allowed = {action for action in SCOPED if decide(ANONYMOUS_MARKET, action, NOW) is None}
    assert allowed == {Action.SUBSCRIBE, Action.SYMBOLS}


def test_expiry_holds_from_its_microsecond_on() -> None:
    principal = key(Scope.TRADE, expires_us=NOW)
    assert decide(principal, Action.ORDER_PLACE, NOW - 1) is None
    refusal = decide(principal, Action.ORDER_PLACE, NOW)
    assert refusal is not None
    assert refusal.code is Code.UNAUTHENTICATED
    assert decide(principal, Action.PING, NOW) is None


@pytest.mark.parametrize(
    ("symbol", "allowed"),
    [
        ("BTC-USDT", True),
        ("binance:BTC-USDT", True),
        ("okx:ETH-USDT", True),
        ("ETH-USDT", False),
        ("binance:ETH-USDT", False),
        ("XBTC-USDT", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("action", [Action.SUBSCRIBE, Action.ORDER_PLACE, Action.ORDER_CANCEL])
def test_a_narrowed_key_sees_and_trades_its_symbols(action: Action, symbol: str, allowed: bool) -> None:
    principal = key(*Scope, symbols=frozenset({"BTC-USDT", "okx:ETH-USDT"}))
    refusal = decide(principal, action, NOW, symbol=symbol)
    assert (refusal is None) is allowed
    assert refusal is None or (refusal.code, refusal.details) == (Code.FORBIDDEN, {"symbol": symbol})


@pytest.mark.parametrize("action", SCOPED)
def test_a_narrowed_key_may_not_touch_the_orders_of_all_symbols_at_once(action: Action) -> None:
    refusal = decide(key(*Scope, symbols=frozenset({"BTC-USDT"})), action, NOW)
    assert (refusal is not None) is (action.one_symbol or action.about_all)
    assert decide(EVERYTHING, action, NOW) is None


@pytest.mark.parametrize(
    ("accounts", "action", "account", "allowed"),
    [
        (None, Action.ORDER_PLACE, "alice", True),
        (None, Action.ORDER_PLACE, "bob", False),
        (None, Action.BALANCES, "bob", False),
        (None, Action.KEYS_REVOKE, "bob", True),
        ({"alice", "bob"}, Action.ORDER_PLACE, "bob", True),
        ({"alice", "bob"}, Action.ORDER_PLACE, "carol", False),
        ({"alice", "bob"}, Action.KEYS_REVOKE, "bob", True),
        ({"alice", "bob"}, Action.KEYS_REVOKE, "carol", False),
    ],
)
def test_accounts(accounts: set[str] | None, action: Action, account: str, allowed: bool) -> None:
    principal = key(*Scope, accounts=None if accounts is None else frozenset(accounts))
    refusal = decide(principal, action, NOW, account=account)
    assert (refusal is None) is allowed
    assert refusal is None or refusal.details == {"account": account}


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("192.0.2.7", True),
        ("::ffff:192.0.2.7", True),
        ("192.0.3.7", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("a.unix.socket", False),
        ("", False),
    ],
)
def test_addresses(address: str, allowed: bool) -> None:
    principal = key(*Scope, networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")))
    refusal = decide(principal, Action.SUBSCRIBE, NOW, address=address)
    assert (refusal is None) is allowed
    assert decide(EVERYTHING, Action.SUBSCRIBE, NOW, address=address) is None


def test_the_largest_order() -> None:
    principal = key(Scope.TRADE, max_notional=Decimal("1000.50"))
    assert decide(principal, Action.ORDER_PLACE, NOW, notional=Decimal("1000.50")) is None
    refusal = decide(principal, Action.ORDER_PLACE, NOW, notional=Decimal("1000.51"))
    assert refusal is not None
    assert refusal.code is Code.MAX_NOTIONAL
    assert refusal.details == {"limit": "1000.50", "notional": "1000.51"}


@given(
    scopes=st.frozensets(st.sampled_from(Scope)),
    symbols=st.none() | st.frozensets(st.sampled_from(["BTC-USDT", "ETH-USDT"])),
    accounts=st.none() | st.frozensets(st.sampled_from(["alice", "bob"])),
    expires=st.none() | st.sampled_from([NOW, NOW + 1]),
    action=st.sampled_from(SCOPED),
    symbol=st.none() | st.sampled_from(["BTC-USDT", "v:ETH-USDT"]),
    account=st.none() | st.sampled_from(["alice", "bob"]),
)
def test_narrowing_never_widens(
    scopes: frozenset[Scope],
    symbols: frozenset[str] | None,
    accounts: frozenset[str] | None,
    expires: int | None,
    action: Action,
    symbol: str | None,
    account: str | None,
) -> None:
    narrow = Principal("alice", "k", scopes, symbols, accounts, expires_us=expires)
    wide = Principal("alice", "k", scopes, None, frozenset({"alice", "bob"}))
    if decide(narrow, action, NOW, symbol=symbol, account=account) is None:
        assert decide(wide, action, NOW, symbol=symbol, account=account) is None
        assert action.scope in scopes or (action is Action.METRICS and Scope.ADMIN in scopes)
        assert expires is None or expires > NOW


@pytest.mark.parametrize(
    "action", [Action.METRICS, Action.JOURNAL, Action.REPLAYS_LIST, Action.REPLAYS_CONTROL]
)
@pytest.mark.parametrize("narrowed", [{"accounts": frozenset({"ann"})}, {"symbols": frozenset({"BTC-USDT"})}])
def test_what_tells_of_all_accounts_is_for_no_narrowed_key(
    action: Action, narrowed: dict[str, frozenset[str]]
) -> None:
    assert decide(key(Scope.ADMIN), action, NOW) is None
    refusal = decide(key(Scope.ADMIN, **narrowed), action, NOW)
    assert refusal is not None
    assert refusal.code is Code.FORBIDDEN
