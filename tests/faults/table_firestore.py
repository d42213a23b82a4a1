# ruff: noqa: E501 - a row of a table is one line
"""The matrix, part five: the stores are Firestore's emulator and a bucket.

What the claim's steps meet must end the same on either backend, so the rows of the
embedded one are played again; besides, the network to Firestore itself fails.
"""

from dataclasses import replace

from tests.faults.cells import Cell, read
from tests.faults.table_kills import KILLS
from tests.faults.table_races import RACES
from tests.faults.table_stores import STORES

NETWORK = """
goes wrong                                 | alert    | replies | orders | claim | told
-                                          | SELL BUY KEYLESS | 200 | 1 | DONE | -
create severed                             | SELL BUY | 503 200 | 1 | DONE     | delivery_failed
create frozen,muted                        | SELL     | 503 200 | 1 | DONE     | delivery_failed
sending severed                            | SELL BUY | 503 200 | 1 | DONE     | -
sending frozen                             | SELL     | 503 200 | 1 | DONE     | -
sending muted                              | SELL     | 503 202 | 0 | NOT_SENT | outcome_unknown not_sent
done severed,frozen                        | SELL     | 200     | 1 | DONE     | order_found
done muted                                 | SELL     | 200     | 1 | DONE     | -
released severed + positions error         | SELL     | 503 200 | 1 | DONE     | -
unknown severed + place reset before       | SELL     | 202     | 0 | NOT_SENT | outcome_unknown not_sent
mark severed + place reset before          | SELL     | 202     | 0 | NOT_SENT | outcome_unknown outcome_unknown not_sent
later watched severed + place reset before | SELL     | 202     | 0 | NOT_SENT | outcome_unknown not_sent
bucket down* + delivery cold*              | SELL     | 503 503 503 503 | 0 | NOT_SENT | not_sent
bucket down                                | SELL     | 200     | 1 | DONE     | -
bucket down + delivery cold                | SELL     | 503 200 | 1 | DONE     | -
bucket hang + delivery cold                | SELL     | 503 200 | 1 | DONE     | -
"""


def _again(cell: Cell) -> bool:
    """Return whether an embedded row is worth the emulator's time as well."""
    # An instance that stands still keeps the version it read, and here letting time
    # pass is a write that changes it.
    still = any(wrong.what == "hold" for wrong in cell.wrong)
    if cell.table == "race":
        return cell.alert == "2xSELL" and any(w.where in CLAIM for w in cell.wrong)
    return cell.alert == "SELL" and not still and cell.table in ("claim", "kill")


CLAIM = ("create", "read", "take", "sending", "done", "released", "unknown", "mark")

FIRESTORE: list[Cell] = [
    replace(
        cell,
        table=f"firestore-{cell.table}",
        # What a write in doubt and a race come to, the contract suite asks as well.
        first=cell.first and cell.table in ("network", "kill"),
    )
    for cell in (
        *read("network", NETWORK),
        *filter(_again, (*STORES, *KILLS, *RACES)),
    )
]
