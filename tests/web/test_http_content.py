"""Which form an answer has, and what a client that has it already gets."""

from __future__ import annotations

import msgspec
import pytest
from starlette.datastructures import Headers

from floorwire.protocol.market_replies import ServerTime
from floorwire.web.http_content import JSON_TYPE, MSGPACK_TYPE, media_type, respond

MESSAGE = ServerTime(ts=5)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", JSON_TYPE),
        ("*/*", JSON_TYPE),
        ("text/html", JSON_TYPE),
        ("application/json", JSON_TYPE),
        ("application/msgpack", MSGPACK_TYPE),
        ("application/x-msgpack;q=0.5, text/html", MSGPACK_TYPE),
        ("application/vnd.msgpack, */*", MSGPACK_TYPE),
        ("application/json, application/msgpack", JSON_TYPE),
        ("application/json;q=0.5, application/msgpack", MSGPACK_TYPE),
        ("application/json, application/msgpack;q=0.5", JSON_TYPE),
        ("application/msgpack;q=0", JSON_TYPE),
        ("application/msgpack;q=much", JSON_TYPE),
        ("APPLICATION/MSGPACK ; Q=1", MSGPACK_TYPE),
    ],
)
def test_the_form_is_the_one_that_is_preferred(accept: str, expected: str) -> None:
    assert media_type(Headers({"accept": accept})) == expected


def test_both_forms_say_the_same() -> None:
    json = respond(Headers({}), MESSAGE, "open")
    packed = respond(Headers({"accept": MSGPACK_TYPE}), MESSAGE, "open")
    assert msgspec.json.decode(json.body) == msgspec.msgpack.decode(packed.body) == {"status": "ok", "ts": 5}
    assert json.headers["vary"] == "Accept, Authorization, Origin"
    assert json.headers["etag"] != packed.headers["etag"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_it_gets_it_no_second_time(form: str) -> None:
    tag = respond(Headers({}), MESSAGE, "closed").headers["etag"]
    again = respond(Headers({"if-none-match": form.format(tag)}), MESSAGE, "closed")
    assert (again.status_code, again.body, again.headers["etag"]) == (304, b"", tag)


def test_another_answer_is_sent() -> None:
    tag = respond(Headers({}), MESSAGE, "open").headers["etag"]
    assert respond(Headers({"if-none-match": tag}), ServerTime(ts=6), "open").status_code == 200


@pytest.mark.parametrize(
    ("cache", "headers", "expected"),
    [
        ("closed", {}, "public, max-age=60"),
        ("closed", {"authorization": "Bearer x"}, "private, max-age=60"),
        ("open", {}, "public, no-cache"),
        ("none", {}, "no-store"),
    ],
)
def test_only_what_is_closed_may_be_kept(cache: str, headers: dict[str, str], expected: str) -> None:
    answer = respond(Headers(headers), MESSAGE, cache)  # type: ignore[arg-type] # a parameter
    assert answer.headers["cache-control"] == expected
    assert ("etag" in answer.headers) is (cache != "none")
