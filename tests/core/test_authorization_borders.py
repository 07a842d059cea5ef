"""What a refusal tells programs beside its code: the field that is at fault, and what was asked."""

from __future__ import annotations

from ipaddress import ip_network

from floorwire.core.authorization import Action, Principal, Scope, decide
from floorwire.core.codes import Code

NOW = 1_800_000_000_000_000
NARROW = Principal(
    "alice",
    "k1",
    frozenset(Scope),
    symbols=frozenset({"BTC-USDT"}),
    networks=(ip_network("192.0.2.0/24"),),
)


def test_an_address_that_a_key_is_not_for_is_said_back() -> None:
    assert decide(NARROW, Action.ORDER_PLACE, NOW, symbol="BTC-USDT", address="192.0.2.1") is None
    refusal = decide(NARROW, Action.ORDER_PLACE, NOW, symbol="BTC-USDT", address="198.51.100.7")
    assert refusal is not None
    assert (refusal.code, refusal.details) == (Code.FORBIDDEN, {"address": "198.51.100.7"})
    assert refusal.wait_us == 0, "it does not pass with time"


def test_who_names_no_symbol_where_one_is_needed_is_told_which_field() -> None:
    refusal = decide(NARROW, next(action for action in Action if action.one_symbol), NOW)
    assert refusal is not None
    assert (refusal.code, refusal.details) == (Code.FORBIDDEN, {"symbol": ""})
