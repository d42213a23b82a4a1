"""One clock for the served functions and FYERS, moved by the test, not waited for.

`python -m tests.functional.clocked` serves the functions as `local.serve` does, with
two differences: the instant comes from a file that the test writes, and a pause longer
than a second moves that instant instead of sleeping. The reply's deadline is a little
longer (REPLY_WITHIN, seconds), so that a busy machine does not turn an outcome into
"out of time".
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from local import serve
from shared.models import IST
from shared.wiring import process

CLOCK_FILE = "CLOCK_FILE"
LONG_PAUSE = 1.0
REPLY_WITHIN = "3"


class SharedClock:
    """Real time plus what was added to it, the same for every process with the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            path.write_bytes(struct.pack("d", 0.0))
        with path.open("r+b") as file:
            self._kept = mmap.mmap(file.fileno(), 8)

    @property
    def added(self) -> float:
        seconds: float = struct.unpack("d", self._kept[:])[0]
        return seconds

    def now(self) -> datetime:
        return datetime.now(IST) + timedelta(seconds=self.added)

    def ticks(self) -> float:
        return time.monotonic() + self.added

    def move(self, seconds: float) -> None:
        self._kept[:] = struct.pack("d", self.added + seconds)

    def set(self, day: int, hours: int, minutes: int) -> None:
        """Make it that time in IST, `day` days from the real one."""
        real = datetime.now(IST)
        wanted = real.replace(hour=hours, minute=minutes, second=0, microsecond=0)
        self.move((wanted + timedelta(days=day) - self.now()).total_seconds())


class _Instant(datetime):
    """What stands for `datetime` where the functions read the clock."""

    clock: SharedClock

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # a plain datetime will do
        return cls.clock.now().astimezone(tz or UTC)


class _Time:
    """What stands for `time` where the functions wait."""

    perf_counter = staticmethod(time.perf_counter)

    def __init__(self, clock: SharedClock) -> None:
        self._clock = clock

    def sleep(self, seconds: float) -> None:
        if seconds > LONG_PAUSE:
            self._clock.move(seconds)
        else:
            time.sleep(seconds)


if __name__ == "__main__":
    _Instant.clock = SharedClock(Path(os.environ.pop(CLOCK_FILE)))
    within = float(os.environ.pop("REPLY_WITHIN", REPLY_WITHIN))
    vars(process).update(
        datetime=_Instant, time=_Time(_Instant.clock), REPLY_WITHIN=within
    )
    serve.main()
