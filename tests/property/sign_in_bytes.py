"""What anybody may throw at the door: logins, and the heads of handshakes."""

from __future__ import annotations

import json
from typing import TypeAlias

from hypothesis import strategies as st

from floorwire.protocol.requests import SAFE

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

TOKEN_PART = st.from_regex(r"\A[A-Za-z0-9_=-]{0,40}\Z")
TEXT = st.one_of(
    st.text(max_size=100),
    st.builds(".".join, st.lists(TOKEN_PART, min_size=1, max_size=4)),
    st.from_regex(r"\Afw[0-9a-f]{16}(\.[A-Za-z0-9_-]{43})?\Z"),
)
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
ANYTHING: st.SearchStrategy[Json] = SCALAR | st.lists(SCALAR, max_size=3)

LOGINS = st.fixed_dictionaries(
    {"action": st.just("login")},
    optional={
        "id": st.integers(0, 9) | ANYTHING,
        "key": TEXT | ANYTHING,
        "ts": st.integers(0, SAFE) | ANYTHING,
        "signature": st.from_regex(r"\A[0-9a-fA-F]{64}\Z") | TEXT | ANYTHING,
        "token": TEXT | ANYTHING,
        "more": ANYTHING,
    },
)


def login_bytes() -> st.SearchStrategy[bytes]:
    """Logins whole, cut, and torn."""
    whole = LOGINS.map(json.dumps).map(str.encode)
    return whole | st.builds(lambda text, at: text[:at], whole, st.integers(0, 60)) | st.binary(max_size=80)


LINE = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=60)
AUTHORIZATION = st.builds("{} {}".format, st.sampled_from(["Bearer", "bearer", "Basic", ""]), TEXT) | LINE
HEADERS = st.one_of(
    st.tuples(st.just("Authorization"), AUTHORIZATION),
    st.tuples(st.just("Origin"), st.sampled_from(["http://127.0.0.1", "null", "http://[", "x://y"]) | LINE),
    st.tuples(st.just("Host"), LINE),
    st.tuples(st.just("X-Forwarded-For"), LINE),
    st.tuples(
        st.just("Sec-WebSocket-Protocol"), st.sampled_from(["floorwire.v1.msgpack", ",", "a,b"]) | LINE
    ),
    st.tuples(st.from_regex(r"\A[A-Za-z-]{1,20}\Z"), LINE),
)
QUERY = st.builds("?ticket={}".format, TEXT) | st.builds("?{}".format, LINE) | st.just("")


def heads() -> st.SearchStrategy[bytes]:
    """Heads of handshakes, more and less like one."""

    def head(path: str, query: str, extra: list[tuple[str, str]], is_whole: bool) -> bytes:
        url = "".join(char for char in path + query if "!" <= char <= "~")
        lines = [f"GET {url} HTTP/1.1", *(f"{name}: {value}" for name, value in extra)]
        if is_whole:
            lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
            lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    path = st.sampled_from(["/ws", "/ws/ticker", "/ws/echo", "/", "/api/v1/keys"])
    made = st.builds(head, path, QUERY, st.lists(HEADERS, max_size=4), st.booleans())
    return made | st.builds(lambda text, at: text[:at], made, st.integers(0, 200)) | st.binary(max_size=200)
