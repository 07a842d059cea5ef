"""``floorwire --version``."""

from __future__ import annotations

import platform

import msgspec

from floorwire import __version__
from floorwire.cli.output import echo


class Versions(msgspec.Struct, frozen=True):
    """What runs."""

    floorwire: str
    python: str
    compiled: list[str]
    """Which parts were compiled when it was installed."""


def show(*, json: bool = False) -> None:
    """Print what this is, on which Python, and which of its parts are compiled."""
    if json:
        echo(msgspec.json.encode(Versions(__version__, platform.python_version(), compiled_parts())))
        return
    compiled = ", ".join(compiled_parts()) or "nothing"
    echo(f"floorwire {__version__}, Python {platform.python_version()}, compiled: {compiled}")


def compiled_parts() -> list[str]:
    """Return what of this was compiled when it was installed."""
    from floorwire import core, engine
    from floorwire.hub import direct_send
    from floorwire.storage import intent_file
    from floorwire.venues import common

    parts = {
        "core": len(core.__path__) > 1,
        "engine": len(engine.__path__) > 1,
        "venues": len(common.__path__) > 1,
        "block_writer": intent_file.IS_COMPILED,
        "sendloop": direct_send.send_turn is not direct_send.send_turn_in_python,
    }
    return [name for name, is_compiled in parts.items() if is_compiled]
