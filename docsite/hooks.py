"""What MkDocs needs for pages that people also read in the repository.

README.md is the site's first page. Pages and examples outside docs/ are on the site too, and links between
all of them are written for the repository: here they become those of the site. MkDocs runs this file in an
environment without Floorwire.
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
AS_INDEX = {"README.md": "index.md", "README.vi.md": "index.vi.md"}
OTHERS = ("CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "examples/**/*", "deploy/**/*")
"""Outside docs/, and linked to from there."""
FOR_MORE = "How to"
"""The section for pages that mkdocs.yml does not name."""
MERMAID = Path(sys.prefix) / "mermaid.min.js"
"""Put there by ``docsite/mermaid.py``. Without it, diagrams stay text: it would come from another server."""
LINK = re.compile(r"(?P<before>\]\(|src=\"|srcset=\"|href=\")(?P<target>[^)#\"\s:]+)(?P<after>[)#\"])")
FENCE = re.compile(r"(^```.*?^```[^\n]*$)", re.MULTILINE | re.DOTALL)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put pages that the navigation does not name into it, and Mermaid into the site."""
    if MERMAID.exists():
        config.extra_javascript.append(f"assets/{MERMAID.name}")
    named = set(re.findall(r"[\w./-]+\.md", str(config.nav)))
    more = sorted(file.name for file in Path(config.docs_dir).glob("*.md") if file.name not in named)
    for section in config.nav or []:
        if isinstance(section, dict) and FOR_MORE in section:
            section[FOR_MORE].extend(more)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is outside docs/."""
    if MERMAID.exists():
        files.append(File.generated(config, f"assets/{MERMAID.name}", abs_src_path=str(MERMAID)))
    for name, index in AS_INDEX.items():
        files.append(File.generated(config, index, content=(ROOT / name).read_text()))
    for pattern in OTHERS:
        for file in sorted(ROOT.glob(pattern)):
            if file.is_file() and file.parent.name != "__pycache__":
                name = file.relative_to(ROOT).as_posix()
                files.append(File.generated(config, name, abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: MkDocsConfig | Files) -> str:
    """Let every link lead to its target on the site."""
    of_repository = {index: name for name, index in AS_INDEX.items()}
    name = of_repository.get(page.file.src_uri, page.file.src_uri)
    if page.file.generated_by is None:
        name = f"docs/{name}"
    parts = FENCE.split(markdown)  # every second one is code

    def led(found: re.Match[str]) -> str:
        target = _target(name, found["target"])
        here = posixpath.dirname(page.file.src_uri)
        return found["before"] + posixpath.relpath(target, here or ".") + found["after"]

    if not MERMAID.exists():
        parts = [part.replace("```mermaid", "```text", 1) for part in parts]
    return "".join(part if number % 2 else LINK.sub(led, part) for number, part in enumerate(parts))


def _target(source: str, target: str) -> str:
    """Return the path on the site of what a file of the repository links to."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    return AS_INDEX.get(path) or path.removeprefix("docs/")
