"""What a session allows whom, and how it takes a sign-in."""

from __future__ import annotations

import json

import pytest

from floorwire.core.authorization import ANONYMOUS, ANONYMOUS_MARKET, Principal, Scope
from floorwire.core.codes import CloseCode, Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.codec import JSON
from floorwire.protocol.rate_limit import TokenBucket
from floorwire.protocol.replies import Error, LoggedIn
from floorwire.protocol.requests import Login
from floorwire.protocol.session import MALFORMED_BURST, Session, SessionLimits
from floorwire.protocol.session_decisions import (
    Authenticate,
    CloseConnection,
    Decision,
    ListSubscriptions,
    ListSymbols,
    SendReply,
    SubscribeTopics,
)
from floorwire.protocol.topic_names import TopicChoice, TopicName, VenueTopics

NOW = 1_800_000_000_000_000
RATE = 1_000


class Shelf:
    """A catalogue where every name is a symbol."""

    def choose(
        self, channel: str, symbol: str | None, depth: int | None, interval: str | None, closed_only: bool
    ) -> TopicChoice:
        return TopicChoice(
            TopicName(channel, symbol, depth or interval), symbol, "conflate", frozenset({"conflate"})
        )

    def choose_venue(
        self, channel: str, venue: str | None, depth: int | None, interval: str | None, closed_only: bool
    ) -> tuple[VenueTopics, list[TopicChoice]]:
        topics = VenueTopics(channel, venue or "one", None, "conflate", frozenset({"conflate"}))
        return topics, [topics.of(symbol, symbol) for symbol in ("BTC-USDT", "ETH-USDT")]


def key(*scopes: Scope, symbols: frozenset[str] | None = None, account: str = "alice") -> Principal:
    return Principal(account, "k1", frozenset(scopes), symbols)


def session(principal: Principal = ANONYMOUS_MARKET) -> Session:
    return Session(JSON, "ticker", Shelf(), SessionLimits(RATE, 100), principal)


def ask(at: Session, **request: str | bool | list[str]) -> Decision:
    return at.receive(json.dumps(request).encode(), binary=False, now_us=NOW, wall_us=NOW)


def code(decision: Decision) -> str:
    assert isinstance(decision, SendReply)
    assert isinstance(decision.reply, Error)
    return decision.reply.code


def subscribe(at: Session, *symbols: str) -> Decision:
    return ask(at, action="subscribe", symbols=list(symbols))


ALLOWED = {"ping", "unsubscribe", "subscriptions", "login"}


@pytest.mark.parametrize("principal", [ANONYMOUS, key(Scope.TRADE), key(Scope.ACCOUNT), key(Scope.ADMIN)])
def test_without_the_scope_there_is_no_market(principal: Principal) -> None:
    at = session(principal)
    refused = Code.FORBIDDEN if principal.key else Code.UNAUTHENTICATED
    assert code(ask(at, action="subscribe", symbol="BTC-USDT")) == refused
    assert code(ask(at, action="subscribe", symbol="no such")) == refused
    assert code(ask(at, action="symbols")) == refused
    assert not at.subscriptions.topics
    assert isinstance(ask(at, action="subscriptions"), ListSubscriptions)


@pytest.mark.parametrize("principal", [ANONYMOUS_MARKET, key(Scope.MARKET)])
def test_with_it_there_is(principal: Principal) -> None:
    at = session(principal)
    assert isinstance(subscribe(at, "BTC-USDT", "ETH-USDT"), SubscribeTopics)
    assert isinstance(ask(at, action="symbols"), ListSymbols)


def test_a_narrowed_key_gets_its_symbols_all_or_nothing() -> None:
    at = session(key(Scope.MARKET, symbols=frozenset({"BTC-USDT"})))
    assert code(subscribe(at, "BTC-USDT", "ETH-USDT")) == Code.FORBIDDEN
    assert not at.subscriptions.topics
    assert isinstance(subscribe(at, "BTC-USDT", "okx:BTC-USDT"), SubscribeTopics)
    assert isinstance(ask(at, action="subscribe", channel="heartbeat"), SubscribeTopics)


def test_a_key_that_has_expired_may_no_longer_subscribe() -> None:
    at = session(Principal("alice", "k1", frozenset({Scope.MARKET}), expires_us=NOW))
    assert code(subscribe(at, "BTC-USDT")) == Code.UNAUTHENTICATED


