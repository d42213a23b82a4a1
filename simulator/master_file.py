"""The symbol masters as the public host serves it: gzip, ETag, conditional GET."""

from __future__ import annotations

import gzip
import hashlib
from datetime import date
from functools import cached_property, lru_cache

from simulator import master
from simulator.options import IST, Options
from simulator.wire import Reply, Request

PATH = "/sym_details/NSE_FO.csv"
BSE_PATH = "/sym_details/BSE_FO.csv"
CSV = "text/csv"
BSE_ROWS = 7_000
"""Least rows; a real BSE_FO.csv has about 7,000."""


class MasterFile:
    """One version of the file."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    @cached_property
    def etag(self) -> str:
        """Return the version's ETag, quoted."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    @cached_property
    def packed(self) -> bytes:
        """Return the file compressed."""
        return gzip.compress(self.content, 6, mtime=0)

    def answer(self, request: Request) -> Reply:
        """Answer a GET, with 304 where the client has this version already."""
        if request.method not in ("GET", "HEAD"):
            return Reply(405, b"", CSV)
        headers = (("ETag", self.etag), ("Vary", "Accept-Encoding"))
        if request.headers.get("If-None-Match") == self.etag:
            return Reply(304, b"", CSV, headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return Reply(
                200, self.packed, CSV, (*headers, ("Content-Encoding", "gzip"))
            )
        return Reply(200, self.content, CSV, headers)


def lines_of(options: Options) -> tuple[str, ...]:
    """Return the lines the options ask for; generated ones are made once."""
    if options.master_lines is not None:
        return tuple(options.master_lines)
    asof = options.asof or options.clock().astimezone(IST).date()
    rows = options.master_rows
    rows = master.SIZES[rows] if isinstance(rows, str) else rows
    return _generated(asof.isoformat(), rows, "NSE")


def bse_lines_of(options: Options) -> tuple[str, ...]:
    """Return BSE's lines; none beside an NSE master of one's own."""
    if options.bse_lines is not None:
        return tuple(options.bse_lines)
    if options.master_lines is not None:
        return ()
    asof = options.asof or options.clock().astimezone(IST).date()
    return _generated(asof.isoformat(), BSE_ROWS, "BSE")


@lru_cache(maxsize=4)
def _generated(asof: str, rows: int, exchange: str) -> tuple[str, ...]:
    day = date.fromisoformat(asof)
    return tuple(master.lines(day, rows=rows, exchange=exchange))
