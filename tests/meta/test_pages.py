"""No page is cited that is not here, and no heading that is not on its page."""

import re
from pathlib import Path

import pytest

from tests.meta.sources import ROOT, files, name

CITED = re.compile(r"\b(?:docs|tests)/[\w-]+\.(?:md|png|svg)\b|\bREADME\.md\b")
HEADING = re.compile(r"\((docs/[\w-]+\.md): ([^)]+)\)")
TEXTS = files("*.py", "*.sh", "*.md", "*.yaml", "*.txt")


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_every_page_that_is_cited_is_here(path: Path) -> None:
    cited = set(CITED.findall(path.read_text()))
    assert {page for page in cited if not (ROOT / page).is_file()} == set()


@pytest.mark.parametrize("path", files("*.py"), ids=name)
def test_every_heading_that_is_cited_is_on_its_page(path: Path) -> None:
    missing = set()
    for page, heading in HEADING.findall(path.read_text()):
        if f"\n## {heading}\n" not in (ROOT / page).read_text():
            missing.add((page, heading))
    assert missing == set()
