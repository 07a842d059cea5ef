"""Reads settings: defaults, a TOML file, the environment and flags, later over earlier."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeAlias

import msgspec

from floorwire.config import settings_help
from floorwire.config.settings import Settings
from floorwire.config.venues import VenueSettings
from floorwire.core.os_errors import reason
from floorwire.core.venue_names import VENUE_ID

ENVIRONMENT_PREFIX = "FLOORWIRE_"
FILE_BYTES = 1 << 20
"""The largest file of settings."""
MASTER_KEY = "FLOORWIRE_MASTER_KEY"
"""A secret. It is not a setting, because settings may be printed."""
NO_SETTINGS = frozenset(
    {
        MASTER_KEY,
        "FLOORWIRE_URL",
        "FLOORWIRE_KEY",
        "FLOORWIRE_KEY_FILE",
        "FLOORWIRE_CA",
        "FLOORWIRE_PROFILE",
    }
)
"""Variables with our prefix that are no settings: commands use them to find a server and a key."""

Node: TypeAlias = "dict[str, Node] | str | int | float | bool | list[Node]"


class SettingsError(ValueError):
    """A setting does not exist or has a bad value. The message names it and its source."""


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    assignments: Iterable[str] = (),
    flags: Mapping[str, Node | None] | None = None,
) -> Settings:
    """Return the settings of all sources, later over earlier: file, environment, ``name=value``, flags.

    Raises SettingsError for a name that does not exist or a value that does not fit, wherever it stands.
    """
    tree: dict[str, Node] = {}
    for _, part in parts(file, environment, assignments, flags):
        merge(tree, part)
    return _convert(tree, "settings")


def parts(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    assignments: Iterable[str] = (),
    flags: Mapping[str, Node | None] | None = None,
) -> Iterator[tuple[str, dict[str, Node]]]:
    """Yield each source by its name, and what it sets; later ones win. Raises SettingsError, as ``load``."""
    for source, part in (
        (str(file), _read(file) if file is not None else {}),
        ("the environment", _of_environment(environment or {})),
        ("--set", _of_assignments(assignments)),
        ("the command line", {name: value for name, value in (flags or {}).items() if value is not None}),
    ):
        _split_lists(part, Settings)
        _convert(part, source)
        yield source, part


def _convert(tree: dict[str, Node], source: str) -> Settings:
    venues = tree.get("venues", {})
    if not isinstance(venues, dict):
        raise SettingsError(f"{source}: venues is a group: venues.ID.kind and so on")
    for venue, part in venues.items():
        _check_venue(venue, part, source)
    try:
        return msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{source}: {settings_help.explain(str(error), tree, Settings)}") from None


def _check_venue(venue: str, part: Node, source: str) -> None:
    """Check the settings of one venue by themselves, so that the message names the venue."""
    if not VENUE_ID.fullmatch(venue):
        raise SettingsError(
            f"{source}: venues.{venue[:40]}: the id of a venue has 1 to 32 of a-z 0-9 _ -, "
            "and begins with none of _ -"
        )
    if not isinstance(part, dict):
        raise SettingsError(f"{source}: venues.{venue} is a group: venues.{venue}.kind and so on")
    try:
        msgspec.convert(part, VenueSettings, strict=False)
    except msgspec.ValidationError as error:
        problem = settings_help.explain(str(error), part, VenueSettings)
        raise SettingsError(f"{source}: venues.{venue}.{problem}") from None


def _of_environment(environment: Mapping[str, str]) -> dict[str, Node]:
    tree: dict[str, Node] = {}
    for name, text in sorted(environment.items()):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in NO_SETTINGS:
            put(tree, name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"), text)
    return tree


def _of_assignments(assignments: Iterable[str]) -> dict[str, Node]:
    tree: dict[str, Node] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise SettingsError(f"--set takes name=value, not {assignment!r}")
        put(tree, name.strip().split("."), text)
    return tree


def _split_lists(tree: dict[str, Node], kind: type[msgspec.Struct]) -> None:
    """Make lists of texts with commas: the environment and ``--set`` can write lists in no other way."""
    given = tree.get("venue")
    if kind is Settings and isinstance(given, str):  # the options of one venue are written with commas
        tree["venue"] = [part.strip() for part in given.split(";") if part.strip()]
    for name, field in _fields(kind):
        value = tree.get(name)
        if isinstance(field, msgspec.inspect.StructType) and isinstance(value, dict):
            _split_lists(value, field.cls)
        elif isinstance(field, msgspec.inspect.DictType) and isinstance(value, dict):
            for part in value.values():
                if isinstance(part, dict):
                    _split_lists(part, VenueSettings)
        elif isinstance(field, msgspec.inspect.VarTupleType) and isinstance(value, str):
            tree[name] = [part.strip() for part in value.split(",") if part.strip()]


@cache  # msgspec needs more time for this than for all else that a load does
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, msgspec.inspect.Type], ...]:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    return tuple((field.name, _plain(field.type)) for field in info.fields)


def _plain(kind: msgspec.inspect.Type) -> msgspec.inspect.Type:
    return kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind


def _read(file: Path) -> dict[str, Node]:
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_BYTES + 1)
        if len(content) > FILE_BYTES:
            raise SettingsError(f"{file}: has more than {FILE_BYTES} bytes")
        return tomllib.loads(content.decode())
    except (OSError, ValueError) as error:  # no such file, no UTF-8, no TOML
        raise SettingsError(f"{file}: {reason(error)}") from None
    except RecursionError:
        raise SettingsError(f"{file}: lists and groups are nested too deeply") from None


def put(tree: dict[str, Node], path: list[str], value: Node) -> None:
    """Set the value at the path. Missing groups are made."""
    *above, last = path
    for name in above:
        child = tree.setdefault(name, {})
        if not isinstance(child, dict):
            raise SettingsError(f"settings: {name} is not a group")
        tree = child
    tree[last] = value


def merge(tree: dict[str, Node], over: Mapping[str, Node]) -> None:
    """Write the values of ``over`` into the tree, in place."""
    for name, value in over.items():
        below = tree.get(name)
        if isinstance(value, dict) and isinstance(below, dict):
            merge(below, value)
        else:
            tree[name] = value
