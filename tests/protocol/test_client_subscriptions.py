"""What a client may subscribe to, and what each request changes."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from floorwire.core.authorization import Principal, Scope
from floorwire.core.codes import Code
from floorwire.protocol.requests import Resume
from floorwire.protocol.session_decisions import (
    SubscribePrivate,
    SubscribeTopics,
    UnsubscribeTopics,
)

from .session_client import A, B, C, Client, error, joined, left

# --- subscribe --------------------------------------------------------------------------------------


def test_the_channel_may_be_left_out_where_the_path_names_one() -> None:
    assert joined(Client("ticker").ask("subscribe", symbol="A")) == [A]
    assert joined(Client("ticker").ask("subscribe", symbol="A", channel="book")) == [("book", "A", None)]
    refused = error(Client(None).ask("subscribe", symbol="A"))
    assert (refused.code, refused.details) == (Code.BAD_REQUEST, {"field": "channel"})


@pytest.mark.parametrize(
    "more",
    [
        {"id": 1},
        {"channel": "ticker"},
        {"on_slow": "skip"},
        {"resume": {"epoch": "e", "seq": 1}},
    ],
)
def test_only_the_articles_form_is_minimal(more: dict[str, object]) -> None:
    asked = Client().ask("subscribe", symbol="A", **more)
    assert isinstance(asked, SubscribeTopics)
    assert not asked.minimal


def test_the_articles_form_is_minimal_on_its_path() -> None:
    client = Client("ticker")
    asked, gone = client.ask("subscribe", symbol="A"), client.ask("unsubscribe", symbol="A")
    assert isinstance(asked, SubscribeTopics)
    assert isinstance(gone, UnsubscribeTopics)
    assert (asked.minimal, gone.minimal) == (True, True)
    client.ask("subscribe", symbol="A")
    full = client.ask("unsubscribe", symbol="A", channel="ticker")
    assert isinstance(full, UnsubscribeTopics)
    assert not full.minimal


def test_the_same_subscription_again_takes_the_place_of_the_first() -> None:
    client = Client(subscriptions=1)
    client.ask("subscribe", symbol="A")
    assert joined(client.ask("subscribe", symbol="a")) == [A]
    assert [choice.asked for choice in client.session.subscriptions.topics.values()] == ["a"]


def test_several_symbols_are_one_decision_without_duplicates() -> None:
    client = Client()
    assert joined(client.ask("subscribe", symbols=["A", "B", "a"])) == [A, B]
    assert list(client.session.subscriptions.topics) == [A, B]


def test_several_symbols_are_all_or_none() -> None:
    client = Client()
    assert error(client.ask("subscribe", symbols=["A", "?"])).code == Code.UNKNOWN_SYMBOL
    assert not client.session.subscriptions.topics


def test_a_channel_without_symbols() -> None:
    assert joined(Client(None).ask("subscribe", channel="heartbeat")) == [("heartbeat", None, None)]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"symbol": "A", "symbols": ["B"]}, Code.BAD_REQUEST, "symbols"),
        ({"symbols": ["A", "B"], "resume": {"epoch": "e", "seq": 1}}, Code.BAD_REQUEST, "resume"),
        ({"symbol": "A", "channel": "book", "on_slow": "skip"}, Code.BAD_REQUEST, "on_slow"),
        ({"symbol": "A", "depth": 5}, Code.BAD_REQUEST, "depth"),
        ({"symbol": "A", "depth": 0}, Code.BAD_REQUEST, "depth"),
        ({}, Code.BAD_REQUEST, "symbol"),
        ({"symbol": "A", "channel": "news"}, Code.UNKNOWN_CHANNEL, None),
        ({"symbol": "1"}, Code.UNKNOWN_SYMBOL, None),
    ],
)
def test_what_cannot_be_subscribed_to(fields: dict[str, object], code: Code, field: str | None) -> None:
    client = Client()
    refused = error(client.ask("subscribe", id=3, **fields))
    assert (refused.code, refused.id) == (code, 3)
    assert refused.details == (UNSET if field is None else {"field": field})
    assert not client.session.subscriptions.topics


def test_resume_and_options_reach_the_decision() -> None:
    asked = Client().ask("subscribe", channel="book", symbols=["A"], depth=5, resume={"epoch": "e", "seq": 9})
    assert isinstance(asked, SubscribeTopics)
    assert asked.request.resume == Resume("e", 9)
    assert joined(asked) == [("book", "A", 5)]


def test_the_contract_is_the_clients_or_else_the_channels() -> None:
    default, chosen = (
        Client().ask("subscribe", symbol="A"),
        Client().ask("subscribe", symbol="A", on_slow="disconnect"),
    )
    assert isinstance(default, SubscribeTopics)
    assert isinstance(chosen, SubscribeTopics)
    assert default.contract(default.choices[0]) == "conflate"
    assert chosen.contract(chosen.choices[0]) == "disconnect"


def test_a_connection_holds_so_many_subscriptions() -> None:
    client = Client(subscriptions=3)
    client.ask("subscribe", symbols=["A", "B"])
    refused = error(client.ask("subscribe", symbols=["C", "D"]))
    assert (refused.code, refused.details) == (Code.TOO_MANY_SUBSCRIPTIONS, {"limit": 3, "held": 2})
    assert list(client.session.subscriptions.topics) == [A, B]
    assert joined(client.ask("subscribe", symbols=["C", "B"])) == [C, B]


def test_more_symbols_than_may_be_held_are_refused_unread() -> None:
    refused = error(Client(subscriptions=3).ask("subscribe", symbols=["?", "?", "?", "?"]))
    assert (refused.code, refused.details) == (Code.TOO_MANY_SUBSCRIPTIONS, {"limit": 3, "held": 0})


@pytest.mark.parametrize("symbols", [[], ["A"], ["A", "B"]])
def test_private_channels_count_as_subscriptions(symbols: list[str]) -> None:
    client = Client(subscriptions=2)
    client.session.principal = Principal("alice", "k1", frozenset((Scope.MARKET, Scope.ACCOUNT)))
    if symbols:
        assert isinstance(client.ask("subscribe", symbols=symbols), SubscribeTopics)
    channels = ["orders", "fills", "balances"]
    free = 2 - len(symbols)
    for channel in channels[:free]:
        assert isinstance(client.ask("subscribe", channel=channel), SubscribePrivate)
    refused = error(client.ask("subscribe", channel=channels[free]))
    assert (refused.code, refused.details) == (Code.TOO_MANY_SUBSCRIPTIONS, {"limit": 2, "held": 2})
    assert list(client.session.subscriptions.private_channels) == channels[:free]
    for channel in channels[:free]:
        assert isinstance(client.ask("subscribe", channel=channel), SubscribePrivate), "it holds it already"
    refused = error(client.ask("subscribe", symbol="C"))
    assert refused.code == Code.TOO_MANY_SUBSCRIPTIONS


# --- unsubscribe ------------------------------------------------------------------------------------


def test_unsubscribe_forgets_what_was_held() -> None:
    client = Client()
    client.ask("subscribe", symbols=["A", "B", "C"])
    assert left(client.ask("unsubscribe", symbols=["A", "C", "a"])) == [A, C]
    assert list(client.session.subscriptions.topics) == [B]


def test_unsubscribe_is_all_or_none() -> None:
    client = Client()
    client.ask("subscribe", symbols=["A", "B"])
    refused = error(client.ask("unsubscribe", symbols=["A", "C"], id=4))
    assert (refused.code, refused.id) == (Code.NOT_SUBSCRIBED, 4)
    assert "ticker C" in refused.message
    assert list(client.session.subscriptions.topics) == [A, B]


def test_another_option_is_another_subscription() -> None:
    client = Client()
    client.ask("subscribe", channel="book", symbol="A", depth=5)
    refused = error(client.ask("unsubscribe", channel="book", symbol="A", depth=10))
    assert refused.code == Code.NOT_SUBSCRIBED
    assert "book A 10" in refused.message
