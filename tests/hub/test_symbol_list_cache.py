"""The list of instruments is encoded once, until something in it changes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from msgspec.structs import replace

from floorwire.access.authenticator import Authenticator
from floorwire.core.market_events import Listing
from floorwire.hub.symbol_list_cache import MAX_KEPT, SymbolListCache
from floorwire.protocol.codec import JSON, MSGPACK, Codec
from tests.hub import no_desk
from tests.scripted import SYMBOLS, listing

from .hub_harness import HubHarness, Message


@pytest.fixture
def harness(authenticator: Authenticator) -> HubHarness:
    """A harness in which nothing has happened yet."""
    return HubHarness(authenticator)


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[Codec]:
    """The codec of each list that was encoded."""
    made: list[Codec] = []
    encode = Codec.encode

    def count(codec: Codec, part: Sequence[msgspec.Struct]) -> msgspec.Raw:
        made.append(codec)
        return encode(codec, part)

    monkeypatch.setattr(Codec, "encode", count)
    return made


def ask(harness: HubHarness, codec: Codec = JSON, request_id: int = 1) -> Message:
    """Return the reply to a new client."""
    wire = harness.connect(codec)
    wire.ask("symbols", id=request_id)
    (reply,) = wire.messages()
    return reply


def column(reply: Message, name: str) -> list[object]:
    """Return one field of each instrument."""
    rows = reply["symbols"]
    assert isinstance(rows, list)
    return [row[name] for row in rows if isinstance(row, dict)]


def test_many_clients_get_what_was_encoded_once(harness: HubHarness, encoded: list[Codec]) -> None:
    replies = [ask(harness, codec, number) for codec in (JSON, MSGPACK) for number in range(20)]
    assert encoded == [JSON, MSGPACK]
    assert [reply["id"] for reply in replies] == 2 * list(range(20))
    assert column(replies[0], "symbol") == list(SYMBOLS)
    assert all(reply["symbols"] == replies[0]["symbols"] for reply in replies)


def test_a_new_state_of_an_instrument_is_told(harness: HubHarness, encoded: list[Codec]) -> None:
    before = ask(harness)
    closed = replace(listing(SYMBOLS[0]), state="closed")
    harness.publish(Listing((closed,), harness.now_us))
    after = ask(harness)
    assert len(encoded) == 2
    assert before["symbols"] != after["symbols"]
    assert "closed" in str(after["symbols"])


def test_a_halt_is_told(harness: HubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    open_rows = ask(harness)["symbols"]
    monkeypatch.setattr(no_desk.NoDesk, "halted_symbols", lambda _: frozenset({SYMBOLS[0]}))
    for _ in range(2):
        assert column(ask(harness), "state") == ["halted", "open", "open"]
    monkeypatch.undo()
    assert ask(harness)["symbols"] == open_rows


def test_a_list_that_became_old_while_it_was_made_is_not_kept(harness: HubHarness) -> None:
    cache = harness.hub.symbol_lists
    revision = harness.hub.market.revision
    harness.publish(Listing((listing(SYMBOLS[0]),), harness.now_us))
    cache.keep(JSON, frozenset(), msgspec.Raw(b"[]"), revision)
    assert cache.find(JSON, frozenset()) is None


def test_what_is_kept_is_bounded(harness: HubHarness) -> None:
    cache, revision = SymbolListCache(harness.hub.market), harness.hub.market.revision
    halts = [frozenset({str(number)}) for number in range(3 * MAX_KEPT)]
    for halted in halts:
        cache.keep(JSON, halted, msgspec.Raw(b"[]"), revision)
        assert sum(cache.find(JSON, one) is not None for one in halts) <= MAX_KEPT
        assert cache.find(JSON, halted) is not None
