"""Secrets show themselves nowhere."""

from __future__ import annotations

import copy
import json
import pickle
import traceback

import msgspec
import pytest

from floorwire.core.credentials import Secret, VenueCredentials

TEXT = "s3cret-0f-a-venue"
CREDENTIALS = VenueCredentials("key", Secret(TEXT), Secret(TEXT + "2"))


def test_it_reveals_itself_only_when_it_is_told_to() -> None:
    secret = CREDENTIALS.secret
    assert secret.reveal() == TEXT
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", f"{CREDENTIALS}", repr(CREDENTIALS)]
    assert not any(TEXT in text for text in shown)
    assert secret == Secret(TEXT) != Secret("other")
    assert secret
    assert not Secret("")


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode, json.dumps, pickle.dumps])
def test_no_encoder_takes_it(encode: object) -> None:
    assert callable(encode)
    with pytest.raises(TypeError) as refused:
        encode(CREDENTIALS.secret)
    assert TEXT not in str(refused.value)


def test_a_traceback_with_it_does_not_show_it() -> None:
    def fail(secret: Secret) -> None:
        raise LookupError(f"with {secret!r}, {[secret]}")

    with pytest.raises(LookupError) as raised:
        fail(Secret(TEXT))
    lines = traceback.TracebackException.from_exception(raised.value, capture_locals=True).format()
    assert TEXT not in "".join(line for line in lines if "secret =" in line or "with" in line)


def test_it_is_not_copied() -> None:
    with pytest.raises(TypeError):
        copy.deepcopy(CREDENTIALS.secret)
