"""How much room there is: while the peer keeps up, and once its buffer is full."""

from __future__ import annotations

from floorwire.protocol.outbox import Outbox, OutboxSubscription


def test_while_the_peer_keeps_up_anything_has_room() -> None:
    outbox: Outbox[str] = Outbox(10)
    assert outbox.has_room(11)
    outbox.put(b"x" * 100)
    assert outbox.has_room(1)


def test_a_blocked_outbox_has_room_up_to_its_limit() -> None:
    outbox: Outbox[str] = Outbox(10)
    outbox.put(b"x" * 6)
    outbox.block()
    assert outbox.has_room(4)
    assert not outbox.has_room(5)
    outbox.pop(6)
    assert outbox.has_room(10)
    assert not outbox.has_room(11)


def test_a_subscription_that_left_nothing_out_has_no_gap() -> None:
    subscription = OutboxSubscription("a", "conflate")
    assert (subscription.lags, subscription.catch_up()) == (False, (0, 0))
    subscription.leave_out(1, 2)
    subscription.leave_out(3, 3)
    assert (subscription.lags, subscription.catch_up(), subscription.lags) == (True, (1, 3), False)
