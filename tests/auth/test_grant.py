from __future__ import annotations

from decimal import Decimal
from ipaddress import ip_network
from typing import TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.auth.grant import (
    Grant,
    GrantError,
    amount,
    deposits,
    exceeds,
    expiry,
    is_out_of_reach,
    networks,
    scopes,
)
from floorwire.core.authorization import Action, Scope, decide
from floorwire.core.ports import Prices
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from tests.auth.parts import NOW, S

DAY = 86_400 * S


class Fields(TypedDict, total=False):
    account: str
    scopes: tuple[Scope, ...]
    symbols: tuple[str, ...]
    accounts: tuple[str, ...]
    max_notional: str
    addresses: tuple[str, ...]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (Fields(account=""), "account"),
        (Fields(account="a b"), "account"),
        (Fields(account="-a"), "account"),
        (Fields(account="a" * 65), "account"),
        (Fields(scopes=()), "scopes"),
        (Fields(symbols=()), "symbols"),
        (Fields(symbols=("BTCUSDT",)), "symbols"),
        (Fields(symbols=("btc-usdt",)), "symbols"),
        (Fields(symbols=("BTC-USDT",) * 1001), "symbols"),
        (Fields(accounts=("bob",)), "accounts"),
        (Fields(accounts=("alice", "b b")), "accounts"),
        (Fields(max_notional="0"), "max_notional"),
        (Fields(max_notional="-1"), "max_notional"),
        (Fields(max_notional="1e5"), "max_notional"),
        (Fields(max_notional="NaN"), "max_notional"),
        (Fields(addresses=("192.0.2.1/24",)), "addresses"),
        (Fields(addresses=("nowhere",)), "addresses"),
        (Fields(addresses=("192.0.2.1",) * 1001), "addresses"),
    ],
)
def test_what_cannot_be_granted_names_its_field(fields: Fields, field: str) -> None:
    whole: Fields = {"account": "alice", "scopes": (Scope.MARKET,), **fields}
    with pytest.raises(GrantError, match=f"^{field}: ") as raised:
        Grant(**whole)
    assert raised.value.field == field


def test_a_grant_becomes_a_principal() -> None:
    given = Grant(
        "alice",
        (Scope.MARKET, Scope.TRADE),
        symbols=("BTC-USDT", "okx:ETH-USDT"),
        accounts=("alice", "bob"),
        max_notional="1000.50",
        addresses=("192.0.2.0/24", "2001:db8::1"),
        expires_us=NOW,
    )
    principal = given.principal("k1")
    assert (principal.key, principal.account) == ("k1", "alice")
    assert principal.scopes == {Scope.MARKET, Scope.TRADE}
    assert principal.symbols == frozenset({"BTC-USDT", "okx:ETH-USDT"})
    assert principal.accounts == frozenset({"alice", "bob"})
    assert principal.max_notional == Decimal("1000.50")
    assert principal.networks == (ip_network("192.0.2.0/24"), ip_network("2001:db8::1"))
    assert principal.expires_us == NOW


def test_a_grant_is_stored_as_json_and_comes_back() -> None:
    given = Grant("alice", (Scope.ADMIN,), symbols=("BTC-USDT",), addresses=("::1",))
    assert msgspec.json.decode(msgspec.json.encode(given), type=Grant) == given


def test_a_stored_grant_that_breaks_a_rule_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="account"):
        msgspec.json.decode(b'{"account":"a b","scopes":["market"]}', type=Grant)


def test_scopes() -> None:
    assert scopes("market, trade,market") == (Scope.MARKET, Scope.TRADE)
    with pytest.raises(GrantError, match="market, account, trade, admin"):
        scopes("market,everything")


@pytest.mark.parametrize(
    ("text", "expires_us"),
    [
        ("90s", NOW + 90 * S),
        ("1h", NOW + 3_600 * S),
        ("30d", NOW + 30 * DAY),
        ("2w", NOW + 14 * DAY),
        ("2027-01-16", 1_800_057_600 * S),
        ("2027-01-15T09:00:00+01:00", NOW),
    ],
)
def test_expiry(text: str, expires_us: int) -> None:
    assert expiry(text, NOW - 1) in (expires_us, expires_us - 1)


