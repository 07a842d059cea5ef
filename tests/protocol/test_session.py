"""The session: what one client's messages lead to, decided without a socket."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest
from msgspec import UNSET

from floorwire.core.authorization import Principal, Scope
from floorwire.core.codes import CloseCode, Code
from floorwire.protocol.codec import JSON, MSGPACK
from floorwire.protocol.cost_budget import (
    REQUEST_US,
    SHARED_BURST,
    SHARED_PER_S,
    SYMBOL_US,
    ClientBudget,
    CostBudget,
    SharedBudgets,
)
from floorwire.protocol.replies import Error, Pong
from floorwire.protocol.requests import Resume
from floorwire.protocol.session import (
    BURST_S,
    MALFORMED_BURST,
    MALFORMED_PER_S,
    REFUSED_BURST_S,
    CloseConnection,
    Decision,
    ListSubscriptions,
    ListSymbols,
    SendReply,
    Session,
    SessionLimits,
    SubscribePrivate,
    SubscribeTopics,
    UnsubscribeTopics,
)
from floorwire.protocol.topic import TopicName

from .catalogue import Shelf

START_US = 1_700_000_000_000_000
RATE = 10
A, B, C = (TopicName("ticker", symbol, None) for symbol in "ABC")


class Client:
    """A client of one session, whose clock stands still unless told."""

    def __init__(self, default_channel: str | None = "ticker", subscriptions: int = 3) -> None:
        self.session = Session(JSON, default_channel, Shelf(), SessionLimits(RATE, subscriptions))
        self.now_us = START_US

    def ask(self, action: str, **fields: object) -> Decision:
        """Send a request."""
        return self.send(msgspec.json.encode({"action": action, **fields}))

    def send(self, data: bytes, binary: bool = False) -> Decision:
        """Send a message."""
        return self.session.receive(data, binary, self.now_us, self.now_us)

    def later(self, us: int) -> Client:
        """Let time pass."""
        self.now_us += us
        return self


def error(decision: Decision) -> Error:
    """Return the error that the session answers with."""
    assert isinstance(decision, SendReply)
    assert isinstance(decision.reply, Error)
    return decision.reply


def joined(decision: Decision) -> list[TopicName]:
    """Return the topics that the session subscribes to."""
    assert isinstance(decision, SubscribeTopics)
    return [choice.topic for choice in decision.choices]


def left(decision: Decision) -> list[TopicName]:
    """Return the topics that the session unsubscribes from."""
    assert isinstance(decision, UnsubscribeTopics)
    return [choice.topic for choice in decision.choices]


def test_ping_is_answered_with_the_time() -> None:
    assert Client().ask("ping", id=7) == SendReply(Pong(id=7, ts=START_US))


def test_lists_are_asked_for() -> None:
    client = Client()
    asked = client.ask("subscriptions", id="a"), client.ask("symbols", id="b")
    assert isinstance(asked[0], ListSubscriptions)
    assert isinstance(asked[1], ListSymbols)
    assert (asked[0].request.id, asked[1].request.id) == ("a", "b")


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
    assert [choice.asked for choice in client.session.held.values()] == ["a"]


def test_several_symbols_are_one_decision_without_duplicates() -> None:
    client = Client()
    assert joined(client.ask("subscribe", symbols=["A", "B", "a"])) == [A, B]
    assert list(client.session.held) == [A, B]


def test_several_symbols_are_all_or_none() -> None:
    client = Client()
    assert error(client.ask("subscribe", symbols=["A", "?"])).code == Code.UNKNOWN_SYMBOL
    assert not client.session.held


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
    assert not client.session.held


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
    assert list(client.session.held) == [A, B]
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
    assert list(client.session.followed) == channels[:free]
    for channel in channels[:free]:
        assert isinstance(client.ask("subscribe", channel=channel), SubscribePrivate), "it holds it already"
    refused = error(client.ask("subscribe", symbol="C"))
    assert refused.code == Code.TOO_MANY_SUBSCRIPTIONS


# --- unsubscribe ------------------------------------------------------------------------------------


def test_unsubscribe_forgets_what_was_held() -> None:
    client = Client()
    client.ask("subscribe", symbols=["A", "B", "C"])
    assert left(client.ask("unsubscribe", symbols=["A", "C", "a"])) == [A, C]
    assert list(client.session.held) == [B]


def test_unsubscribe_is_all_or_none() -> None:
    client = Client()
    client.ask("subscribe", symbols=["A", "B"])
    refused = error(client.ask("unsubscribe", symbols=["A", "C"], id=4))
    assert (refused.code, refused.id) == (Code.NOT_SUBSCRIBED, 4)
    assert "ticker C" in refused.message
    assert list(client.session.held) == [A, B]


def test_another_option_is_another_subscription() -> None:
    client = Client()
    client.ask("subscribe", channel="book", symbol="A", depth=5)
    refused = error(client.ask("unsubscribe", channel="book", symbol="A", depth=10))
    assert refused.code == Code.NOT_SUBSCRIBED
    assert "book A 10" in refused.message


# --- bad input --------------------------------------------------------------------------------------


def test_a_malformed_message_is_answered_with_its_id() -> None:
    refused = error(Client().ask("ping", id=5, colour="red"))
    assert (refused.code, refused.id, refused.details) == (Code.BAD_REQUEST, 5, {"field": "colour"})
    assert refused.retry is False


def test_a_frame_of_the_other_kind_is_answered() -> None:
    assert error(Client().send(msgspec.msgpack.encode({"action": "ping"}), binary=True)).code == Code.BAD_JSON
    session = Session(MSGPACK, None, Shelf(), SessionLimits(RATE, 1))
    assert error(session.receive(b'{"action":"ping"}', False, START_US, START_US)).code == Code.BAD_JSON


def test_so_many_mistakes_are_answered_and_then_the_connection_closes() -> None:
    session = Session(JSON, None, Shelf(), SessionLimits(10_000, 1))
    decisions = [session.receive(b"?", False, START_US, START_US) for _ in range(MALFORMED_BURST + 1)]
    assert [error(decision).code for decision in decisions[:-1]] == [Code.BAD_JSON] * MALFORMED_BURST
    assert decisions[-1] == CloseConnection(CloseCode.PROTOCOL_ABUSE, "too many malformed messages")


def test_a_mistake_now_and_then_is_forgiven_for_ever() -> None:
    client = Client()
    for _ in range(5 * MALFORMED_BURST):
        assert error(client.later(1_000_000 // MALFORMED_PER_S).send(b"?")).code == Code.BAD_JSON


def test_what_was_understood_but_refused_is_no_mistake() -> None:
    session = Session(JSON, None, Shelf(), SessionLimits(10_000, 1))
    refused = [
        session.receive(b'{"action":"subscribe"}', False, START_US, START_US)
        for _ in range(2 * MALFORMED_BURST)
    ]
    assert {error(decision).code for decision in refused} == {Code.BAD_REQUEST}


# --- rate -------------------------------------------------------------------------------------------


def codes(decisions: Iterable[Decision]) -> list[str]:
    """Return what each message got: ``pong``, an error's code, or a close code's name."""
    return [
        decision.code.name
        if isinstance(decision, CloseConnection)
        else (decision.reply.code if isinstance(decision.reply, Error) else "pong")
        for decision in decisions
        if isinstance(decision, CloseConnection | SendReply)
    ]


def test_a_burst_is_allowed_then_refused_then_the_connection_closes() -> None:
    client = Client()
    burst, patience = BURST_S * RATE, REFUSED_BURST_S * RATE
    got = codes(client.ask("ping") for _ in range(burst + patience + 1))
    assert got == ["pong"] * burst + ["rate_limited"] * patience + ["RATE"]


def test_a_refusal_says_how_long_to_wait_and_that_is_enough() -> None:
    client = Client()
    for _ in range(BURST_S * RATE):
        client.ask("ping")
    refused = error(client.ask("ping", id=9))
    assert (refused.code, refused.id, refused.retry) == (Code.RATE_LIMITED, 9, True)
    assert isinstance(refused.retry_after_ms, int)
    assert codes([client.later(refused.retry_after_ms * 1000 - 1001).ask("ping")]) == ["rate_limited"]
    assert codes([client.later(1001).ask("ping")]) == ["pong"]


def test_the_allowed_rate_may_be_kept_for_ever() -> None:
    client = Client()
    assert set(codes(client.later(1_000_000 // RATE).ask("ping") for _ in range(500))) == {"pong"}


def test_what_is_refused_for_its_rate_need_not_be_readable() -> None:
    client = Client()
    for _ in range(BURST_S * RATE):
        client.ask("ping")
    refused = error(client.send(b"\xff"))
    assert (refused.code, refused.id) == (Code.RATE_LIMITED, UNSET)


# --- the budget of work -----------------------------------------------------------------------------


def test_a_spent_budget_refuses_what_costs_and_nothing_else() -> None:
    client = Client(None)
    shared = SharedBudgets().of("192.0.2.1", client.now_us)
    client.session.budget = ClientBudget(shared)
    shared.charge(SHARED_BURST + SHARED_PER_S, client.now_us)
    for action, fields in (
        ("subscribe", {"channel": "ticker", "symbol": "A"}),
        ("unsubscribe", {"channel": "ticker", "symbol": "A"}),
        ("subscriptions", {}),
        ("symbols", {}),
    ):
        refused = error(client.ask(action, id=7, **fields))
        assert (refused.code, refused.id, refused.retry_after_ms) == ("rate_limited", 7, 1_000)
    assert not client.session.held
    assert isinstance(client.ask("ping"), SendReply)
    assert error(client.ask("subscribe", channel="orders")).code == "unauthenticated", "it is the desk's"
    assert joined(client.later(1_000_000).ask("subscribe", channel="ticker", symbol="A")) == [A]


def test_each_symbol_that_is_named_is_charged() -> None:
    client = Client(None)
    client.session.budget = ClientBudget(SharedBudgets().of("192.0.2.1", client.now_us))
    budget = CostBudget(1, SHARED_BURST)
    client.session.budget.share(budget)
    client.ask("subscribe", channel="ticker", symbols=["A", "B", "C"])
    client.ask("subscribe", channel="ticker", symbols=["A", "NOPE"])
    budget.charge(SHARED_BURST - 2 * REQUEST_US - 5 * SYMBOL_US, client.now_us)
    assert budget.wait_us(client.now_us) == 0
    budget.charge(1, client.now_us)
    assert budget.wait_us(client.now_us) > 0
