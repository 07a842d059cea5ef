"""Each setting in force, and which source it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from floorwire.config.settings import Settings
from floorwire.config.sources import Node, load, parts

DEFAULT: Final = "default"
"""The source of what nobody set."""
Value: TypeAlias = "str | int | float | bool | list[Value] | None"


class SettingInForce(msgspec.Struct, frozen=True):
    """One setting."""

    name: str
    value: Value
    source: str
    """A file, ``the environment``, ``--set``, or ``default``."""


def settings_in_force(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    assignments: Iterable[str] = (),
) -> list[SettingInForce]:
    """Return all settings, those of venues that are configured among them. Raises SettingsError."""
    assignments = tuple(assignments)
    sources = {
        name: source
        for source, tree in parts(file, environment, assignments)
        for name, _ in _leaves(tree, "")
    }
    tree = msgspec.to_builtins(load(file, environment, assignments), builtin_types=())
    return [
        SettingInForce(name, value, sources.get(name, DEFAULT))
        for name, value in _leaves(_plain(tree, Settings), "")
    ]


def _plain(tree: dict[str, Node], kind: type[msgspec.Struct]) -> dict[str, Node]:
    """Return the groups in the order of the settings."""
    return {name: tree[name] for name in kind.__struct_fields__ if name in tree}


def _leaves(tree: Mapping[str, Node], prefix: str) -> Iterator[tuple[str, Value]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value  # type: ignore[misc] # a list of settings has texts only
