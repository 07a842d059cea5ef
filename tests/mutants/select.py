"""Which modules are mutated, and which tests judge each. Both are found by looking at the files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "floorwire"
TESTS = ROOT / "tests"
# The pure rooms: their tests are fast, need no socket and give the same result each time.
ROOMS = ("core", "engine", "protocol")
# Where tests of other rooms may judge a module too. Those that start servers are too slow for every mutant.
ALSO = ("channels", "core", "engine", "hub", "property", "protocol", "venues/parts")
SLOW = (
    "tests/property/test_sign_in_bytes.py",
    "tests/property/test_resume.py",
    "tests/access/test_authenticator.py",
)


def modules(wanted: str = "") -> list[str]:
    """Return the modules to mutate, as "room/name": those that have functions.

    `wanted` is a room, a folder or one module; empty means all.
    """
    found = [
        path.relative_to(PACKAGE).with_suffix("").as_posix()
        for room in ROOMS
        for path in sorted((PACKAGE / room).rglob("*.py"))
        if path.name != "__init__.py" and "def " in path.read_text()
    ]
    wanted = wanted.strip("/").removesuffix(".py")
    return [name for name in found if not wanted or name == wanted or name.startswith(f"{wanted}/")]


def judges_of(module: str) -> list[str]:
    """Return the paths of the tests that judge `module`.

    They are its own, those that import it, and those that import a module which imports it. Where it has no
    test file of its own, those of its whole room are added. Its own come first, property tests last.
    mutmut runs of them only what reaches the function that a mutant is of.
    """
    folder, _, name = module.rpartition("/")
    own = sorted((TESTS / folder).glob(f"test_{name}*.py"))
    of_room = sorted((TESTS / module.split("/", maxsplit=1)[0]).rglob("test_*.py"))
    elsewhere = [path for also in ALSO for path in sorted((TESTS / also).rglob("test_*.py"))]
    users = [
        path.relative_to(PACKAGE).with_suffix("").as_posix()
        for path in importers(module, sorted(PACKAGE.rglob("*.py")))
        if path.name != "__init__.py"
    ]
    direct = importers(module, elsewhere)
    indirect = [path for user in users for path in importers(user, elsewhere)]
    has_own = (TESTS / folder / f"test_{name}.py").exists()
    every = list(dict.fromkeys(own + direct + indirect if has_own else own + of_room + direct + indirect))
    every.sort(key=lambda path: (path not in own, "hypothesis" in path.read_text()))
    named = [path.relative_to(ROOT).as_posix() for path in every]
    return [path for path in named if path not in SLOW]


def importers(module: str, paths: Iterable[Path]) -> list[Path]:
    """Return those of the files that import `module`."""
    said = f"from floorwire.{module.replace('/', '.')} import"
    return [path for path in paths if said in path.read_text()]
