"""The packages that others install, in empty environments in other folders.

``make smoke`` runs those that have no compiled parts, and so does CI. ``make test-slow`` has the others
(``test_compiled_wheel.py``).
"""

from __future__ import annotations

import re
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packages import build
from packaging.requirements import Requirement

from floorwire import __version__
from tests.deploy.debian_programs import ROOT
from tests.deploy.environments import Environment
from tests.servers import scripted

pytestmark = pytest.mark.slow
OTHERS = ("fastapi", "pydantic", "ccxt")
"""Libraries that bots and services have, too. Their newest versions."""
PRICE = """
import asyncio, sys
from floorwire.client import Client


async def main() -> None:
    async with Client(sys.argv[1]) as fw:
        async for tick in fw.ticker("BTC-USDT"):
            print(tick.bid)
            break


asyncio.run(main())
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages that need no compiler."""
    folder = tmp_path_factory.mktemp("dist")
    build.pure_wheel(build.sdist(folder), folder)
    build.client(folder)
    return folder


def only(out: Path, pattern: str) -> Path:
    (found,) = out.glob(pattern)
    return found


def wheel_files(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_wheel_works_beside_the_newest_of_others(out: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "beside")
    environment.install(*OTHERS)
    newest = environment.versions()
    environment.install(str(only(out, "floorwire-*-none-any.whl")))
    environment.run("-m", "pip", "check")
    now = environment.versions()
    assert {name: now[name] for name in OTHERS} == {name: newest[name] for name in OTHERS}
    environment.run("-c", "import ccxt, ccxt.pro, fastapi, pydantic")
    assert f"floorwire {__version__}, " in environment.smoke("pure")


def requirements(file: str) -> list[Requirement]:
    """Return what a distribution depends on."""
    texts = tomllib.loads((ROOT / file).read_text())["project"]["dependencies"]
    return [Requirement(text) for text in texts]


def names_in(file: str) -> set[str]:
    return {requirement.name for requirement in requirements(file)}


def lower_bounds(file: str) -> Iterator[str]:
    """Yield each dependency with its lowest version."""
    for requirement in requirements(file):
        (lowest,) = (one.version for one in requirement.specifier if one.operator == ">=")
        yield f"{requirement.name}=={lowest}"


def test_it_works_with_the_lowest_versions_that_it_allows(out: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "lowest")
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("\n".join(lower_bounds("pyproject.toml")))
    environment.install("-c", str(constraints), str(only(out, "floorwire-*-none-any.whl")))
    environment.run("-m", "pip", "check")
    environment.smoke("pure")


def test_the_sdk_needs_nothing_of_the_server(out: Path, tmp_path: Path) -> None:
    wheel = only(out, "floorwire_client-*.whl")
    environment = Environment(tmp_path / "client")
    environment.install(str(wheel))
    servers = names_in("pyproject.toml") - names_in("packages/client/pyproject.toml") - {"python-socks"}
    assert {"fastapi", "uvicorn", "cryptography", "typer"} <= servers
    assert not servers & set(environment.versions())
    modules = [
        re.sub(r"(/__init__)?\.py$", "", name).replace("/", ".")
        for name in wheel_files(wheel)
        if name.endswith(".py")
    ]
    assert len(modules) > 50
    environment.run("-c", f"import importlib; [importlib.import_module(name) for name in {modules}]")
    with scripted() as server:
        assert float(environment.run("-c", PRICE, server.ws())) > 0


def test_both_distributions_have_the_same_modules(out: Path) -> None:
    """So both may be installed, in any order."""
    client, whole = (wheel_files(only(out, f"{name}-*.whl")) for name in ("floorwire_client", "floorwire"))
    modules = {name: text for name, text in client.items() if name.startswith("floorwire/")}
    assert modules.items() <= whole.items()


def test_the_wheel_has_what_the_tree_has_and_nothing_else(out: Path) -> None:
    sources = ROOT / "src" / "floorwire"
    ours = {
        f"floorwire/{path.relative_to(sources).as_posix()}"
        for path in sources.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".pyc", ".so")
    }
    files = {name for name in wheel_files(only(out, "floorwire-*.whl")) if ".dist-info/" not in name}
    assert files == ours
    assert not [name for name in files if "compiled_" in name]


def test_every_package_has_the_version_of_the_module(out: Path) -> None:
    names = [path.name for path in out.iterdir()]
    assert len(names) == 4
    assert all(re.match(rf"floorwire(_client)?-{re.escape(__version__)}[.-]", name) for name in names), names


def test_the_source_distribution_has_what_is_compiled(out: Path) -> None:
    with tarfile.open(only(out, "floorwire-*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"setup.py", "pyproject.toml", "LICENSE", "README.md"} <= names
    in_c = {"src/floorwire/hub/sendloop.c", "src/floorwire/storage/block_writer.c"}
    assert {"src/floorwire/slots.h", *in_c} <= names
    layouts = {path.relative_to(ROOT).as_posix() for path in (ROOT / "src").rglob("*.pxd")}
    assert layouts <= names
