"""A pytest plugin: the tests that are likeliest to kill a mutant, and the fastest, come first."""

from __future__ import annotations

import os

import pytest

VARIABLE = "FLOORWIRE_MUTANTS_ORDER"
"""The test files in the order in which to run them, with the system's separator of paths between."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by their files."""
    place = {path: number for number, path in enumerate(os.environ.get(VARIABLE, "").split(os.pathsep))}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(place)))
