"""The snapshot: one zip that is written whole and read a member at a time.

`meta.json` holds the `Summary`; each underlying is a text member `chain/NAME`:

    M&M                                    the underlying
    =1771927200 26FEB                      an expiry: its latest epoch, its date code
    350000CE NSE:M&M26FEB3500CE 200 0.05   strike in paise and side, ticker, lot, tick
"""

from __future__ import annotations

import io
import json
import threading
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from urllib.parse import quote, unquote

from shared.errors import Unusable
from shared.models import IST
from shared.symbols.chain import Chain

_FORMAT = 1


class SnapshotRefused(Unusable):
    """The file (or a stored snapshot) is not what it should be; the text says why."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a snapshot holds."""

    built_at: datetime
    file_date: date | None
    """The master's own date: as a rule the trading day before it is published."""
    rows: int
    """Futures included."""
    contracts: int
    underlyings: int
    broken: int
    """Rows left out because nobody can tell what they are."""
    exchange: str = "NSE"
    left_out: tuple[str, ...] = ()
    """Underlyings without contracts here, because their rows contradict each other."""

    @property
    def as_of(self) -> date:
        """Return the day whose listings these are."""
        return self.file_date or self.built_at.astimezone(IST).date()


@dataclass(slots=True)
class ExpiryRows:
    """The contracts of one expiry, as text: `350000CE` to `ticker lot tick`."""

    day: date
    closes: int
    """Epoch seconds of the session's close."""
    rows: dict[str, str] = field(default_factory=dict)


def pack(chains: Mapping[str, Mapping[str, ExpiryRows]], summary: Summary) -> bytes:
    """Return the snapshot of each underlying's listings by date code."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for underlying, listings in sorted(chains.items()):
            parts = [underlying]
            for code, listing in sorted(listings.items(), key=lambda it: it[1].closes):
                parts.append(f"={listing.closes} {code}")
                parts += [f"{key} {terms}" for key, terms in listing.rows.items()]
            _add(archive, _member(underlying), "\n".join(parts))
        meta = {**asdict(summary), "format": _FORMAT}
        _add(archive, "meta.json", json.dumps(meta, default=str))
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, text: str) -> None:
    # A fixed date: zipfile would read the clock, and the same file must pack the same.
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, text, compresslevel=1)


def _member(underlying: str) -> str:
    return f"chain/{quote(underlying, safe='')}"


class Snapshot:
    """A stored snapshot; opens the members that are asked for and keeps them parsed.

    Safe to use from several threads. Raises `SnapshotRefused` where the bytes are not
    a snapshot of this format.
    """

    def __init__(self, data: bytes) -> None:
        self._lock = threading.Lock()
        self._chains: dict[str, Chain] = {}
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            meta = json.loads(self._zip.read("meta.json"))
            if meta.pop("format") != _FORMAT:
                raise SnapshotRefused("the stored snapshot has another format")
            self.summary = _summary(**meta)
        except _DAMAGE as error:
            raise SnapshotRefused("the stored snapshot cannot be read") from error

    def chain(self, underlying: str) -> Chain | None:
        """Return an underlying's contracts, or None where it has none.

        `underlying` is upper case. Raises `SnapshotRefused`.
        """
        known = self._chains.get(underlying)
        if known is not None:
            return known
        with self._lock:  # one zip file, one read position
            try:
                name = _member(underlying)
                if name not in self._zip.NameToInfo:
                    return None
                chain = Chain.parse(self._zip.read(name).decode())
            except _DAMAGE as error:
                raise SnapshotRefused("the stored snapshot cannot be read") from error
            return self._chains.setdefault(underlying, chain)

    def underlyings(self) -> frozenset[str]:
        """Return the names of all underlyings."""
        members = (name.removeprefix("chain/") for name in self._zip.namelist())
        return frozenset(unquote(name) for name in members if name != "meta.json")


_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    TypeError,
    AttributeError,
    ValueError,
)
"""What `zipfile` and `json` raise on bytes that are not a snapshot."""


def _summary(
    built_at: str,
    file_date: str | None,
    exchange: str = "NSE",
    left_out: Iterable[str] = (),
    **counts: int,
) -> Summary:
    return Summary(
        built_at=datetime.fromisoformat(built_at),
        file_date=None if file_date is None else date.fromisoformat(file_date),
        exchange=exchange,
        left_out=tuple(left_out),
        **counts,
    )
