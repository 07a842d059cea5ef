"""The session never raises, whatever the bytes are, and whatever it says can be written down."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.authorization import ANONYMOUS, ANONYMOUS_MARKET, Principal, Scope
from floorwire.core.codes import Code
from floorwire.protocol.codec import JSON, MSGPACK, Codec
from floorwire.protocol.frames import split
from floorwire.protocol.replies import Error
from floorwire.protocol.session import Session, SessionLimits
from floorwire.protocol.session_decisions import (
    CloseConnection,
    SendReply,
    SubscribeTopics,
    UnsubscribeTopics,
)

from ..protocol.catalogue import Shelf
from .request_strategies import written_json, written_msgpack

START_US = 1_700_000_000_000_000
TRADER = Principal("alice", "key", frozenset(Scope))
LIMITS = SessionLimits(commands_per_second=5, subscriptions=3)

pauses_us = st.sampled_from([0, 1, 50_000, 10_000_000])
conversations = st.lists(
    st.tuples(st.one_of(written_json, written_msgpack, st.binary(max_size=80)), st.booleans(), pauses_us),
    max_size=40,
)


@given(
    conversations,
    st.sampled_from([JSON, MSGPACK]),
    st.sampled_from([None, "ticker"]),
    st.sampled_from([ANONYMOUS_MARKET, ANONYMOUS, TRADER]),
)
def test_any_conversation(
    messages: list[tuple[bytes, bool, int]], codec: Codec, default_channel: str | None, principal: Principal
) -> None:
    session = Session(codec, default_channel, Shelf(), LIMITS, principal)
    now_us = START_US
    for data, binary, pause_us in messages:
        now_us += pause_us
        before = set(session.subscriptions.topics)
        decision = session.receive(data, binary, now_us, now_us)
        match decision:
            case SendReply(reply):
                assert len(list(split(codec.frame(reply)))) == 1
                assert not isinstance(reply, Error) or reply.code in tuple(Code)
                assert set(session.subscriptions.topics) == before
            case SubscribeTopics(choices=choices):
                assert set(session.subscriptions.topics) == before | {choice.topic for choice in choices}
                assert len(session.subscriptions.topics) <= LIMITS.subscriptions
            case UnsubscribeTopics(choices=choices):
                assert {choice.topic for choice in choices} <= before
                assert set(session.subscriptions.topics) == before - {choice.topic for choice in choices}
            case CloseConnection():
                return
            case _:
                assert set(session.subscriptions.topics) == before
