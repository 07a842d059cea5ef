"""What the time of a refusal could tell, tested as work: an unknown key takes the calls of a known one."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Protocol

import pytest

from floorwire.auth.failure_throttle import FREE
from floorwire.auth.keyring import Keyring
from floorwire.auth.secret_sealer import SecretSealer
from floorwire.auth.sign_in import SignIn
from floorwire.core.refusal import Refusal
from tests.auth.parts import HERE, NOW, key, keyring
from tests.clocks import moment

AT = moment(NOW)
KNOWN = [f"fw{number:016x}" for number in range(64)]
UNKNOWN = [f"fw{number:016x}" for number in range(64, 128)]
WRONG = "w" * 43
SIGNATURE = "0" * 64


class Verify(Protocol):
    """One way to show something wrong for a key."""

    def __call__(self, at: SignIn, key: str, /) -> object: ...


WAYS: dict[str, Verify] = {
    "bearer": lambda at, name: at.verify_bearer(f"{name}.{WRONG}", HERE, AT),
    "signed login": lambda at, name: at.verify_signed_login(name, NOW, SIGNATURE, HERE, AT),
    "is the bearer wrong": lambda at, name: at.refuses_bearer(f"{name}.{WRONG}", HERE, AT),
    "is the signature wrong": lambda at, name: at.refuses_signature(name, NOW, SIGNATURE, HERE, AT),
    "the next secret": lambda at, name: at.keyring.shows_next_secret(name, WRONG),
    "the next signature": lambda at, name: at.keyring.shows_next_signature(name, NOW, SIGNATURE),
}
"""Each way in which a client names a key and shows what is wrong."""


def calls(run: Callable[[], object]) -> list[str]:
    """Return the functions that are called, in their order.

    The garbage collector is off meanwhile: it calls what others hooked to it, at any time.
    """
    found: list[str] = []

    def note(frame: FrameType, event: str, called: object) -> None:
        if event == "call":
            found.append(frame.f_code.co_qualname)
        elif event == "c_call":
            found.append(getattr(called, "__qualname__", ""))

    gc.disable()
    sys.setprofile(note)
    try:
        with suppress(Refusal):
            run()
    finally:
        sys.setprofile(None)
        gc.enable()
    return found


@pytest.mark.parametrize("verify", WAYS.values(), ids=WAYS)
def test_an_unknown_key_takes_the_calls_that_a_known_one_takes(verify: Verify) -> None:
    ring = keyring(*map(key, KNOWN))

    def of(name: str) -> list[str]:
        at = SignIn(ring, None, 1_000)
        return calls(lambda: verify(at, name))

    known = of(KNOWN[0])
    assert "compare_digest" in known
    assert all(of(name) == known for name in [*KNOWN, *UNKNOWN])


def test_unknown_keys_are_verified_against_different_known_ones() -> None:
    opened: list[str] = []

    class Opened(SecretSealer):
        def unseal(self, key: str, sealed: bytes) -> str:
            opened.append(key)
            return super().unseal(key, sealed)

    ring = Keyring(Opened(bytes(range(32))))
    ring.replace(map(key, KNOWN))
    for name in UNKNOWN:
        ring.verify_signature(name, NOW, SIGNATURE, NOW)
    assert set(opened) <= set(KNOWN)
    assert len(set(opened)) > len(KNOWN) // 4  # one for all would stay in the processor's cache


@pytest.mark.parametrize("name", [KNOWN[0], UNKNOWN[0]])
@pytest.mark.parametrize("way", ["bearer", "signed login"])
def test_who_failed_too_often_is_refused_before_anything_is_verified(way: str, name: str) -> None:
    at = SignIn(keyring(*map(key, KNOWN)), None, 1_000)
    made = [calls(lambda: WAYS[way](at, name)) for _ in range(FREE + 2)]
    assert "compare_digest" in made[0]
    assert not {"compare_digest", "blake2b", "decrypt", "Keyring._held_or_decoy"} & set(made[-1])
    assert len(made[-1]) < len(made[0])
