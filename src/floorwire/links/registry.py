"""From a venue's specification (``sim``, ``replay:FILE,adapter=NAME``) to the venue."""

from __future__ import annotations

import random
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from floorwire import venues
from floorwire.config import Settings, SettingsError
from floorwire.core.ports import Venue
from floorwire.links import recording
from floorwire.venues import sim
from floorwire.venues.replay import Replay


def build(settings: Settings) -> list[Venue]:
    """Return the venues that the settings name. Raises SettingsError."""
    names = [spec.partition(":")[0] for spec in settings.venue]
    if len(set(names)) < len(names):
        raise SettingsError(f"venue: each kind once, not {', '.join(names)}")
    prefixed = len(names) > 1
    return [_build(spec, f"{name}:" if prefixed else "", settings) for spec, name in zip(settings.venue, names, strict=True)]


def _build(spec: str, prefix: str, settings: Settings) -> Venue:
    name, _, rest = spec.partition(":")
    match name:
        case "sim":
            return sim.venue(random.Random(settings.seed))  # noqa: S311 - a market, not a secret
        case "replay" if rest:
            return _replay(rest, prefix, settings)
        case _:
            raise SettingsError(f"venue: {spec!r} is neither sim nor replay:FILE[,adapter=NAME]")


def _replay(rest: str, prefix: str, settings: Settings) -> Venue:
    file, _, option = rest.partition(",adapter=")
    try:
        recorded = recording.read(Path(file))
    except OSError as error:
        raise SettingsError(f"venue: {error}") from None
    return Replay(recorded)  # to be fitted
