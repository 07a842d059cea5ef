"""The schemas of answers: whole, and with the errors that every path gives."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import msgspec
import pytest

from floorwire.protocol.market_replies import BookReply, CandleList
from floorwire.web.openapi_schemas import gives, schema_of, with_errors
from tests.web.admin_server import open_admin_server

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
MARKET = [f"/api/v1/{name}" for name in ("time", "symbols", "ticker", "book", "trades", "candles")]


def test_a_schema_has_no_references() -> None:
    text = msgspec.json.encode(schema_of(CandleList)).decode()
    assert "$ref" not in text
    assert '"incomplete"' in text, "that of its rows is inside"


def test_a_pair_is_an_array_of_two() -> None:
    bids = schema_of(BookReply)["properties"]["bids"]  # type: ignore[index, call-overload]
    assert bids["items"] == {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string"}}  # type: ignore[index, call-overload]


def test_an_answer_comes_in_both_encodings_or_unchanged() -> None:
    answers = gives(CandleList)
    assert set(answers) == {200, 304}
    content = answers[200]["content"]
    assert isinstance(content, dict)
    assert set(content) == {"application/json", "application/msgpack"}


def test_all_else_is_an_error_of_the_protocol() -> None:
    operation: dict[str, Json] = {"responses": {"200": {}, "422": {}}}
    document: dict[str, Json] = {"paths": {"/x": {"get": operation}}}
    with_errors(document)
    responses = operation["responses"]
    assert isinstance(responses, dict)
    assert set(responses) == {"200", "default", "414", "431"}


@pytest.mark.parametrize("path", MARKET)
def test_the_document_has_the_market_data_routes_whole(tmp_path: Path, path: str) -> None:
    with open_admin_server(tmp_path).client() as client:
        operation = client.get("/openapi.json").json()["paths"][path]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema["type"] == "object"
    assert "status" in schema["properties"]
    assert "default" in operation["responses"]
