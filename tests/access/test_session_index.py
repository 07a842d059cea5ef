from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.access.session_index import SLOT_US, SessionIndex
from floorwire.core.authorization import Principal

NOW = 1_800_000_000_000_000


def principal(key: str, expires_us: int | None = None) -> Principal:
    return Principal("alice", key, frozenset(), expires_us=expires_us)


def test_who_is_here_with_a_key() -> None:
    here: SessionIndex[str] = SessionIndex()
    here.add("a", principal("k1"))
    here.add("b", principal("k1"))
    here.add("c", principal("k2"))
    assert here.of("k1") == ["a", "b"]
    assert here.count("k1") == 2
    here.remove("a", principal("k1"))
    assert here.of("k1") == ["b"]
    here.remove("b", principal("k1"))
    assert here.of("k1") == []
    assert here.count("k1") == 0
    assert len(here) == 1


@given(st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")))
def test_which_of_the_keys_are_here(connected: set[str], asked: set[str]) -> None:
    here: SessionIndex[str] = SessionIndex()
    for key in connected:
        here.add(f"peer of {key}", principal(key))
    assert sorted(here.keys_among(asked)) == sorted(connected & asked)


def test_signing_in_anew_changes_the_end() -> None:
    here: SessionIndex[str] = SessionIndex()
    first, later = principal("jwt:a", NOW), principal("jwt:a", NOW + 10 * SLOT_US)
    here.add("a", first)
    here.remove("a", first)
    here.add("a", later)
    assert here.expired(NOW + SLOT_US) == []
    assert here.expired(NOW + 11 * SLOT_US) == ["a"]


@given(st.lists(st.none() | st.integers(NOW, NOW + 20 * SLOT_US), max_size=20), st.integers(0, 22 * SLOT_US))
def test_expired_are_those_whose_time_is_up_and_within_a_slot_of_it(
    ends: list[int | None], later: int
) -> None:
    here: SessionIndex[int] = SessionIndex()
    for number, end in enumerate(ends):
        here.add(number, principal(f"k{number % 3}", end))
    gone = set(here.expired(NOW + later))
    for number, end in enumerate(ends):
        if number in gone:
            assert end is not None
            assert end <= NOW + later
        elif end is not None:
            assert end > NOW + later - SLOT_US
