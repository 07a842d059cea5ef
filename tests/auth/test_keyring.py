from __future__ import annotations

import msgspec
import pytest

from floorwire.auth.keyring import Key
from floorwire.protocol.requests import login_signature
from tests.auth.parts import NOW, SECRET, S, grant, key, keyring


def test_the_secret_proves_the_key() -> None:
    principal = keyring().verify_secret("k1", SECRET, NOW)
    assert principal is not None
    assert (principal.key, principal.account) == ("k1", "alice")


@pytest.mark.parametrize(
    ("name", "secret"),
    [("k1", SECRET + "x"), ("k1", ""), ("k2", SECRET), ("", SECRET), ("", ""), ("", "0" * 43), ("k1", "\0"),
     ("k1", SECRET.ljust(300, "x")), ("k1", "\udc80"), ("\udc80", SECRET)],
)  # fmt: skip
def test_nothing_else_does(name: str, secret: str) -> None:
    assert keyring().verify_secret(name, secret, NOW) is None
    assert (
        keyring().verify_signature(
            name, NOW, login_signature(secret.encode(errors="replace").decode(), NOW), NOW
        )
        is None
    )


def test_a_signature_proves_the_key_at_its_time() -> None:
    signed = login_signature(SECRET, NOW)
    ring = keyring()
    assert ring.verify_signature("k1", NOW, signed, NOW) is ring.verify_secret("k1", SECRET, NOW)
    assert ring.verify_signature("k1", NOW, signed.upper(), NOW) is not None
    assert ring.verify_signature("k1", NOW + 1, signed, NOW) is None
    assert ring.verify_signature("k2", NOW, signed, NOW) is None
    assert ring.verify_signature("k1", NOW, "", NOW) is None
    assert ring.verify_signature("k1", NOW, "\udc80é", NOW) is None


def test_the_signature_is_the_one_that_the_protocol_names() -> None:
    import hashlib
    import hmac

    expected = hmac.new(b"secret", b"floorwire.login.1800000000000000", hashlib.sha256).hexdigest()
    assert login_signature("secret", NOW) == expected


@pytest.mark.parametrize(
    "dead", [key(revoked=NOW - 1), key(given=grant(expires_us=NOW)), key(given=grant(expires_us=NOW - S))]
)
def test_a_revoked_or_expired_key_opens_nothing(dead: Key) -> None:
    ring = keyring(dead)
    assert ring.verify_secret("k1", SECRET, NOW) is None
    assert ring.verify_signature("k1", NOW, login_signature(SECRET, NOW), NOW) is None


def test_replacing_tells_whose_sign_ins_no_longer_hold() -> None:
    same, other = key("k1"), key("k2")
    ring = keyring(same, other)
    first, second = ring.verify_secret("k1", SECRET, NOW), ring.verify_secret("k2", SECRET, NOW)
    assert first is not None
    assert second is not None
    assert ring.replace([key("k1"), other, key("k3")]) == set()
    assert ring.is_current(first, NOW)
    assert ring.replace([same, msgspec.structs.replace(other, revoked_us=NOW)]) == {"k2", "k3"}
    assert ring.is_current(first, NOW)
    assert not ring.is_current(second, NOW)
    assert ring.replace([key("k1", secret="t" * 43)]) == {"k1", "k2"}
    assert not ring.is_current(first, NOW)
    assert ring.verify_secret("k1", SECRET, NOW) is None
    assert ring.verify_secret("k1", "t" * 43, NOW) is not None
    assert len(ring) == 1


def test_a_prepared_table_counts_from_the_moment_it_is_taken() -> None:
    first, second = key("k1"), key("k2")
    ring = keyring(first, second)
    table = ring.prepare([msgspec.structs.replace(first, revoked_us=NOW), key("k3")])
    assert table.ended == {"k1", "k2"}
    assert len(ring) == 2
    assert ring.verify_secret("k1", SECRET, NOW) is not None
    assert ring.verify_secret("k2", SECRET, NOW) is not None
    assert ring.verify_secret("k3", SECRET, NOW) is None
    before = ring.set_table(table)
    assert set(before.entries) == {"k1", "k2"}
    assert len(ring) == 2
    assert ring.verify_secret("k1", SECRET, NOW) is None
    assert ring.verify_secret("k2", SECRET, NOW) is None
    assert ring.verify_secret("k3", SECRET, NOW) is not None


def test_expiry_ends_what_is_current() -> None:
    ring = keyring(key(given=grant(expires_us=NOW)))
    principal = ring.verify_secret("k1", SECRET, NOW - 1)
    assert principal is not None
    assert ring.is_current(principal, NOW - 1)
    assert not ring.is_current(principal, NOW)


def test_where_a_key_may_be_used_from() -> None:
    ring = keyring(key(given=grant(addresses=("192.0.2.0/24",))))
    assert ring.is_usable_from("k1", "192.0.2.9")
    assert not ring.is_usable_from("k1", "192.0.3.9")


def test_a_tampered_row_proves_nothing() -> None:
    ring = keyring(msgspec.structs.replace(key(), sealed=b"x" * 64))
    assert ring.verify_signature("k1", NOW, login_signature(SECRET, NOW), NOW) is None


def test_whether_any_key_lives() -> None:
    assert keyring().has_live(NOW)
    assert not keyring(key(revoked=NOW)).has_live(NOW)
    assert not keyring(key(given=grant(expires_us=NOW))).has_live(NOW)


def test_the_secret_of_one_key_is_no_secret_of_a_key_that_is_not_there() -> None:
    ring = keyring()  # of one key, so that every other id is checked against it
    for other in ("k2", "", "nobody"):
        assert ring.verify_signature(other, NOW, login_signature(SECRET, NOW), NOW) is None
        assert ring.verify_secret(other, SECRET, NOW) is None


def test_an_empty_ring_opens_to_nobody() -> None:
    ring = keyring()
    ring.replace([])
    for secret in (SECRET, "", "0" * 43):
        assert ring.verify_secret("", secret, NOW) is None
        assert ring.verify_signature("", NOW, login_signature(secret, NOW), NOW) is None
