"""What a session's refusals say, and whose limit it was."""

from __future__ import annotations

import json

from floorwire.core.authorization import ANONYMOUS_MARKET
from floorwire.core.codes import Code
from floorwire.protocol.codec import JSON
from floorwire.protocol.rate_limit import TokenBucket
from floorwire.protocol.replies import Error
from floorwire.protocol.session import Session, SessionLimits
from floorwire.protocol.session_decisions import Decision, SendReply, SubscribeTopics

from .catalogue import Shelf

NOW = 1_800_000_000_000_000


def session(channel: str | None = "ticker", rate: int = 1_000) -> Session:
    return Session(JSON, channel, Shelf(), SessionLimits(rate, 10), ANONYMOUS_MARKET)


def ask(at: Session, action: str, **fields: object) -> Decision:
    return at.receive(
        json.dumps({"action": action, **fields}).encode(), binary=False, now_us=NOW, wall_us=NOW
    )


def error(decision: Decision) -> Error:
    assert isinstance(decision, SendReply)
    assert isinstance(decision.reply, Error)
    return decision.reply


def test_a_contract_that_a_channel_has_not_is_answered_with_those_it_has() -> None:
    refusal = error(ask(session(), "subscribe", channel="book", symbol="A", on_slow="skip"))
    assert refusal.details == {"field": "on_slow"}
    assert refusal.message == "on_slow: book takes conflate, disconnect"


def test_a_channel_that_is_not_named_is_missing() -> None:
    refusal = error(ask(session(channel=None), "subscribe", symbol="A"))
    assert (refusal.message, refusal.details) == ("channel: missing", {"field": "channel"})


def test_options_hold_for_each_of_several_symbols() -> None:
    for option in ({"depth": 5}, {"interval": "1m"}):
        decision = ask(session(), "subscribe", channel="book", symbols=["A", "B"], **option)
        assert isinstance(decision, SubscribeTopics)
        assert [choice.topic.option for choice in decision.choices] == 2 * list(option.values())


def refused(at: Session) -> Error:
    """Ask until it is too much."""
    while isinstance(said := ask(at, "ping"), SendReply):
        if isinstance(said.reply, Error):
            return said.reply
    raise AssertionError(said)


def test_who_asks_too_fast_is_told_whose_limit_it_was() -> None:
    own = refused(session(rate=10))
    assert own.code == Code.RATE_LIMITED
    assert own.message == "too many requests on this connection"
    shared = session()
    shared.share(TokenBucket(10, burst=3))
    assert refused(shared).message == "too many requests on the key's connections"
