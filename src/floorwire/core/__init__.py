"""The types that all other packages share. Pure: no I/O, no clock. Compiled where it could be."""

from floorwire.compiled import path

__path__ = path(__path__)
