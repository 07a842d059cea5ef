"""docs/deploy.md as written: its commands run on a throw-away copy of this machine.

systemd, Debian's packages and git are not there: a script takes their place, and starts what the unit says.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from packages import smoke

from tests.deploy.debian_programs import DEPLOY, ROOT
from tests.deploy.dockerfile_steps import Root, base, can_run, overlay
from tests.deploy.test_systemd import COMMAND, settings_of
from tests.servers import running

PAGE = (ROOT / "docs" / "deploy.md").read_text()
ABSENT = ("apt-get", "journalctl", "git", "curl")
BACKUPS = "/var/lib/floorwire-backups"


def blocks(heading: str) -> list[str]:
    """Return the blocks of commands below a heading of the page."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```(?:sh|yaml)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def test_what_the_page_names_exists() -> None:
    named = set(re.findall(r"(?<!tests/)\b(?:deploy|docs)/[A-Za-z_/.-]+\b", PAGE))
    assert {"deploy/caddy/Caddyfile", "deploy/compose.yaml", "deploy/floorwire.toml"} <= named
    assert all((ROOT / name).exists() for name in named)
    for command in re.findall(r"install (?:-D )?-m 0644 (\S+)", PAGE):
        assert list(ROOT.glob(command)), command


def test_the_scrape_configuration_of_the_page_is_that_of_the_file() -> None:
    assert [one for one in blocks("Watch it") if "job_name: floorwire" in one]
    assert "install -m 0644 deploy/prometheus/alerts.yml /etc/prometheus/floorwire-alerts.yml" in PAGE


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh -eu\n{text}\n")
    path.chmod(0o755)


def stand_ins(root: Root) -> None:
    """Put scripts in place of what this machine may not have, or must not run."""
    folder = root.path / "usr" / "local" / "sbin"
    for name in ABSENT:
        script(folder / name, ":")
    unit = settings_of(DEPLOY / "systemd" / "floorwire-backup.service")
    commands = [unit["ExecStart"][0], unit["ExecStartPost"][0]]
    made = "\n".join(command.replace("%%", "%") for command in commands)
    environment = f"env STATE_DIRECTORY={BACKUPS}"
    lines = "\n".join(f"runuser -u floorwire -- {environment} {line}" for line in made.splitlines())
    script(
        folder / "systemctl",
        f'test "$*" = "start floorwire-backup.service" || exit 0\n'
        f"install -d -o floorwire -g floorwire -m 0700 {BACKUPS}\n{lines}",
    )


def cloned(path: Path) -> str:
    """Copy what the commands need of this repository, and return the folder in there."""
    clone = path / "srv" / "floorwire"
    clone.mkdir(parents=True)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "requirements.txt"):
        shutil.copy(ROOT / name, clone)
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "compiled_*", "*.egg-info")
    for name in ("src", "deploy"):
        shutil.copytree(ROOT / name, clone / name, ignore=ignored)
    return "/srv/floorwire"


def typed(root: Root, heading: str) -> str:
    """Type all commands below a heading; return what they print."""
    return "".join(root.run("bash", "-euc", block) for block in blocks(heading))


@pytest.mark.slow
def test_a_server_is_installed_backed_up_and_upgraded_by_its_commands(tmp_path: Path) -> None:
    """Without the compilation, which takes three minutes of CPU time and has a test of its own."""
    if not can_run():
        pytest.skip("no overlay can be made here: that needs root, and Linux")
    with overlay(tmp_path) as path:
        root = base(path)
        root.environment["PURE_PYTHON"] = "1"
        root.folder = cloned(path)
        (path / "etc" / "caddy").mkdir(exist_ok=True)
        stand_ins(root)
        typed(root, "Install")
        issued = typed(root, "Configure")
        found = re.findall(r"^(?:key|secret) +(\S+)$", issued, re.MULTILINE)
        typed(root, "Start")
        assert "YOUR.NAME {" in (path / "etc" / "caddy" / "Caddyfile").read_text()
        (serve,) = settings_of(path / "etc" / "systemd" / "system" / "floorwire.service")["ExecStart"]
        as_user = ("setpriv", "--reuid=floorwire", "--regid=floorwire", "--init-groups", "--")
        service = root.command([*as_user, *serve.split(), "--port", "0"])
        with running(service) as server:
            url = f"http://127.0.0.1:{server.port}"
            smoke.page(url)
            smoke.order(url, ".".join(found))
            typed(root, "Back up")
            archives = list((path / BACKUPS.removeprefix("/")).glob("*.tar"))
            assert len(archives) == 1
        typed(root, "Upgrade")
        assert (path / "opt" / "floorwire").readlink() == Path("floorwire-2")
        with running(service):
            pass
        root.run(
            "runuser", "-u", "floorwire", "--", COMMAND, "journal", "verify", "--data", "/var/lib/floorwire"
        )
