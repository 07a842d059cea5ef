"""What is installed is what was reviewed: every dependency pinned, hashed, and the one that is locked."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.txt", "requirements-dev.txt")
ENTRY = re.compile(r"^([a-zA-Z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> dict[str, str]:
    return {normal(package): version for package, version in ENTRY.findall((ROOT / name).read_text())}


@pytest.mark.parametrize("name", [*LOCKS, "docsite/requirements.txt"])
def test_every_line_is_pinned_and_hashed_and_names_no_place(name: str) -> None:
    text = (ROOT / name).read_text()
    entries = re.split(r"\n(?=[a-zA-Z0-9])", text.strip())
    assert len(entries) == len(locked(name)) > 10
    for entry in entries:
        assert ENTRY.match(entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    assert not re.search(r"https?://|file://|--index|--extra-index|--find-links|--trusted", text)


def test_the_lock_is_of_these_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = project["dependencies"]
    for lock, wanted in ((LOCKS[0], direct), (LOCKS[1], direct + project["optional-dependencies"]["dev"])):
        versions = locked(lock)
        for text in wanted:
            requirement = Requirement(text)
            assert requirement.specifier.contains(versions[normal(requirement.name)], prereleases=True), text


def test_what_is_installed_is_what_is_locked() -> None:
    for name, version in locked(LOCKS[0]).items():
        try:
            assert metadata.version(name) == version
        except metadata.PackageNotFoundError:  # a dependency of another platform
            continue
