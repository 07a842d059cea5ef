"""Pages that show an OpenAPI or AsyncAPI document, without scripts and with nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Final

import msgspec

from floorwire.protocol.json_schema import FieldRow, Schema, field_rows, first_paragraph, kind_of

METHODS: Final = ("get", "post", "put", "patch", "delete")
OTHERS: Final = "health"
"""The heading of operations without a tag."""
JSON_TYPE: Final = "application/json"
CODE: Final = re.compile(r"``(.+?)``|`(.+?)`")


class Info(msgspec.Struct, frozen=True):
    """What a document describes."""

    title: str
    version: str


class Content(msgspec.Struct, frozen=True):
    """A body in one encoding."""

    schema: Schema = Schema()


class Answer(msgspec.Struct, frozen=True):
    """A response, or the body of a request."""

    description: str = ""
    content: dict[str, Content] = {}


class Parameter(msgspec.Struct, frozen=True):
    """A field of the path or of the query."""

    name: str
    place: str = msgspec.field(name="in")
    required: bool = False
    description: str = ""
    schema: Schema = Schema()


class Operation(msgspec.Struct, frozen=True):
    """One method of one path."""

    responses: dict[str, Answer]
    description: str = ""
    tags: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Answer | None = msgspec.field(default=None, name="requestBody")
    security: tuple[dict[str, list[str]], ...] = ()


class Components(msgspec.Struct, frozen=True):
    """What the rest of a document refers to."""

    schemas: dict[str, Schema] = {}
    messages: dict[str, Message] = {}


class OpenApi(msgspec.Struct, frozen=True):
    """A description of an HTTP API."""

    info: Info
    paths: dict[str, dict[str, Operation]]
    components: Components = Components()


class Reference(msgspec.Struct, frozen=True):
    """The name of something in the components."""

    reference: str = msgspec.field(name="$ref")


class Message(msgspec.Struct, frozen=True):
    """A message of a WebSocket."""

    payload: Reference
    summary: str = ""


class Channel(msgspec.Struct, frozen=True):
    """A WebSocket."""

    address: str
    description: str = ""


class Direction(msgspec.Struct, frozen=True):
    """What one side sends. ``action``: what the server does with it."""

    action: str
    messages: tuple[Reference, ...]


class AsyncApi(msgspec.Struct, frozen=True):
    """A description of WebSockets."""

    info: Info
    channels: dict[str, Channel]
    operations: dict[str, Direction]
    components: Components


def openapi_page(document: bytes) -> bytes:
    """Return the page of an HTTP API."""
    api = msgspec.json.decode(document, type=OpenApi)
    parts = api.components.schemas
    groups: dict[str, list[str]] = {}
    for path, methods in api.paths.items():
        for method in METHODS:
            if operation := methods.get(method):
                group = groups.setdefault((operation.tags or (OTHERS,))[0], [])
                group.append("".join(_operation(method, path, operation, parts)))
    intro = (
        "<p>Requests and answers over HTTP. Fields are those of the messages of "
        '<a href="asyncapi">the WebSocket</a>, which has everything here and live data too. '
        'For programs: <a href="openapi.json">openapi.json</a>.</p>'
    )
    return _page(f"{api.info.title} over HTTP", api.info.version, intro, groups)


def asyncapi_page(document: bytes) -> bytes:
    """Return the page of the WebSockets."""
    api = msgspec.json.decode(document, type=AsyncApi)
    parts = api.components.schemas
    groups: dict[str, list[str]] = {"requests": [], "replies": [], "events": []}
    for action in ("receive", "send"):
        direction = next(one for one in api.operations.values() if one.action == action)
        for reference in direction.messages:
            name = reference.reference.rpartition("/")[2]
            schema = parts[api.components.messages[name].payload.reference.rpartition("/")[2]]
            group = "requests" if action == "receive" else _group(schema)
            groups[group].append("".join(_message(name, schema, parts)))
    addresses = "".join(
        f"<dt><code>{escape(one.address)}</code></dt><dd>{_prose(one.description)}</dd>"
        for one in api.channels.values()
    )
    intro = (
        "<p>JSON, or MessagePack with the subprotocol <code>floorwire.v1.msgpack</code>.</p>"
        f"<dl>{addresses}</dl>"
        '<p>The same over HTTP: <a href="docs">the REST API</a>. '
        'For programs: <a href="asyncapi.json">asyncapi.json</a>.</p>'
    )
    return _page(f"{api.info.title} over WebSocket", api.info.version, intro, groups)


def _group(schema: Schema) -> str:
    return "replies" if "status" in schema.properties else "events"


def _message(name: str, schema: Schema, parts: Mapping[str, Schema]) -> Iterator[str]:
    action = schema.properties.get("action", Schema()).enum
    title = f"<code>{escape(str(action[0]))}</code>" if action else escape(name)
    text = _prose(first_paragraph(schema.description))
    yield f'<details id="{escape(name)}"><summary>{title} <span>{text}</span></summary>'
    yield _table(field_rows(schema, parts))
    yield "</details>"


def _operation(method: str, path: str, operation: Operation, parts: Mapping[str, Schema]) -> Iterator[str]:
    first = first_paragraph(operation.description)
    title = f'<b class="{method}">{method.upper()}</b> <code>{escape(path)}</code>'
    yield f"<details><summary>{title} <span>{_prose(first)}</span></summary>"
    for paragraph in operation.description.split("\n\n")[1:]:
        yield f"<p>{_prose(paragraph)}</p>"
    yield f"<pre>{escape(curl(method, path, operation))}</pre>"
    if operation.parameters:
        yield "<h3>Path and query</h3>"
        yield _table(_parameter(one, parts) for one in operation.parameters)
    if operation.body is not None and JSON_TYPE in operation.body.content:
        yield "<h3>Body</h3>"
        yield _table(field_rows(operation.body.content[JSON_TYPE].schema, parts))
    for status, answer in operation.responses.items():
        if status.startswith("2") or status == "default":
            yield f"<h3>{'Errors' if status == 'default' else status}</h3><p>{_prose(answer.description)}"
            yield f" <small>{escape(', '.join(answer.content))}</small></p>"
            if JSON_TYPE in answer.content:
                yield _table(field_rows(answer.content[JSON_TYPE].schema, parts))
    yield "</details>"


def _parameter(parameter: Parameter, parts: Mapping[str, Schema]) -> FieldRow:
    schema = Schema(properties={parameter.name: parameter.schema})
    (row, *_) = field_rows(schema, parts)
    text = "; ".join(part for part in (parameter.description, row.text) if part)
    return FieldRow(parameter.name, kind_of(parameter.schema, parts), parameter.required, text)


def curl(method: str, path: str, operation: Operation) -> str:
    """Return a request of the operation, with placeholders in upper case for what it needs."""
    query = "&".join(
        f"{one.name}={one.name.upper()}"
        for one in operation.parameters
        if one.required and one.place == "query"
    )
    address = re.sub(r"{(\w+)}", lambda found: found[1].upper(), path) + (f"?{query}" if query else "")
    words = ["curl"] if method == "get" else ["curl", "-X", method.upper()]
    if operation.security:
        words.append("-H 'Authorization: Bearer KEY.SECRET'")
    if operation.body is not None and JSON_TYPE in operation.body.content:
        needed = operation.body.content[JSON_TYPE].schema.required
        fields = msgspec.json.encode({name: name.upper() for name in needed}).decode()
        words += ["-H 'Content-Type: application/json'", f"-d '{fields}'"]
    return " ".join([*words, f"'http://127.0.0.1:8000{address}'"])


def _table(rows: Iterable[FieldRow]) -> str:
    lines = [
        f"<tr><td><code>{escape(row.name)}</code>{' <b>*</b>' if row.is_required else ''}</td>"
        f"<td>{escape(row.kind)}</td><td>{_prose(row.text)}</td></tr>"
        for row in rows
    ]
    if not lines:
        return "<p>No fields.</p>"
    head = "<thead><tr><th>field</th><th>type</th><th>meaning</th></tr></thead>"
    return f'<div class="scroll"><table>{head}<tbody>{"".join(lines)}</tbody></table></div>'


def _prose(text: str) -> str:
    """Return text as HTML: what is code in a docstring is code."""
    return CODE.sub(lambda found: f"<code>{found[1] or found[2]}</code>", escape(text, quote=False))


def _page(title: str, version: str, intro: str, groups: Mapping[str, list[str]]) -> bytes:
    links = "".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in groups)
    sections = "".join(
        f'<section><h2 id="{escape(name)}">{escape(name)}</h2>{"".join(items)}</section>'
        for name, items in groups.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="dark light"><title>{escape(title)}</title>'
        '<link rel="icon" href="static/icon.svg" type="image/svg+xml">'
        '<link rel="stylesheet" href="static/docs.css"></head><body>'
        f"<header><h1>{escape(title)} <small>{escape(version)}</small></h1><nav>{links}</nav></header>"
        f"<main>{intro}<p><b>*</b> is required.</p>{sections}</main></body></html>\n"
    ).encode()
