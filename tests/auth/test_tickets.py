from __future__ import annotations

import pytest

from floorwire.auth.tickets import LIMIT, LIMIT_PER_KEY, VALID_US, Tickets, TooManyTicketsError
from floorwire.core.authorization import ANONYMOUS_MARKET
from tests.auth.parts import NOW, grant

ALICE = grant().principal("k1")


def test_a_ticket_lets_in_once() -> None:
    tickets = Tickets()
    assert tickets.issue("t1", ALICE, NOW) == NOW + VALID_US
    assert tickets.redeem("t2", NOW) is None
    assert tickets.redeem("t1", NOW + VALID_US - 1) is ALICE
    assert tickets.redeem("t1", NOW + VALID_US - 1) is None
    assert len(tickets) == 0


def test_a_ticket_ends() -> None:
    tickets = Tickets()
    tickets.issue("t1", ALICE, NOW)
    assert tickets.redeem("t1", NOW + VALID_US) is None
    assert len(tickets) == 0


def test_tickets_are_bounded_by_key_and_in_all() -> None:
    tickets = Tickets()
    for number in range(LIMIT_PER_KEY):
        tickets.issue(f"a{number}", ALICE, NOW)
    with pytest.raises(TooManyTicketsError):
        tickets.issue("more", ALICE, NOW)
    tickets.redeem("a0", NOW)
    tickets.issue("more", ALICE, NOW)
    for number in range(LIMIT - LIMIT_PER_KEY):
        tickets.issue(f"b{number}", grant().principal(f"k{number}x"), NOW)
    with pytest.raises(TooManyTicketsError):
        tickets.issue("full", ANONYMOUS_MARKET, NOW)
    tickets.issue("later", ALICE, NOW + VALID_US)
    assert len(tickets) == 1


@pytest.mark.parametrize("text", ["", "\udc80", "x" * 100_000])
def test_any_text_is_refused(text: str) -> None:
    assert Tickets().redeem(text, NOW) is None