@pytest.mark.parametrize("text", ["", "30", "0d", "d", "soon", "2027-13-01", "2020-01-01", "9999999d"])
def test_what_is_no_expiry(text: str) -> None:
    with pytest.raises(GrantError):
        expiry(text, NOW)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("BTC=0.000000001", "finer than 8 decimals"),
        ("USDT=1.123456789", "finer than 8 decimals"),
        ("USDT=46116860185", "more than 46116860184"),
        ("USDT=999999999999999999", "more than 46116860184"),
    ],
)
def test_a_deposit_that_would_not_all_be_credited_is_refused(text: str, reason: str) -> None:
    with pytest.raises(GrantError, match=reason):
        deposits([text])


def test_a_deposit_that_is_allowed_is_credited_whole() -> None:
    asked = {"BTC": "0.00000001", "USDT": "46116860184", "ETH": "1.100000000000000000"}
    assert deposits([f"{asset}={text}" for asset, text in asked.items()]) == asked
    manager = OrderManager(TradingRules(), lambda _: Prices(0, 0, 0, "live"))
    for number, (asset, text) in enumerate(asked.items(), 1):
        manager.deposit("alice", asset, text, number, 1)
        [balance] = [held for held in manager.balances("alice") if held.asset == asset]
        assert Decimal(balance.total).scaleb(-balance.decimals) == Decimal(text)


def test_deposits() -> None:
    assert deposits(["USDT=1000000", "btc=0.5"]) == {"USDT": "1000000", "BTC": "0.5"}


@pytest.mark.parametrize(
    "texts", [["USDT"], ["=5"], ["USDT=0"], ["USDT=1", "usdt=2"], ["US DT=1"], ["USDT=x"]]
)
def test_what_is_no_deposit(texts: list[str]) -> None:
    with pytest.raises(GrantError, match="deposit"):
        deposits(texts)


@given(st.text())
def test_no_text_but_a_positive_decimal_is_an_amount(text: str) -> None:
    try:
        value = amount("amount", text)
    except GrantError:
        return
    assert value > 0
    assert Decimal(text) == value


def test_networks() -> None:
    assert networks("x", ["192.0.2.7"]) == (ip_network("192.0.2.7/32"),)


ALL = tuple(Scope)


@pytest.mark.parametrize(
    ("giver", "given_", "field"),
    [
        (Grant("root", ALL), Grant("bob", ALL), None),
        (Grant("root", ALL, accounts=("root", "bob")), Grant("bob", (Scope.TRADE,)), None),
        (Grant("root", ALL, accounts=("root", "bob")), Grant("carol", (Scope.TRADE,)), "accounts"),
        (
            Grant("root", ALL, accounts=("root", "bob")),
            Grant("bob", (Scope.TRADE,), accounts=("bob", "carol")),
            "accounts",
        ),
        (Grant("root", ALL, accounts=("root", "bob")), Grant("bob", ALL), "accounts"),
        (
            Grant("root", ALL, accounts=("root", "bob")),
            Grant("bob", ALL, accounts=("bob",)),
            None,
        ),
        (Grant("root", ALL, symbols=("BTC-USDT",)), Grant("bob", (Scope.TRADE,)), "symbols"),
        (
            Grant("root", ALL, symbols=("BTC-USDT",)),
            Grant("bob", (Scope.TRADE,), symbols=("BTC-USDT", "ETH-USDT")),
            "symbols",
        ),
        (
            Grant("root", ALL, symbols=("BTC-USDT",)),
            Grant("bob", (Scope.TRADE,), symbols=("okx:BTC-USDT",)),
            None,
        ),
        (Grant("root", ALL, expires_us=NOW), Grant("bob", (Scope.TRADE,)), "expires"),
        (
            Grant("root", ALL, expires_us=NOW),
            Grant("bob", (Scope.TRADE,), expires_us=NOW + 1),
            "expires",
        ),
        (Grant("root", ALL, expires_us=NOW), Grant("bob", (Scope.TRADE,), expires_us=NOW), None),
        (Grant("root", ALL, max_notional="10"), Grant("bob", (Scope.TRADE,)), "max_notional"),
        (
            Grant("root", ALL, max_notional="10"),
            Grant("bob", (Scope.TRADE,), max_notional="10.1"),
            "max_notional",
        ),
        (
            Grant("root", ALL, max_notional="10"),
            Grant("bob", (Scope.TRADE,), max_notional="9"),
            None,
        ),
    ],
)
def test_nobody_hands_out_more_than_they_have(giver: Grant, given_: Grant, field: str | None) -> None:
    assert exceeds(giver.principal("k0"), given_) == field


