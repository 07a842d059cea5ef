"""Readers of all symbols of a venue: each gets every item, and the state of each symbol to begin with."""

from __future__ import annotations

from floorwire.client.errors import ClientClosedError
from floorwire.client.stream import ItemQueue
from floorwire.client.stream_gap import StreamGap
from floorwire.client.venue_readers import VenueReaders
from floorwire.client.venue_subscription import VenueTopic
from tests.client.events import ticker
from tests.client.test_stream import all_of
from tests.client.test_venue_subscription import held, listed

BTC, ETH = "BTC-USDT", "ETH-USDT"


def test_a_reader_that_comes_later_begins_with_the_state_of_each_symbol() -> None:
    readers, first, second = VenueReaders(VenueTopic("ticker")), ItemQueue(9, "end"), ItemQueue(9, "end")
    readers.add(first)
    btc, eth = (readers.subscription.symbol(held(symbol, 1)) for symbol in (BTC, ETH))
    btc.begin(held(BTC, 1))
    eth.begin(held(ETH, 1))
    btc.receive(ticker(1, symbol=BTC))
    readers.add(second)
    eth.receive(ticker(1, symbol=ETH))
    everything = [ticker(1, symbol=BTC), ticker(1, symbol=ETH)]
    assert (all_of(first), all_of(second)) == (everything, everything)
    readers.remove(first)
    assert readers.count == 1
    eth.receive(ticker(2, symbol=ETH))
    assert (all_of(first), all_of(second)) == ([], [ticker(2, symbol=ETH)])


def test_gaps_and_the_end_are_told_to_all() -> None:
    readers, queue = VenueReaders(VenueTopic("ticker")), ItemQueue(9, "end")
    readers.add(queue)
    readers.subscription.left_out(listed(code="too_many_subscriptions"))
    (gap,) = all_of(queue)
    assert isinstance(gap, StreamGap)
    readers.end(ClientClosedError("closed"))
    assert queue.is_ready()
