"""Rows of the performance table, and how they are shown."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One measured number."""

    group: str
    name: str
    value: float
    unit: str
    ratio: float | None = None
    """To what the group compares with."""
    target: str = ""
    met: bool | None = None
    """None where nothing is demanded."""
    note: str = ""


def show(rows: Iterable[Row]) -> str:
    """Return the rows as a table for people."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}×"
        verdict = "" if row.met is None else ("ok" if row.met else "MISSED")
        line = f"  {row.name:<38} {_number(row):>10} {ratio:>7}  {row.target:<12}"
        shown = f"{line} {verdict:<6} {row.note}".rstrip()
        groups.setdefault(row.group, []).append(shown)
    return "\n".join(
        line for group, lines in groups.items() for line in ("", group, *lines)
    )


def _number(row: Row) -> str:
    digits = 0 if row.value == int(row.value) or row.value >= 100 else 1
    return f"{row.value:.{digits}f} {row.unit}".strip()


def processor() -> str:
    """Return this machine's processor, cores and Python."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    python = platform.python_version()
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {python}"


def busy() -> str:
    """Return a warning where other work shares the processor, else nothing."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load < cores:
        return ""
    return f"Other work ran beside this (load {load:.1f} on {cores} cores)."


class Progress:
    """One line that says where the run is; a line per stage without a terminal."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._stage = ""

    def stage(self, text: str) -> None:
        """Begin a stage."""
        self._stage = text
        self._say(text) if self._live else print(text, file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Say how far the stage is."""
        if self._live:
            self._say(f"{self._stage}: {text}")

    def end(self) -> None:
        """Leave a clean line."""
        if self._live:
            self._say("")

    def _say(self, text: str) -> None:
        print(f"\r\033[K{text[:110]}", end="", file=sys.stderr, flush=True)