NETWORKS = (
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.3",
    "10.0.0.0/9",
    "10.128.0.0/9",
    "2001:db8::/32",
    "2001:db8::1",
)
PLACES = ("10.1.2.3", "10.200.0.1", "2001:db8::1", "2001:db8::2", "192.0.2.1")
ACCOUNTS, SYMBOLS = ("a", "b", "c"), ("BTC-USDT", "ETH-USDT", "okx:BTC-USDT")
NOTIONALS, TIMES = ("1", "10", "10.5"), (NOW, NOW + 1, NOW + 2)


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    """Return any grant over a small world, so that grants often cover each other."""
    account = draw(st.sampled_from(ACCOUNTS))
    accounts = draw(st.none() | st.sets(st.sampled_from(ACCOUNTS)))
    return Grant(
        account,
        tuple(draw(st.sets(st.sampled_from(Scope), min_size=1))),
        symbols=draw(st.none() | st.sets(st.sampled_from(SYMBOLS), min_size=1).map(tuple)),
        accounts=None if accounts is None else tuple(accounts | {account}),
        max_notional=draw(st.none() | st.sampled_from(NOTIONALS)),
        addresses=tuple(draw(st.sets(st.sampled_from(NETWORKS), max_size=2))),
        expires_us=draw(st.none() | st.sampled_from(TIMES)),
    )


@given(grants(), grants())
def test_what_a_given_key_may_do_its_giver_may_do_or_give(giver: Grant, given_: Grant) -> None:
    """In each dimension: scope, account, symbol, worth, address and time."""
    maker, made = giver.principal("k0"), given_.principal("k1")
    if exceeds(maker, given_) is not None:
        return
    is_admin = Scope.ADMIN in maker.scopes
    for action in Action:
        for account, symbol in ((None, None), (made.account, None), (None, "BTC-USDT")):
            may = decide(made, action, NOW - 1, account=account, symbol=symbol) is None
            if may and maker.account == made.account:
                assert decide(maker, action, NOW - 1, account=account, symbol=symbol) is None
    for account in ACCOUNTS:
        if made.acts_for(account, as_admin=Scope.ADMIN in made.scopes):
            assert maker.acts_for(account, as_admin=is_admin)
    for symbol in SYMBOLS:
        assert maker.sees(symbol) or not made.sees(symbol)
    for place in PLACES:
        assert maker.comes_from(place) or not made.comes_from(place)
    for at_us in (NOW - 1, *TIMES, NOW + 3):
        for notional in (Decimal(text) for text in (*NOTIONALS, "11")):
            actions = [
                decide(one, Action.ORDER_PLACE, at_us, symbol="BTC-USDT", notional=notional) is None
                for one in (
                    made,
                    msgspec.structs.replace(maker, scopes=frozenset(Scope), symbols=made.symbols),
                )
            ]
            assert actions[1] or not actions[0]


@given(grants())
def test_a_key_may_give_its_own_grant(one: Grant) -> None:
    assert exceeds(one.principal("k0"), one) is None


