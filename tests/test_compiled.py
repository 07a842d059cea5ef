"""Compiled rooms: in use, of these very sources, and no different from them."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import SimpleNamespace

import pytest

from floorwire import engine
from floorwire.compiled import COMPILED_PACKAGES, PURE, folder, path, sources
from floorwire.core import units
from floorwire.core.account_events import Position
from floorwire.engine import request_checks
from floorwire.engine.position import after_fill

PACKAGE = Path(engine.__file__).parent
needs_compiled = pytest.mark.skipif(
    bool(os.environ.get(PURE)) or not shutil.which("cc"), reason=f"{PURE} is set, or there is no C compiler"
)


def printed(program: str, **environment: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[1],
        check=True,
        capture_output=True,
        text=True,
    )
    return run.stdout.strip()


def file_of(module: str, **environment: str) -> str:
    return printed(f"import {module} as module; print(module.__file__)", **environment)


@needs_compiled
@pytest.mark.parametrize("name", COMPILED_PACKAGES)
def test_every_module_of_a_compiled_package_is_compiled(name: str) -> None:
    package = PACKAGE.parent / name
    named = {source.stem for source in sources(PACKAGE.parent, name)}
    assert named
    assert all((package / f"{module}.py").is_file() for module in named)
    modules = {module.name.partition(".")[0] for module in folder(package).glob(f"*{EXTENSION_SUFFIXES[0]}")}
    assert modules == named, f"{name} was edited, or this is a new Python: make install compiles it"


DECLARED_CLASS = re.compile(r"^cdef class (\w+)", re.MULTILINE)
DECLARED_FIELD = re.compile(r"^    cdef (?:public |readonly )?[\w. ]+ (\w+)(?:\[\d+\])?$", re.MULTILINE)
LAYOUTS = sorted(
    layout.relative_to(PACKAGE.parent).as_posix()
    for layout in PACKAGE.parent.rglob("*.pxd")
    if layout.with_suffix(".py").exists()
)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_has_every_slot_of_its_class(name: str) -> None:
    """Once it is compiled, a class with a layout has no other attributes. From the sources it works."""
    layout = PACKAGE.parent / name
    _, *parts = DECLARED_CLASS.split(layout.read_text())
    declared = {kind: set(DECLARED_FIELD.findall(body)) for kind, body in named_bodies(parts)}
    for node in ast.parse(layout.with_suffix(".py").read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name in declared and slots(node):
            assert slots(node) == declared[node.name], node.name


def named_bodies(parts: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the name of each class, and what follows it."""
    return zip(parts[::2], parts[1::2], strict=True)


def slots(node: ast.ClassDef) -> set[str]:
    """Return the names in ``__slots__`` of a class."""
    for part in node.body:
        if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "__slots__":
            found = ast.literal_eval(part.value)
            return {found} if isinstance(found, str) else set(found)
    return set()


@needs_compiled
def test_the_compiled_modules_are_in_use() -> None:
    assert request_checks.__file__.endswith(EXTENSION_SUFFIXES[0])
    assert units.__file__.endswith(EXTENSION_SUFFIXES[0])


@needs_compiled
def test_the_sources_are_read_where_that_is_asked_for() -> None:
    assert file_of("floorwire.engine.order_manager", **{PURE: ""}).endswith(EXTENSION_SUFFIXES[0])
    assert file_of("floorwire.engine.order_manager", **{PURE: "1"}) == str(PACKAGE / "order_manager.py")


SESSION = """
from benchmarks.matching import MIXTURES, RULES, CommandGenerator, Venue, decide, fund_accounts, ticket_of
from floorwire.core.refusal import Refusal
from floorwire.engine.order_manager import OrderManager

venue, names, ids = Venue(), [f"trader{number}" for number in range(7)], {}
order_manager = OrderManager(RULES, venue.prices)
fund_accounts(order_manager, names)
refused = 0
for mixture in MIXTURES:
    for now_us, command in enumerate(CommandGenerator(7).generate(800, mixture)):
        account = names[command.order_id % 7]
        try:
            ticket = ticket_of(command, account)
            for ordered in decide(order_manager, command, ticket, account, ids, now_us).commands:
                order_manager.settle(venue.execute(ordered), now_us)
        except Refusal:
            refused += 1
assert order_manager.conserved()
print(order_manager.state_hash(), venue.market.state_hash(), order_manager.last_order_id(), refused)
"""


@needs_compiled
def test_a_session_comes_to_the_same() -> None:
    assert printed(SESSION) == printed(SESSION, **{PURE: "1"})


@needs_compiled
def test_random_requests_give_the_same_results_and_the_same_errors() -> None:
    program = "import runpy; runpy.run_module('tests.random_requests', run_name='__main__')"
    printed_once = printed(program)
    assert printed_once == printed(program, **{PURE: "1"})
    assert "Refusal" in printed_once


