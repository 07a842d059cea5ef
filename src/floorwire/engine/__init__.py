"""The exchange, pure and deterministic: commands in, events out. Compiled where it can be."""

from floorwire.compiled import path

__path__ = path(__path__[0])
