"""``make docs`` builds the site, strictly: no page is missing, and no link or anchor leads nowhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Sources(HTMLParser):
    """What a page loads by itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in {"script", "img", "iframe"} or (tag == "link" and named.get("rel") == "stylesheet"):
            self.addresses += [value for name in ("src", "href") if (value := named.get(name))]


@pytest.mark.slow
def test_the_site_is_built_strictly_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    environment = ROOT / ".venv" / "docs"
    done = subprocess.run(
        ["make", "-s", ".venv/docs/.done", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    built = subprocess.run(
        [str(environment / "bin" / "mkdocs"), "build", "--quiet", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    for name in ("index.html", "index.vi.html", "tutorials/first-price.html", "reference/messages.html"):
        assert (tmp_path / name).exists(), name
    drawn = 0
    for page in tmp_path.rglob("*.html"):
        text = page.read_text()
        addresses = Sources(text).addresses
        for address in addresses:
            assert not address.startswith(("http:", "https:", "//")), (page.name, address)
        if 'class="mermaid"' in text:  # Material would load it from another server
            assert any(address.endswith("assets/mermaid.min.js") for address in addresses), page.name
            drawn += 1
    assert drawn > 2 or shutil.which("npm") is None
