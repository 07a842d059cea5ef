"""The targets find what they look for: each is run over code that is broken on purpose."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from floorwire.auth.jwt_tokens import Tokens
from floorwire.auth.origin_policy import OriginPolicy
from floorwire.auth.replay_cache import ReplayCache
from floorwire.auth.tickets import Tickets
from floorwire.protocol.codec import Codec
from floorwire.protocol.frames import BINARY, CLOSE, PING, TEXT
from floorwire.web.echo_peer import EchoPeer
from tests.auth.parts import grant
from tests.fuzz.credentials import KEY, RING
from tests.fuzz.frames import CONTINUATION, expected, masked
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

Break = Callable[[pytest.MonkeyPatch], None]


def _echo_wrong(patch: pytest.MonkeyPatch) -> None:
    real = EchoPeer.received
    patch.setattr(EchoPeer, "received", lambda self, data, binary: real(self, data + b"!", binary))


def _let_every_page_in(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OriginPolicy, "allows", lambda *_: True)


def _use_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ReplayCache, "use", lambda *_: True)


def _redeem_again(patch: pytest.MonkeyPatch) -> None:
    principal = RING.verify_secret(KEY, "s" * 43, 0)
    patch.setattr(Tickets, "redeem", lambda *_: principal)


def _believe_every_token(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tokens, "verify", lambda *_: ("jwt:alice", grant(expires_us=1)))


def _raise_on_requests(patch: pytest.MonkeyPatch) -> None:
    def request(*_: object) -> None:
        raise KeyError

    patch.setattr(Codec, "request", request)


BROKEN: dict[str, Break] = {
    "frames": _echo_wrong,
    "handshake": _let_every_page_in,
    "login": _use_again,
    "ticket": _redeem_again,
    "token": _believe_every_token,
    "json": _raise_on_requests,
    "msgpack": _raise_on_requests,
}


def run_seeds(target: Target) -> None:
    for data in target.seeds():
        target.run(data)


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(TARGETS[name]()) as target, monkeypatch.context() as patch:
        BROKEN[name](patch)
        with pytest.raises((AssertionError, KeyError)):
            run_seeds(target)


@pytest.mark.parametrize(
    ("data", "echoes", "ends"),
    [
        (masked(TEXT, b"a") + masked(PING, b"p") + masked(BINARY, b""), [(TEXT, b"a"), (BINARY, b"")], False),
        (masked(TEXT, b"\xc3", fin=False) + masked(CONTINUATION, b"\xa4"), [(TEXT, b"\xc3\xa4")], False),
        (masked(TEXT, b"\xc3", fin=False) + masked(CONTINUATION, b"a"), [], True),
        (masked(TEXT, b"\xed\xa0", fin=False), [], True),
        (masked(TEXT, b"\xf0\x9f", fin=False), [], False),
        (masked(TEXT, b"\xff"), [], True),
        (masked(CONTINUATION, b"a"), [], True),
        (masked(TEXT, b"a", fin=False) + masked(TEXT, b"b"), [], True),
        (
            masked(BINARY, bytes(300)) + masked(CLOSE, b"") + masked(TEXT, b"late"),
            [(BINARY, bytes(300))],
            True,
        ),
        (b"\x81\x01a", [], True),
        (b"\x82\xfe\x00\x01" + bytes(5), [], True),
        (b"\xc1\x85\x00", [], None),
        (masked(TEXT, b"cut")[:-1], [], False),
    ],
)
def test_the_model_of_frames(data: bytes, echoes: list[tuple[int, bytes]], ends: bool | None) -> None:
    model = expected(data)
    assert (model.echoes, model.ends) == (echoes, ends)
