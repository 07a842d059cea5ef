from __future__ import annotations

from floorwire.auth.known_addresses import KnownAddresses


def test_an_address_is_known_for_its_key_only() -> None:
    known = KnownAddresses()
    known.add("k1", "192.0.2.7")
    assert known.knows("k1", "192.0.2.7")
    assert not known.knows("k1", "192.0.2.8")
    assert not known.knows("k2", "192.0.2.7")


def test_a_key_with_many_addresses_forgets_only_its_own() -> None:
    known = KnownAddresses(most_of_key=3)
    known.add("k1", "192.0.2.7")
    for number in range(4):
        known.add("k2", f"198.51.100.{number}")
        known.add("k2", "198.51.100.0")
    assert known.knows("k1", "192.0.2.7")
    assert [number for number in range(4) if known.knows("k2", f"198.51.100.{number}")] == [0, 2, 3]


def test_when_full_the_key_that_was_not_seen_for_longest_is_forgotten() -> None:
    known = KnownAddresses(most_keys=2)
    for key in ("k1", "k2", "k1", "k3"):
        known.add(key, "192.0.2.7")
    assert [key for key in ("k1", "k2", "k3") if known.knows(key, "192.0.2.7")] == ["k1", "k3"]
