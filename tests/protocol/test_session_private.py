"""Private channels in a session: who may follow them, how many, and what a new sign-in does to them."""

from __future__ import annotations

import json

import msgspec
import pytest

from floorwire.core.account_events import PrivateChannel
from floorwire.core.authorization import ANONYMOUS_MARKET, Principal, Scope
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.client_subscriptions import PRIVATE_ACTIONS
from floorwire.protocol.codec import JSON
from floorwire.protocol.replies import Error
from floorwire.protocol.requests import Login
from floorwire.protocol.session import Session, SessionLimits
from floorwire.protocol.session_decisions import (
    Decision,
    SendReply,
    SubscribePrivate,
    SubscribeTopics,
    UnsubscribePrivate,
)

from .catalogue import Shelf

NOW = 1_800_000_000_000_000
RATE = 1_000
BOTH = frozenset((Scope.MARKET, Scope.ACCOUNT))


def trader(*, symbols: frozenset[str] | None = None, expires_us: int | None = None) -> Principal:
    return Principal("alice", "k1", BOTH, symbols, expires_us=expires_us)


def session(principal: Principal, most: int = 100) -> Session:
    return Session(JSON, "ticker", Shelf(), SessionLimits(RATE, most), principal)


def ask(at: Session, action: str, **fields: object) -> Decision:
    return at.receive(
        json.dumps({"action": action, **fields}).encode(), binary=False, now_us=NOW, wall_us=NOW
    )


def follow(at: Session, channel: str, **fields: object) -> Decision:
    return ask(at, "subscribe", channel=channel, **fields)


def error(decision: Decision) -> Error:
    assert isinstance(decision, SendReply)
    assert isinstance(decision.reply, Error)
    return decision.reply


@pytest.mark.parametrize("channel", PRIVATE_ACTIONS)
def test_a_private_channel_is_followed_and_left(channel: PrivateChannel) -> None:
    at = session(trader())
    followed = follow(at, channel, id=7)
    assert isinstance(followed, SubscribePrivate)
    assert (followed.channel, followed.request.channel, followed.request.id) == (channel, channel, 7)
    assert list(at.subscriptions.private_channels) == [channel]
    assert not at.subscriptions.topics
    left = ask(at, "unsubscribe", channel=channel, id=8)
    assert isinstance(left, UnsubscribePrivate)
    assert (left.channel, left.request.id) == (channel, 8)
    assert not at.subscriptions.private_channels
    assert error(ask(at, "unsubscribe", channel=channel)).code == Code.NOT_SUBSCRIBED


def test_leaving_one_private_channel_leaves_the_others() -> None:
    at = session(trader())
    for channel in PRIVATE_ACTIONS:
        follow(at, channel)
    ask(at, "unsubscribe", channel="fills")
    assert list(at.subscriptions.private_channels) == [
        channel for channel in PRIVATE_ACTIONS if channel != "fills"
    ]


def test_whoever_follows_has_to_be_allowed_to() -> None:
    for channel in PRIVATE_ACTIONS:
        for principal, code in (
            (ANONYMOUS_MARKET, Code.UNAUTHENTICATED),
            (Principal("alice", "k1", frozenset({Scope.MARKET})), Code.FORBIDDEN),
            (trader(expires_us=NOW), Code.UNAUTHENTICATED),
        ):
            at = session(principal)
            assert error(follow(at, channel)).code == code
            assert not at.subscriptions.private_channels
        assert isinstance(follow(session(trader(expires_us=NOW + 1)), channel), SubscribePrivate)


@pytest.mark.parametrize(
    ("name", "value"),
    [("symbol", "BTC"), ("symbols", ["BTC"]), ("depth", 5), ("interval", "1m"), ("on_slow", "conflate")],
)
def test_a_private_channel_has_nothing_to_choose(name: str, value: object) -> None:
    at = session(trader())
    refusal = error(follow(at, "orders", **{name: value}))
    assert (refusal.code, refusal.details) == (Code.BAD_REQUEST, {"field": name})
    assert not at.subscriptions.private_channels
    if name != "on_slow":
        assert error(ask(at, "unsubscribe", channel="orders", **{name: value})).details == {"field": name}


def test_the_one_contract_of_a_private_channel_may_be_said() -> None:
    assert isinstance(follow(session(trader()), "orders", on_slow="disconnect"), SubscribePrivate)


def test_private_channels_count_among_the_subscriptions() -> None:
    at = session(trader(), most=3)
    for channel in ("orders", "fills"):
        assert isinstance(follow(at, channel), SubscribePrivate)
    assert isinstance(ask(at, "subscribe", symbol="A"), SubscribeTopics)
    for decision in (follow(at, "balances"), ask(at, "subscribe", symbol="B")):
        refusal = error(decision)
        assert (refusal.code, refusal.details) == (Code.TOO_MANY_SUBSCRIPTIONS, {"limit": 3, "held": 3})
    assert isinstance(follow(at, "orders"), SubscribePrivate), "one that is held already is no more"
    assert list(at.subscriptions.private_channels) == ["orders", "fills"]
    ask(at, "unsubscribe", channel="fills")
    assert isinstance(follow(at, "balances"), SubscribePrivate)


def test_a_new_sign_in_keeps_what_is_followed_where_it_may_see_the_same() -> None:
    at = session(trader())
    follow(at, "orders")
    renewed = trader(expires_us=NOW + 1)
    at.sign_in(renewed, Login(id=1), NOW)
    assert at.principal is renewed
    for worse in (
        trader(symbols=frozenset({"BTC"})),
        Principal("alice", "k2", frozenset({Scope.MARKET})),
        trader(expires_us=NOW),
    ):
        with pytest.raises(Refusal, match="unsubscribe first from orders") as caught:
            at.sign_in(worse, Login(id=2), NOW)
        assert caught.value.code is Code.FORBIDDEN
        assert at.principal is renewed
    ask(at, "unsubscribe", channel="orders")
    at.sign_in(trader(symbols=frozenset({"BTC"})), Login(id=3), NOW)


def test_an_error_in_answer_to_an_order_says_that_it_is_rejected() -> None:
    at = session(trader())
    for action, order in (("order.place", "rejected"), ("order.cancel", "rejected"), ("ping", None)):
        refusal = error(ask(at, action, id=7, nothing=1))
        assert json.loads(msgspec.json.encode(refusal)).get("order") == order


def test_a_wrong_login_is_answered_with_its_id() -> None:
    refusal = error(session(ANONYMOUS_MARKET).refuse(Refusal(Code.BAD_SIGNATURE, "wrong"), Login(id=5), NOW))
    assert (refusal.id, refusal.code) == (5, Code.BAD_SIGNATURE)