@given(grants(), grants(), grants())
def test_no_chain_of_keys_leads_to_more(first: Grant, second: Grant, third: Grant) -> None:
    if exceeds(first.principal("k0"), second) is None and exceeds(second.principal("k1"), third) is None:
        assert exceeds(first.principal("k0"), third) is None


NARROW = Grant(
    "a", (Scope.ADMIN, Scope.MARKET), symbols=("BTC-USDT",), accounts=("a", "b"), max_notional="10",
    addresses=("10.0.0.0/8",), expires_us=NOW,
)  # fmt: skip


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("account", {"account": "c", "accounts": ("a", "b", "c")}),
        ("accounts", {"accounts": ("a", "b", "c")}),
        ("accounts", {"accounts": None}),
        ("symbols", {"symbols": ("ETH-USDT",)}),
        ("symbols", {"symbols": None}),
        ("max_notional", {"max_notional": "10.1"}),
        ("max_notional", {"max_notional": None}),
        ("addresses", {"addresses": ("10.0.0.1", "11.0.0.1")}),
        ("addresses", {"addresses": ("0.0.0.0/0",)}),
        ("addresses", {"addresses": ("::1",)}),
        ("addresses", {"addresses": ("::/0",)}),
        ("addresses", {"addresses": ()}),
        ("expires_us", {"expires_us": NOW + 1}),
        ("expires_us", {"expires_us": None}),
    ],
)
def test_each_field_is_bounded_by_the_givers(field: str, more: dict[str, object]) -> None:
    said = exceeds(NARROW.principal("k0"), msgspec.structs.replace(NARROW, **more))
    assert said == {"account": "accounts", "expires_us": "expires"}.get(field, field)


def test_an_admin_gives_only_the_scopes_that_it_has() -> None:
    """To administer keys is not to hold their scopes. Who reads metrics as an admin may give that."""
    operator = Grant("ops", (Scope.ADMIN, Scope.MARKET)).principal("k0")
    for scope in Scope:
        allowed = scope in (Scope.ADMIN, Scope.MARKET, Scope.MONITOR)
        assert exceeds(operator, Grant("bob", (scope,))) == (None if allowed else "scopes")
    trader = Grant("a", (Scope.TRADE,)).principal("k0")
    assert exceeds(trader, Grant("a", (Scope.TRADE, Scope.MARKET))) == "scopes"
    assert exceeds(trader, Grant("a", (Scope.TRADE, Scope.MONITOR))) == "scopes"
    assert exceeds(trader, Grant("b", (Scope.TRADE,))) == "accounts"
    assert exceeds(trader, Grant("a", (Scope.TRADE,))) is None


def test_an_admin_of_some_accounts_gives_no_key_that_reads_of_all() -> None:
    operator = Grant("ops", ALL, accounts=("ops", "bob")).principal("k0")
    assert exceeds(operator, Grant("bob", (Scope.MONITOR,))) == "accounts"
    assert exceeds(operator, Grant("bob", (Scope.MONITOR,), accounts=("bob",))) is None


def test_ending_a_key_needs_no_scope_of_it_but_all_else() -> None:
    operator = Grant("ops", (Scope.ADMIN,), symbols=("BTC-USDT",)).principal("k0")
    assert not is_out_of_reach(operator, Grant("bob", (Scope.TRADE,), symbols=("BTC-USDT",)))
    assert is_out_of_reach(operator, Grant("bob", (Scope.TRADE,)))


def test_no_field_is_forgotten() -> None:
    named = {"account", "scopes", "symbols", "accounts", "max_notional", "addresses", "expires_us"}
    assert set(Grant.__struct_fields__) == named, "a new field needs a line in grant.COVERED, and tests here"


def test_two_halves_are_a_whole_network() -> None:
    halves = Grant("a", (Scope.ADMIN,), addresses=("10.0.0.0/9", "10.128.0.0/9")).principal("k0")
    assert exceeds(halves, Grant("a", (Scope.ADMIN,), addresses=("10.0.0.0/8",))) is None
