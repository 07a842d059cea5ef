from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.auth.secret_sealer import SecretSealer, WrongMasterKeyError, verify_digest
from tests.auth.parts import SECRET, sealer

NONCE = b"n" * 12


def test_a_digest_differs_by_key_secret_and_master() -> None:
    digests = {
        sealer().digest("k1", SECRET),
        sealer().digest("k2", SECRET),
        sealer().digest("k1", SECRET + "x"),
        SecretSealer(bytes(32)).digest("k1", SECRET),
        sealer().digest("k1\0", SECRET[1:]),
    }
    assert len(digests) == 5
    assert sealer().digest("k1", SECRET) == sealer().digest("k1", SECRET)


@given(st.text(max_size=100).filter(str.isprintable), st.binary(min_size=12, max_size=12))
def test_what_is_sealed_comes_back(secret: str, nonce: bytes) -> None:
    assert sealer().unseal("k1", sealer().seal("k1", secret, nonce)) == secret


def test_what_is_sealed_does_not_show_the_secret() -> None:
    assert SECRET.encode() not in sealer().seal("k1", SECRET, NONCE)


def test_what_is_sealed_opens_only_for_its_key_with_its_master() -> None:
    sealed = sealer().seal("k1", SECRET, NONCE)
    for safe, key, text in (
        (sealer(), "k2", sealed),
        (SecretSealer(bytes(32)), "k1", sealed),
        (sealer(), "k1", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (sealer(), "k1", b""),
    ):
        with pytest.raises(WrongMasterKeyError):
            safe.unseal(key, text)


def test_master_keys_have_32_bytes_and_can_be_told_apart() -> None:
    with pytest.raises(ValueError, match="32"):
        SecretSealer(b"short")
    assert sealer().fingerprint != SecretSealer(bytes(32)).fingerprint


@given(st.text(), st.text())
def test_a_digest_takes_any_text(key: str, secret: str) -> None:
    assert len(sealer().digest(key, secret)) == 32


def test_verify_digest() -> None:
    assert verify_digest(b"a", b"a")
    assert not verify_digest(b"a", b"b")
    assert not verify_digest(b"a", b"aa")
