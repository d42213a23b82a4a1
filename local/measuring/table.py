"""Rows of the performance table, and how they are shown."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
    floor: float | None = None
    """What a bare function needs, in the same unit."""
    seed: float | None = None
    """What the shape such functions are published in needs."""

    def text(self) -> str:
        """Return the value with its unit."""
        return f"{_digits(self.value)} {self.unit}".strip()


def _digits(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.{0 if value == int(value) or value >= 100 else 1}f}"


Before = Mapping[tuple[str, str], float]
"""Values of an earlier run, by group and name."""


def show(rows: Iterable[Row], before: Before | None = None) -> str:
    """Return the rows as a table for people, beside an earlier run's values.

    Floor and seed are shown where any row has them.
    """
    rows, groups = list(rows), dict[str, list[str]]()
    beside = [
        name
        for name in ("floor", "seed")
        if any(getattr(row, name) is not None for row in rows)
    ]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}×"
        verdict = "" if row.met is None else ("ok" if row.met else "MISSED")
        line = f"  {row.name:<38} {row.text():>10} {ratio:>7}  {row.target:<12}"
        for name in beside:
            figure = _digits(getattr(row, name))
            line += f"{name} {figure:>6}  " if figure else " " * (len(name) + 9)
        was = (before or {}).get((row.group, row.name))
        if was is not None:
            line += f" was {replace(row, value=was).text():>10}"
        elif before is not None:
            line += " " * 15
        shown = f"{line} {verdict:<6} {row.note}".rstrip()
        groups.setdefault(row.group, []).append(shown)
    return "\n".join(
        line for group, lines in groups.items() for line in ("", group, *lines)
    )


def earlier(report: Path) -> Before:
    """Return the values that `--json` wrote; raise `ValueError` for another file."""
    try:
        rows = json.loads(report.read_text())["rows"]
        return {(row["group"], row["name"]): float(row["value"]) for row in rows}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{report} is no report of an earlier run") from error


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