def test_a_login_is_for_the_authenticator_to_prove() -> None:
    decision = ask(session(ANONYMOUS), action="login", token="t")
    assert decision == Authenticate(Login(token="t"))


def test_signing_in_opens_what_the_key_is_for() -> None:
    at = session(ANONYMOUS)
    alice = Principal(
        "alice", "k1", frozenset({Scope.TRADE, Scope.MARKET}), frozenset({"BTC-USDT"}), expires_us=NOW + 1
    )
    said = at.sign_in(alice, Login(id=7), NOW)
    assert said.reply == LoggedIn(
        id=7, account="alice", key="k1", scopes=("market", "trade"), symbols=("BTC-USDT",), expires=NOW + 1
    )
    assert isinstance(subscribe(at, "BTC-USDT"), SubscribeTopics)
    assert code(subscribe(at, "ETH-USDT")) == Code.FORBIDDEN


def test_a_connection_is_of_one_account() -> None:
    at = session(key(Scope.MARKET))
    with pytest.raises(Refusal) as raised:
        at.sign_in(key(Scope.MARKET, account="bob"), Login(), NOW)
    assert raised.value.code is Code.FORBIDDEN
    assert at.principal.account == "alice"


def test_what_is_held_stays_within_what_the_new_key_may_see() -> None:
    at = session(ANONYMOUS_MARKET)
    subscribe(at, "BTC-USDT", "ETH-USDT")
    narrow = key(Scope.MARKET, symbols=frozenset({"BTC-USDT"}))
    for worse in (narrow, key(Scope.TRADE)):
        with pytest.raises(Refusal, match="unsubscribe first"):
            at.sign_in(worse, Login(), NOW)
    assert at.principal is ANONYMOUS_MARKET
    ask(at, action="unsubscribe", symbol="ETH-USDT")
    at.sign_in(narrow, Login(), NOW)
    assert at.principal is narrow


def test_wrong_logins_are_answered_until_they_are_abuse() -> None:
    at = session(ANONYMOUS)
    wrong = Refusal(Code.BAD_SIGNATURE, "wrong")
    answers = [at.refuse(wrong, Login(id=5), NOW) for _ in range(MALFORMED_BURST + 1)]
    assert all(isinstance(answer, SendReply) for answer in answers[:-1])
    assert answers[-1] == CloseConnection(CloseCode.PROTOCOL_ABUSE, "too many malformed messages")
    limited = at.refuse(Refusal(Code.RATE_LIMITED, "wait", wait_us=1_500), Login(id=5), NOW)
    assert isinstance(limited, SendReply)
    assert isinstance(limited.reply, Error)
    assert (limited.reply.id, limited.reply.retry_after_ms) == (5, 2)


def test_all_connections_of_a_key_share_what_they_may_ask() -> None:
    shared = TokenBucket(10, burst=3)
    first, second = session(key(Scope.MARKET)), session(key(Scope.MARKET))
    for at in (first, second):
        at.share(shared)
    answers = [ask(at, action="ping") for at in (first, second, first, second)]
    assert [isinstance(said, SendReply) and isinstance(said.reply, Error) for said in answers] == [
        False
    ] * 3 + [True]
    said = answers[-1]
    assert isinstance(said, SendReply)
    assert isinstance(said.reply, Error)
    assert (said.reply.code, said.reply.retry_after_ms) == ("rate_limited", 100)
    second.share(None)
    assert code_or_ok(ask(second, action="ping")) == "ok"


def code_or_ok(decision: Decision) -> str:
    assert isinstance(decision, SendReply)
    return decision.reply.code if isinstance(decision.reply, Error) else "ok"


def test_all_symbols_of_a_venue_are_those_that_the_key_may_see() -> None:
    at = session(key(Scope.MARKET, symbols=frozenset({"BTC-USDT"})))
    decision = ask(at, action="subscribe", all=True)
    assert isinstance(decision, SubscribeTopics)
    assert [choice.topic.symbol for choice in decision.choices] == ["BTC-USDT"]
    venue = decision.venue
    assert venue is not None
    assert at.subscriptions.add_listed(venue, venue.of("ETH-USDT", "ETH-USDT"), at.principal) is None
    assert at.subscriptions.add_listed(venue, venue.of("BTC-USDT", "BTC-USDT"), at.principal) is None, (
        "it is held already"
    )
