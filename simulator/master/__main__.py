"""`python -m simulator.master OUT`: write a synthetic symbol master to a file."""

from __future__ import annotations

import argparse
from datetime import date, datetime
from pathlib import Path

from simulator.master import COLUMNS, HOUSES, IST, lines, text


def main(arguments: list[str] | None = None) -> None:
    """Write a synthetic symbol master to a file."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator.master",
        description="Write a synthetic FYERS symbol master, NSE_FO or BSE_FO.",
    )
    parser.add_argument("out", type=Path, help="file to write")
    today = datetime.now(IST).date()
    parser.add_argument(
        "--asof",
        type=date.fromisoformat,
        default=today,
        help="file date (today, IST)",
        metavar="YYYY-MM-DD",
    )
    parser.add_argument(
        "--rows", type=int, help="at least this many lines (else by --stocks)"
    )
    parser.add_argument("--stocks", type=int, default=206, help="number of stocks")
    parser.add_argument("--close", default="15:40", help="session end in IST, HH:MM")
    parser.add_argument(
        "--columns", type=int, choices=COLUMNS, default=21, help="vintage of the file"
    )
    parser.add_argument(
        "--mixed-lots", action="store_true", help="two lot sizes on the indices"
    )
    parser.add_argument("--exchange", choices=tuple(HOUSES), default="NSE")
    parser.add_argument("--seed", type=int, default=7, help="of the made-up names")
    chosen = parser.parse_args(arguments)
    made = lines(
        chosen.asof,
        chosen.stocks,
        chosen.close,
        rows=chosen.rows,
        mixed_lots=chosen.mixed_lots,
        columns=chosen.columns,
        seed=chosen.seed,
        exchange=chosen.exchange,
    )
    chosen.out.write_bytes(text(made))
    print(f"{chosen.out}: {len(made)} contracts as of {chosen.asof}")


if __name__ == "__main__":
    main()
