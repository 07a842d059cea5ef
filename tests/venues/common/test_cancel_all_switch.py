"""The exchange's own dead man's switch."""

from __future__ import annotations

from floorwire.core.order_ports import SwitchChanged
from floorwire.core.ports import Answer
from floorwire.venues.common.cancel_all_switch import CancelAllSwitch
from floorwire.venues.common.request_sequences import BadAnswerError, HttpRequest, Steps
from tests.venues.order_driver import SECOND

PATH = "/cancel-all-after"


def steps(seconds: int) -> Steps:
    answer = yield HttpRequest(PATH, f"timeOut={seconds}")
    if answer.status != 200:
        raise BadAnswerError("no permission")
    return ()


def ask(switch: CancelAllSwitch, now_us: int, status: int = 200, answered_us: int | None = None) -> None:
    """Set the switch now; its answer comes later."""
    switch.at(now_us)
    requests = switch.set()
    assert next(requests) == HttpRequest(PATH, "timeOut=30")
    assert not switch.is_due
    switch.at(now_us if answered_us is None else answered_us)
    try:
        requests.send(Answer(1, status, b""))
    except StopIteration:
        return
    raise AssertionError("it requests more")


def test_it_is_set_again_in_a_third_of_its_time() -> None:
    switch = CancelAllSwitch(30, steps)
    assert list(switch.changes()) == []
    ask(switch, 0, answered_us=2 * SECOND)
    assert list(switch.changes()) == [SwitchChanged(True, "")]
    assert switch.due_us == 10 * SECOND
    ask(switch, 10 * SECOND)
    switch.at(39 * SECOND)
    assert list(switch.changes()) == []


def test_one_that_cannot_be_set_is_tried_again_and_told_once() -> None:
    switch = CancelAllSwitch(30, steps)
    for now_s in range(3):
        ask(switch, now_s * SECOND, 403)
        assert switch.due_us == (now_s + 1) * SECOND
    assert list(switch.changes()) == [SwitchChanged(False, "no permission")]
    assert list(switch.changes()) == []
    ask(switch, 9 * SECOND)
    assert list(switch.changes()) == [SwitchChanged(True, "")]


def test_it_has_fired_when_it_could_not_be_set_for_its_time() -> None:
    switch = CancelAllSwitch(30, steps)
    ask(switch, 0)
    assert list(switch.changes()) == [SwitchChanged(True, "")]
    ask(switch, 10 * SECOND, 503)
    switch.at(30 * SECOND - 1)
    assert list(switch.changes()) == []
    switch.at(30 * SECOND)
    assert list(switch.changes()) == [SwitchChanged(False, "no permission")]


def test_a_request_that_is_given_up_is_made_again() -> None:
    switch = CancelAllSwitch(30, steps)
    requests = switch.set()
    next(requests)
    switch.at(25 * SECOND)
    assert not switch.is_due
    requests.close()
    assert switch.due_us == 26 * SECOND
    assert list(switch.changes()) == [SwitchChanged(False, "no answer")]


def test_one_that_cannot_even_begin_is_tried_again() -> None:
    switch = CancelAllSwitch(30, steps)
    switch.set().close()
    assert switch.due_us == SECOND
