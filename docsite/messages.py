"""The page of the messages of the WebSocket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, get_args

import msgspec

from docsite.markdown import WRITTEN, prose, table
from floorwire.protocol.envelopes import AnyRequest, Outgoing
from floorwire.protocol.json_schema import REFERENCE, Schema, field_rows, first_paragraph

PREFACE = f"""\
# Messages

{WRITTEN.format(source="the types in `src/floorwire/protocol/`")}
What they mean together is in [the protocol](../protocol.md), [channels](../channels.md) and
[trading](../trading.md). A field with **\\*** is always there. The same for programs is `/asyncapi.json` of a
server, and for a browser `/asyncapi`.
"""
REQUIRED: Final = r" **\***"
GROUPS: Final = {
    "Requests": "A client sends these, each with its `action`.",
    "Replies": "Each request gets one of these, with its `id` if it had one.",
    "Events": "These come by themselves, each on its `channel`.",
}


def page() -> str:
    """Return the page."""
    requests, sent = get_args(AnyRequest), get_args(Outgoing)
    named, schemas = msgspec.json.schema_components((*requests, *sent), ref_template=REFERENCE + "{name}")
    parts = msgspec.convert(schemas, dict[str, Schema])
    groups: dict[str, list[str]] = {name: [] for name in GROUPS}
    for kind in (*requests, *sent):
        schema = parts[kind.__name__]
        from_server = "Replies" if "status" in schema.properties else "Events"
        group = "Requests" if kind in requests else from_server
        groups[group].append("".join(_section(kind.__name__, schema, parts)))
    assert len(named) == len(requests) + len(sent)
    return PREFACE + "".join(
        f"\n## {name}\n\n{GROUPS[name]}\n{''.join(texts)}" for name, texts in groups.items()
    )


def _section(name: str, schema: Schema, parts: dict[str, Schema]) -> Iterator[str]:
    action = schema.properties.get("action", Schema()).enum
    yield f"\n### {action[0] if action else name}\n\n"
    yield f"{prose(first_paragraph(schema.description))}\n\n"
    yield table(
        ("field", "type", "meaning"),
        (
            (f"`{row.name}`{REQUIRED if row.is_required else ''}", row.kind, prose(row.text))
            for row in field_rows(schema, parts)
        ),
    )
