"""Private events wait for a subscriber that still gets older ones, and not without a bound."""

from __future__ import annotations

import pytest

from floorwire.clock import Clock
from floorwire.core.account_events import AccountEntry, Balance, Deposited, Seqs
from floorwire.core.authorization import Principal, Scope
from floorwire.core.venue_names import VenueNames
from floorwire.trading import private_fanout
from floorwire.trading.private_fanout import PrivateFanout, PrivateSubscriber
from floorwire.trading.visibility import Visibility
from tests.engine.market import BTC
from tests.trading.test_reply_order import RecordingClient

WAITING = 2
ANN = Principal("ann", "k", frozenset((Scope.ACCOUNT,)))


class AnnsClient(RecordingClient):
    principal = ANN


def deposit(number: int) -> AccountEntry:
    balance = Balance("BTC", number, 0, 8)
    return AccountEntry(Deposited("ann", number, 1, balance, 5), Seqs(balances=number))


def test_a_subscriber_with_too_many_waiting_events_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_fanout, "MAX_BACKLOG", WAITING)
    fanout, client = PrivateFanout(lambda _: BTC, Clock()), AnnsClient()
    subscriber = PrivateSubscriber(client, "balances", Visibility(ANN, lambda: (BTC,), VenueNames()), 0)
    subscriber.backlog = []
    fanout.add("ann", subscriber)
    for number in range(1, WAITING + 1):
        fanout.publish([deposit(number)], {})
    assert (len(subscriber.backlog), client.closed_as_slow) == (WAITING, 0)
    fanout.publish([deposit(WAITING + 1)], {})
    assert (len(subscriber.backlog), client.closed_as_slow) == (WAITING, 1)
    assert client.events == [], "nothing overtakes what waits"
