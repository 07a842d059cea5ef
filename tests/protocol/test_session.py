"""The session: what one client's messages lead to, decided without a socket."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import UNSET

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
from floorwire.protocol.session import (
    BURST_S,
    MALFORMED_BURST,
    MALFORMED_PER_S,
    REFUSED_BURST_S,
    Session,
    SessionLimits,
)
from floorwire.protocol.session_decisions import (
    CloseConnection,
    Decision,
    ListSubscriptions,
    ListSymbols,
    SendReply,
)

from .catalogue import Shelf
from .session_client import RATE, START_US, A, Client, error, joined


def test_ping_is_answered_with_the_time() -> None:
    assert Client().ask("ping", id=7) == SendReply(Pong(id=7, ts=START_US))


def test_lists_are_asked_for() -> None:
    client = Client()
    asked = client.ask("subscriptions", id="a"), client.ask("symbols", id="b")
    assert isinstance(asked[0], ListSubscriptions)
    assert isinstance(asked[1], ListSymbols)
    assert (asked[0].request.id, asked[1].request.id) == ("a", "b")


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
    assert not client.session.subscriptions.topics
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
