"""The queue that is fair between addresses."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from floorwire.web.address_queue import AddressQueue


def popped(queue: AddressQueue[int]) -> list[int]:
    return [queue.pop() for _ in range(len(queue))]


def test_addresses_alternate() -> None:
    queue: AddressQueue[int] = AddressQueue()
    for number in range(4):
        queue.put("192.0.2.1", number)
    queue.put("192.0.2.2", 10)
    queue.put("192.0.2.3", 20)
    assert popped(queue) == [0, 10, 20, 1, 2, 3]
    assert not queue


def test_one_customer_of_ipv6_is_one_address() -> None:
    queue: AddressQueue[int] = AddressQueue()
    queue.put("2001:db8::1", 0)
    queue.put("2001:db8::2", 1)
    queue.put("2001:db8:0:1::1", 2)
    assert popped(queue) == [0, 2, 1]


@given(st.lists(st.tuples(st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3"]), st.booleans())))
def test_all_come_out_once_each_address_in_its_order(steps: list[tuple[str, bool]]) -> None:
    queue: AddressQueue[tuple[str, int]] = AddressQueue()
    out: list[tuple[str, int]] = []
    count: Counter[str] = Counter()
    for address, is_put in steps:
        if is_put:
            queue.put(address, (address, count[address]))
            count[address] += 1
        elif queue:
            out.append(queue.pop())
    assert len(queue) + len(out) == count.total()
    out += [queue.pop() for _ in range(len(queue))]
    for address, total in count.items():
        assert [number for near, number in out if near == address] == list(range(total))
