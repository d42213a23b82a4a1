"""The tables are read strictly: a typing error must not pass as a cell."""

from __future__ import annotations

import pytest

from tests.faults.cells import COLUMNS, EVER, Cell, Wrong, read

HEAD = " | ".join(COLUMNS) + "\n"


def test_a_row_is_every_combination_it_names() -> None:
    row = "place reset,cut before,after + phone down | SELL BUY | 202 | 0 | DONE | -"
    cells = read("t", HEAD + row)
    assert len(cells) == 8
    assert cells[0] == Cell(
        "t",
        (Wrong("place", "reset", "before"), Wrong("phone", "down")),
        "SELL",
        ("202",),
        (0,),
        ("DONE",),
        ((),),
    )


def test_how_often_how_long_and_when_are_read() -> None:
    (cell,) = read(
        "t", HEAD + "later book rate:30* | 2xSELL | 200/409 | 0/1 | DONE | a b/-"
    )
    (wrong,) = cell.wrong
    assert (wrong.seconds, wrong.times, wrong.later) == (30, EVER, True)
    assert (cell.times, cell.kind) == (2, "SELL")
    assert cell.orders == (0, 1)
    assert cell.told == (("a", "b"), ())


@pytest.mark.parametrize(
    "row",
    [
        "place reset | HOLD | 200 | 1 | DONE | -",
        "place reset | SELL | 200 | 1 | FINE | -",
        "place reset | SELL | 200 | one | DONE | -",
        "place reset during | SELL | 200 | 1 | DONE | -",
        "place reset | SELL | 200 | 1 | DONE",
    ],
)
def test_a_wrong_row_is_refused(row: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read("t", HEAD + row)


def test_another_header_is_refused() -> None:
    with pytest.raises(ValueError, match="columns"):
        read("t", "what | happens\n")
