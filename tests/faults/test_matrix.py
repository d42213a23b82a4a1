"""The fault matrix: every cell ends as its table says (`cells` says how to read it)."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.cells import Cell, chosen
from tests.faults.checking import check
from tests.faults.invariants import INVARIANTS
from tests.faults.matrix import Matrix
from tests.faults.stage import APP_SECRET, HOOK_SECRET
from tests.faults.table_firestore import FIRESTORE
from tests.faults.table_fyers import FYERS
from tests.faults.table_kills import KILLS
from tests.faults.table_lanes import LANES
from tests.faults.table_races import RACES
from tests.faults.table_stores import STORES

ALL = [*FYERS, *STORES, *KILLS, *RACES, *LANES]
CELLS = chosen(ALL)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.id)
def test_a_cell_ends_as_stated(matrix: Matrix, cell: Cell) -> None:
    check(matrix.outcome(cell))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", INVARIANTS)
def test_an_invariant_holds_over_the_whole_matrix(matrix: Matrix, name: str) -> None:
    rule = INVARIANTS[name]
    outcomes = [matrix.outcome(cell) for cell in CELLS]
    assert [each.cell.id for each in outcomes if not rule(each)] == []


@pytest.mark.timeout(900)
def test_no_secret_is_ever_logged(matrix: Matrix) -> None:
    lines = [line for cell in CELLS for line in matrix.outcome(cell).lines]
    assert len(lines) > len(CELLS)
    secrets = (HOOK_SECRET, APP_SECRET)
    assert [line for line in lines if any(each in line for each in secrets)] == []


def test_no_two_cells_are_the_same() -> None:
    counted = Counter(cell.id for cell in (*ALL, *FIRESTORE))
    assert [name for name, times in counted.items() if times > 1] == []


def test_the_matrix_has_all_its_cells() -> None:
    tables = Counter(cell.table for cell in (*ALL, *FIRESTORE))
    total = sum(tables.values())
    print(f"\nfault matrix: {total} cells, {len(CELLS)} played here: {dict(tables)}")
    assert total == 1051