PLAYED = """
from hashlib import blake2b
from pathlib import Path
from floorwire.connectors import recording
from floorwire.core.ports import Wake, Woke

told = blake2b()
own, shared = Path("tests/recorded"), Path("../shared/recorded/sessions")
played = [own / "sessions" / name for name in ("ADVANCED.ws.1.0", "BINANCE.ws.1.0", "COINBASE.ws.28.0")]
played += [own / name for name in ("bybit", "kraken", "okx")]
played += [shared / name for name in ("KRAKEN.0", "OKX.0")]
for path in filter(Path.exists, played):
    venue = recording.replay(recording.read(path), speed=None)
    out = venue.start(1)
    while out and isinstance(out[-1], Wake):
        told.update(repr(out).encode())
        out = venue.receive(Woke(), 1)
print(told.hexdigest())
"""


@needs_compiled
def test_recorded_frames_come_to_the_same_events() -> None:
    assert printed(PLAYED) == printed(PLAYED, **{PURE: "1"})


def test_what_was_compiled_of_other_sources_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PURE, raising=False)
    source, package = tmp_path / "one.py", str(tmp_path)
    source.write_text("ONE = 1\n")
    assert path([package]) == [package]
    first = folder(tmp_path)
    first.mkdir()
    assert path([package]) == [str(first), package]
    source.write_text("ONE = 2\n")
    assert path([package]) == [package]
    source.write_text("ONE = 1\n")
    (tmp_path / "two.py").touch()
    assert path([package]) == [package]
    (tmp_path / "two.py").unlink()
    assert path([package]) == [str(first), package]
    monkeypatch.setenv(PURE, "1")
    assert path([package]) == [package]


def test_what_knows_the_layouts_of_an_edited_package_is_not_used(tmp_path: Path) -> None:
    exchange, common = (tmp_path / "venues" / name for name in ("binance", "common"))
    for package in (exchange, common):
        package.mkdir(parents=True)
        (package / "one.py").touch()
    before = folder(exchange), folder(common)
    (common / "one.pxd").touch()
    assert folder(exchange) != before[0]
    assert folder(common) != before[1]
    after = folder(common)
    (exchange / "one.pxd").touch()
    assert folder(common) == after


# --- slots.h: compiled code remembers where a type keeps a slot, and is never wrong about it ------------

FIELDS = ("symbol", "quantity", "bought", "cost", "realised", "base_decimals", "quote_decimals")
BOUGHT = {
    "symbol": "A-B",
    "quantity": 5,
    "bought": 5,
    "cost": 50,
    "realised": 1,
    "base_decimals": 3,
    "quote_decimals": 2,
}
AFTER = Position("A-B", 7, 7, 70, 1, 3, 2)


class Slotted:
    __slots__ = FIELDS

    def __init__(self, **values: object) -> None:
        for name, value in values.items():
            setattr(self, name, value)


class Reversed(Slotted):
    """The same names elsewhere, and those of the class below unused."""

    __slots__ = tuple(reversed(FIELDS))


class Asked:
    """Keeps nothing, answers all."""

    def __getattr__(self, name: str) -> object:
        return BOUGHT[name]


def filled(before: object) -> Position:
    return after_fill(before, True, 2, 20, 7)  # type: ignore[arg-type] # what only looks like one


@pytest.mark.parametrize(
    "make",
    [
        lambda: Position(**BOUGHT),  # type: ignore[arg-type]
        lambda: Slotted(**BOUGHT),
        lambda: Reversed(**BOUGHT),
        lambda: SimpleNamespace(**BOUGHT),
        Asked,
    ],
)
def test_attributes_are_found_wherever_they_are(make: Callable[[], object]) -> None:
    for _ in range(3):
        assert filled(make()) == AFTER
        assert filled(Position(**BOUGHT)) == AFTER  # type: ignore[arg-type]


def test_a_type_that_changes_is_looked_at_anew() -> None:
    class Changing(Slotted):
        __slots__ = ()

    assert filled(Changing(**BOUGHT)) == filled(Changing(**BOUGHT)) == AFTER
    Changing.cost = property(lambda _: 0)  # type: ignore[attr-defined]
    before = Slotted(**BOUGHT)
    assert filled(before) == AFTER
    changed = Changing(**{name: value for name, value in BOUGHT.items() if name != "cost"})
    assert filled(changed).cost == 20
    Slotted.__getattr__ = lambda _, name: 1_000  # type: ignore[attr-defined]
    try:
        delattr(before, "cost")
        assert filled(before).cost == 1_020
    finally:
        del Slotted.__getattr__  # type: ignore[attr-defined]


def test_a_slot_of_another_type_is_none_of_this_one() -> None:
    class Borrower(Slotted):
        cost = Position.cost

    before = Borrower(**{name: value for name, value in BOUGHT.items() if name != "cost"})
    for _ in range(3):
        with pytest.raises(TypeError, match="cost"):
            filled(before)


def test_what_is_missing_is_missed() -> None:
    before = Slotted(**BOUGHT)
    assert filled(before) == AFTER
    delattr(before, "cost")
    with pytest.raises(AttributeError, match="cost"):
        filled(before)
    with pytest.raises(AttributeError, match="bought"):
        filled(None)
