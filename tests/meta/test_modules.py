"""What every module keeps to."""

import ast
import re
import sys
from pathlib import Path

import pytest

from tests.meta.sources import files, name

SHIPPED = files("functions/*.py", "shared/*.py", "simulator/*.py", "local/*.py")
MAINS = files("functions/*/main.py")
MAY_IMPORT = {"pages", "web", "wiring"}
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK", r"unittest\." + "mock")
TEXTS = files("*.py", "*.sh", "*.md", "*.toml", "*.yaml", "*.txt", ".ci/*")


@pytest.mark.parametrize("path", SHIPPED, ids=name)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", MAINS, ids=name)
def test_a_main_has_at_most_20_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 20


@pytest.mark.parametrize("path", MAINS, ids=name)
def test_a_main_imports_only_the_framework_wiring_web_and_pages(path: Path) -> None:
    assert {found for found in _imports(path) if not _allowed(found)} == set()


@pytest.mark.parametrize("path", MAINS, ids=name)
def test_an_entry_point_has_the_name_of_its_folder(path: Path) -> None:
    defined = [
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
    ]
    assert path.parent.name in defined


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_nothing_is_left_unfinished(path: Path) -> None:
    text = path.read_text()
    banned = [] if path.name == "pyproject.toml" else UNFINISHED  # it bans by name
    assert [word for word in banned if re.search(rf"\b{word}\b", text)] == []


@pytest.mark.parametrize("path", files("*.py"), ids=name)
def test_every_ignored_type_has_its_code(path: Path) -> None:
    bare = "# type: " + "ignore"
    lines = path.read_text().splitlines()
    assert [line for line in lines if bare in line and f"{bare}[" not in line] == []


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _allowed(found: str) -> bool:
    top, *rest = found.split(".")
    if top == "shared":
        return rest[0] in MAY_IMPORT
    return top in {"functions_framework", "flask", *sys.stdlib_module_names}
