"""Every input that the fuzzer found interesting, and every seed, keeps each target's invariants."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.fuzz.targets import CORPUS, TARGETS, corpus

MOST_BYTES = 200_000


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """uvicorn warns of each request that is no HTTP."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", TARGETS)
def test_every_kept_input_holds(name: str) -> None:
    with closing(TARGETS[name]()) as target:
        for data in (*target.seeds(), b"", *(path.read_bytes() for path in corpus(name))):
            try:
                target.run(data)
            except Exception as error:
                raise AssertionError(f"{name}: {data!r}: {error!r}") from error


def test_a_corpus_is_kept_for_each_target_and_is_small() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)
    assert all(corpus(name) for name in TARGETS)
    assert sum(path.stat().st_size for name in TARGETS for path in corpus(name)) < MOST_BYTES
