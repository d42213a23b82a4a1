"""The matrix on Firestore's emulator, its network included."""

from __future__ import annotations

import pytest

from tests.faults.cells import Cell, chosen
from tests.faults.checking import check
from tests.faults.matrix import Matrix
from tests.faults.table_firestore import FIRESTORE


@pytest.mark.parametrize("cell", chosen(FIRESTORE), ids=lambda cell: cell.id)
def test_a_cell_ends_as_stated(cloud_matrix: Matrix, cell: Cell) -> None:
    check(cloud_matrix.outcome(cell))
