"""How make mutants finds its modules and their tests, and what it passes over."""

from __future__ import annotations

import pytest

from tests.mutants.equivalent import Equivalent, Equivalents, is_wording
from tests.mutants.select import ROOMS, ROOT, SLOW, judges_of, modules


def test_modules_are_found_by_room_folder_and_name() -> None:
    every = modules()
    assert {name.split("/", maxsplit=1)[0] for name in every} == set(ROOMS)
    assert set(modules("engine")) == {name for name in every if name.startswith("engine/")}
    assert modules(every[0]) == modules(f"{every[0]}.py") == [every[0]]
    assert modules("engine/no_such_module") == []


@pytest.mark.slow
def test_each_module_has_tests_and_its_own_come_first() -> None:
    for module in modules():
        found = judges_of(module)
        assert found, module
        assert all((ROOT / path).is_file() for path in found)
        assert not set(found) & set(SLOW)
        folder, _, name = module.rpartition("/")
        own = f"tests/{folder}/test_{name}"
        places = [place for place, path in enumerate(found) if path.startswith((f"{own}.py", f"{own}_"))]
        assert places == list(range(len(places)))


def test_slow_tests_are_those_that_exist() -> None:
    assert all((ROOT / path).is_file() for path in SLOW)


@pytest.mark.parametrize(
    ("after", "is_so"),
    [
        ('raise Bad("price", "XXis too largeXX")', True),
        ('raise Bad("price", "IS TOO LARGE")', True),
        ('raise Bad("XXpriceXX", "is too large")', False),
        ('raise Bad("price", None)', False),
        ('raise Good("price", "IS TOO LARGE")', False),
    ],
)
def test_only_sentences_are_wording(after: str, is_so: bool) -> None:
    assert is_wording('raise Bad("price", "is too large")', after) is is_so


def test_a_listed_mutant_is_known_by_what_changes_and_where() -> None:
    listed = Equivalents([Equivalent(r"if a > 0:", r"if a >= 0:", "a is never 0", r"engine/\w+")])
    diff = "--- a\n+++ b\n@@ -1 +1 @@\n def f():\n-    if a > 0:\n+    if a >= 0:\n         return\n"
    assert listed.has("engine/risk", diff)
    assert not listed.has("core/book", diff)
    assert not listed.has("engine/risk", diff.replace(">= 0", "> 1"))


def test_the_list_can_be_read() -> None:
    Equivalents.read()
