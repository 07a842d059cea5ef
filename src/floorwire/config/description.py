"""docs/settings.md: every setting with its default and its meaning."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from floorwire.config.settings import Settings
from floorwire.config.venues import VenueSettings

PREFACE = """\
# Settings

Written by `make docs` from `src/floorwire/config/`. A setting may stand in a TOML file
(`serve --config FILE`), in the environment, behind `--set`, and some have a flag of their own; the later of
these wins. An unknown name is an error. In the environment names are in upper case, groups end with two
underscores, and lists are written with commas between; several venues with semicolons (`sim;replay:FILE`).

    [limits]
    connections = 50000

    FLOORWIRE_LIMITS__CONNECTIONS=50000
    --set limits.connections=50000

"""


def describe() -> str:
    """Return docs/settings.md: every setting with its default and meaning."""
    rows = [PREFACE + "| name | default | meaning |", "| --- | --- | --- |"]
    rows += (f"| `{name}` | `{default}` | {text} |" for name, default, text in _rows(Settings, ""))
    return "\n".join(rows) + "\n"


def _rows(kind: type[msgspec.Struct], prefix: str) -> Iterable[tuple[str, str, str]]:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    for field in info.fields:
        name = prefix + field.name
        if isinstance(field.type, msgspec.inspect.StructType):
            yield from _rows(field.type.cls, name + ".")
            continue
        if name == "venues":
            yield from _rows(VenueSettings, "venues.ID.")
            continue
        extra = field.type.extra_json_schema if isinstance(field.type, msgspec.inspect.Metadata) else None
        text = str((extra or {}).get("description", ""))
        yield name, msgspec.json.encode(field.default).decode(), text
