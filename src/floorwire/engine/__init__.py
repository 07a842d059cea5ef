"""The exchange, pure and deterministic: commands in, events out. Compiled where it could be."""

from floorwire.compiled import path

__path__ = path(__path__)
