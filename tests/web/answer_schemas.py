"""Holds answers to the OpenAPI: the status, the type of content, and the schema, with no field beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import jsonschema_rs
import msgspec
from httpx2 import Response

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


class AnswerSchemas:
    """The answers of an OpenAPI document."""

    def __init__(self, document: bytes) -> None:
        self._paths = _fields(_fields(msgspec.json.decode(document))["paths"])

    def schemas(self) -> dict[tuple[str, str, str, str], Json]:
        """Return the schemas by path, method, status and type of content."""
        return {
            (path, method, status, kind): _fields(described).get("schema")
            for path, operations in self._paths.items()
            for method, operation in _fields(operations).items()
            for status, answer in _fields(_fields(operation)["responses"]).items()
            for kind, described in _fields(_fields(answer).get("content", {})).items()
        }

    def check(self, method: str, path: str, response: Response) -> None:
        """Fail where the answer of this operation is not one that the document has. ``path``: its pattern."""
        responses = _fields(_fields(_fields(self._paths[path])[method])["responses"])
        answer = _fields(responses.get(str(response.status_code), responses["default"]))
        if "content" not in answer:
            assert response.content == b"", response.text
            return
        content = _fields(answer["content"])
        kind = response.headers["content-type"].partition(";")[0]
        assert kind in content, f"{kind} is not among {[*content]}"
        message = _decoded(kind, response.content)
        if message is not None:
            jsonschema_rs.validate(_fields(_closed(_fields(content[kind])["schema"])), message)


def _fields(of: Json) -> dict[str, Json]:
    assert isinstance(of, dict)
    return of


def _decoded(kind: str, content: bytes) -> Json:
    """Return the message; None where it is a file."""
    message: Json = None
    if kind == "application/json":
        message = msgspec.json.decode(content)
    elif kind == "application/msgpack":
        message = msgspec.msgpack.decode(content)
    return message


def _closed(schema: Json) -> Json:
    """Return a schema that allows no fields but those that it names."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        closed["additionalProperties"] = False
    return closed
