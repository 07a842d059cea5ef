"""What the refusal of bytes tells: the action, the field whatever its name is, and how much is said back."""

from __future__ import annotations

import msgspec
import pytest

from floorwire.core.codes import Code
from floorwire.protocol.codec import JSON, MAX_QUOTED, MSGPACK, BadRequestError, Codec


def refused(codec: Codec, data: bytes, *, binary: bool | None = None) -> BadRequestError:
    with pytest.raises(BadRequestError) as caught:
        codec.request(data, codec.binary if binary is None else binary)
    return caught.value


def both(request: dict[str, object]) -> list[BadRequestError]:
    """Return how each encoding refuses the request."""
    return [
        refused(JSON, msgspec.json.encode(request)),
        refused(MSGPACK, msgspec.msgpack.encode(request)),
    ]


def test_a_refusal_knows_the_action_where_there_is_one() -> None:
    for bad in both({"action": "order.place", "id": 7, "x": 1}):
        assert (bad.action, bad.request_id) == ("order.place", 7)
        assert str(bad) == str(bad.refusal)
    for bad in both({"action": "nothing"}):
        assert bad.action == "nothing"
    for bad in both({"id": 7}):
        assert bad.action is msgspec.UNSET


def test_a_frame_of_the_other_kind_is_named() -> None:
    assert refused(JSON, b"{}", binary=True).refusal.message == "binary frames are not floorwire.v1.json"
    assert refused(MSGPACK, b"{}", binary=False).refusal.message == "text frames are not floorwire.v1.msgpack"


def test_what_is_wrong_with_broken_bytes_is_said() -> None:
    bad = refused(JSON, b'{"action":"ping",}')
    assert bad.refusal.code is Code.BAD_JSON
    assert "JSON is malformed" in bad.refusal.message


@pytest.mark.parametrize("name", ["x", " field `x", " - at `$.x", "`", ""])
def test_an_unknown_field_is_named_whatever_its_name_is(name: str) -> None:
    for bad in both({"action": "subscribe", "resume": {name: 1, "epoch": "a", "seq": 1}}):
        assert bad.refusal.details == {"field": f"resume.{name}"}
        assert bad.refusal.message == f"Object contains unknown field `{name}` - at `$.resume`"


def test_a_field_is_said_back_up_to_a_length() -> None:
    for length, shown in ((MAX_QUOTED, "k" * MAX_QUOTED), (MAX_QUOTED + 1, "k" * MAX_QUOTED + "...")):
        for bad in both({"action": "ping", "k" * length: 1}):
            assert bad.refusal.details == {"field": shown}
            assert bad.refusal.message == f"Object contains unknown field `{'k' * length}`"
    for bad in both({"action": "ping", "k" * 1_000: 1}):
        assert len(bad.refusal.message) == 3 * MAX_QUOTED + len("...")
