"""Streams on links: never more than a link carries, each stream on one link, and nothing moves in vain."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.capabilities import StreamKind
from floorwire.venues.common.stream_assignment import StreamAssignment

PUBLIC: frozenset[StreamKind] = frozenset(("quote", "trades", "book", "day"))
BOOK: frozenset[StreamKind] = frozenset(("book",))
BOTH: frozenset[StreamKind] = frozenset(("book", "trades"))
CANDLES: frozenset[StreamKind] = frozenset(("candles",))


def test_the_first_wish_opens_links_and_further_symbols_fill_them() -> None:
    links = StreamAssignment("public", PUBLIC, 2)
    changes = links.want({"A": BOOK, "B": BOOK, "C": BOOK, "D": CANDLES})
    assert changes == (("public-0", "public-1"), (), {}, {})
    assert links.streams("public-0") == {"A": BOOK, "B": BOOK}
    changes = links.want({"A": BOOK, "B": BOOK, "C": BOOK, "E": BOTH})
    assert changes == ((), (), {"public-1": {"E": BOTH}}, {})
    assert links.link_of("D") is None


def test_other_kinds_come_and_go_beside_a_book() -> None:
    links = StreamAssignment("public", PUBLIC, 2)
    links.want({"A": BOOK})
    assert links.want({"A": BOTH}).added == {"public-0": {"A": frozenset(("trades",))}}
    assert links.want({"A": BOOK}).removed == {"public-0": {"A": frozenset(("trades",))}}
    assert links.want({"A": BOOK}) == ((), (), {}, {})


def test_a_link_without_streams_is_closed_and_its_name_waits_for_that() -> None:
    links = StreamAssignment("public", PUBLIC, 2)
    links.want({"A": BOOK})
    assert links.want({}) == ((), ("public-0",), {}, {})
    assert links.want({"A": BOOK}).opened == ("public-1",)
    links.want({})
    links.closed("public-0")
    assert links.want({"A": BOOK}).opened == ("public-0",)


kinds: st.SearchStrategy[StreamKind] = st.sampled_from(["quote", "trades", "book", "candles", "day"])
wishes = st.dictionaries(st.sampled_from("ABCDEFG"), st.frozensets(kinds), max_size=7)


def test_links_are_filled_by_what_streams_cost() -> None:
    links = StreamAssignment("public", PUBLIC, 100, {"book": 2, "trades": 1}, 6)
    assert links.want(dict.fromkeys("ABC", BOOK)).opened == ("public-0",)
    assert links.want(dict.fromkeys("ABCD", BOOK)).opened == ("public-1",)
    quotes = dict.fromkeys("EFGH", frozenset[StreamKind](("quote",)))
    assert links.want(dict.fromkeys("ABCD", BOOK) | quotes).opened == (), "they take no room"
    assert links.link_of("E") == "public-0"


def test_a_symbol_moves_only_if_its_link_has_no_room_for_what_is_wanted_more() -> None:
    links = StreamAssignment("public", PUBLIC, 100, {"book": 2, "trades": 1}, 6)
    links.want(dict.fromkeys("ABC", BOOK))
    changes = links.want({"A": BOTH, "B": BOOK, "C": BOOK})
    assert changes == (("public-1",), (), {}, {"public-0": {"A": BOOK}})
    assert links.streams("public-1") == {"A": BOTH}
    changes = links.want({"A": BOTH, "B": BOTH, "C": BOOK})
    assert changes == ((), (), {"public-0": {"B": frozenset(("trades",))}}, {})


@given(st.lists(st.tuples(wishes, st.booleans()), max_size=12), st.sampled_from((0, 5)))
def test_what_is_told_adds_up_to_the_wish(
    steps: list[tuple[dict[str, frozenset[StreamKind]], bool]], capacity: int
) -> None:
    costs: dict[StreamKind, int] = {"book": 2, "quote": 1} if capacity else {}
    links = StreamAssignment("public", PUBLIC, 3, costs, capacity)
    told: dict[str, dict[str, set[StreamKind]]] = {}
    for wish, is_closed in steps:
        before = {native: link for link, streams in told.items() for native in streams}
        changes = links.want(wish)
        for link in changes.closed:
            del told[link]
            if is_closed:
                links.closed(link)
        for link in changes.opened:
            assert link not in told
            told[link] = {native: set(streams) for native, streams in links.streams(link).items()}
        for link, removed in changes.removed.items():
            for native, gone in removed.items():
                told[link][native] -= gone
                if not told[link][native]:
                    del told[link][native]
        for link, added in changes.added.items():
            for native, new in added.items():
                assert not told[link].get(native, set()) & new
                told[link].setdefault(native, set()).update(new)
        mine = {native: set(streams & PUBLIC) for native, streams in wish.items() if streams & PUBLIC}
        carried = {native: streams for link in told.values() for native, streams in link.items()}
        assert carried == mine
        assert all(1 <= len(link) <= 3 for link in told.values())
        for on_link in told.values():
            assert sum(costs.get(kind, 0) for streams in on_link.values() for kind in streams) <= capacity
        for native, link in before.items():
            assert capacity or links.link_of(native) in (link, None)
