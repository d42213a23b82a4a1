"""The simulator's modules import each other one way only."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import simulator

FOLDER = Path(simulator.__file__).parent


def imports(path: Path) -> set[str]:
    """Return the simulator's modules a file imports, for types or for real."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {node.module or ""} | names
    return {name for name in found if name.startswith("simulator.")}


def test_no_module_imports_itself_by_a_detour() -> None:
    files = [path for path in FOLDER.glob("*.py") if path.stem != "__init__"]
    graph = {f"simulator.{path.stem}": imports(path) for path in files}
    order = list(TopologicalSorter(graph).static_order())
    assert order.index("simulator.world") < order.index("simulator.server")
