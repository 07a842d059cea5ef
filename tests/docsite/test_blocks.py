"""Every code block of README, of the tutorials and of some how-to pages runs as it is written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.docsite.blocks import INDENTED, LANGUAGES, Block, blocks, without_blocks
from tests.docsite.lint import lint
from tests.docsite.reader import reading

ROOT = Path(__file__).parents[2]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
ARTICLE = ROOT / "docs" / "from-the-article.md"
QUICK = [ROOT / "README.md", ARTICLE]
HOW_TO = [ROOT / "docs" / f"{name}.md" for name in ("bots", "deploy", "running", "sdk")]
PAGES = [*QUICK, *TUTORIALS, *HOW_TO]
TRANSLATED = [(page, page.with_suffix(".vi.md")) for page in QUICK]


def name_of(page: Path) -> str:
    return page.name


def follow(page: Path, folder: Path) -> None:
    """Do what the page says, block by block."""
    found = list(blocks(page))
    assert found
    with reading(folder) as reader:
        for block in found:
            try:
                reader.do(block)
            except Exception as error:
                error.add_note(f"{page.name}, line {block.line}:\n{block.text}")
                raise


@pytest.mark.parametrize("page", QUICK, ids=name_of)
def test_who_follows_the_first_page_gets_what_it_says(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", [*TUTORIALS, *HOW_TO], ids=name_of)
def test_who_follows_a_tutorial_or_a_how_to_gets_what_it_says(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_that_do_not_run_are_right_as_far_as_one_can_see(page: Path) -> None:
    for block in blocks(page):
        if block.told.startswith("not run"):
            lint(block)


WRONG = [
    ("sh", "if then\n"),
    ("sh", "floorwire serve --sead 7\n"),
    ("sh", "runuser -u floorwire -- /opt/floorwire/bin/floorwire keys make\n"),
    ("python", "await fw.ticker(\n"),
    ("json", "{,}\n"),
    ("toml", "a = = 1\n"),
    ("yaml", "a: [1\n"),
]


@pytest.mark.parametrize(("language", "text"), WRONG)
def test_what_is_wrong_in_a_block_is_seen(language: str, text: str) -> None:
    with pytest.raises(
        (AssertionError, SyntaxError, ValueError, subprocess.CalledProcessError, yaml.YAMLError)
    ):
        lint(Block(1, language, "not run, it is wrong", "", text))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_what_it_is(page: Path) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES, block
        if block.told.startswith("not run"):
            assert block.told.startswith("not run, "), "with the reason"
    text = without_blocks(page)
    assert "```" not in text
    assert not INDENTED.search(text), "blocks are fenced: indented ones do not run"


@pytest.mark.parametrize(("page", "translated"), TRANSLATED, ids=name_of)
def test_a_translation_has_the_same_blocks(page: Path, translated: Path) -> None:
    def said(of: Path) -> list[tuple[str, str]]:
        found = [block for block in blocks(of) if block.language != "mermaid"]
        return [(block.language, block.text) for block in found]

    assert said(translated) == said(page)
