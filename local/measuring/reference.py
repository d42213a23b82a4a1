"""What stands beside our figures: the least a function can be, and the common shape.

The floor is a bare function under the same framework. The common shape (`seed`) needs
pandas, which is no package of ours: it goes into a folder of its own, once.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.measuring import scaling, warm
from local.measuring.ground import TOKENS, Ground
from local.measuring.served import HELLO, ROOT, NotServed, serving

PANDAS = "pandas==3.1.1"
FOLDER = ROOT / "build" / "bench-seed"
SEED = Path(__file__).parent / "seed" / "main.py"

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Reference:
    """One function's figures."""

    start: float
    """Seconds from its process's start to its first answer."""
    answer: float
    """Seconds of a warm answer, median."""
    processor: float | None
    """Seconds of the instance for one request, where the system tells."""
    memory: int | None
    """Bytes of master and worker."""
    rates: Mapping[int, float]
    """Answers a second by senders at once."""


def install(note: Note) -> None:
    """Put pandas into its folder unless it is there; raise `NotServed` where not."""
    if (FOLDER / "pandas").exists():
        return
    note(f"installing {PANDAS} into {FOLDER.relative_to(ROOT)}")
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(FOLDER)]
    done = subprocess.run(
        [*command, PANDAS], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotServed(f"pandas cannot be installed here:\n{done.stderr[-500:]}")


def seed_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of the common shape, over the embedded store's token."""
    return {
        **settings,
        "TOKEN_FILE": str(Path(settings["LOCAL_STATE_DIR"]) / TOKENS),
        "PYTHONPATH": f"{ROOT}:{FOLDER}",
    }


def measure(
    ground: Ground,
    source: Path,
    settings: Mapping[str, str],
    starts: int,
    alerts: int,
    curve: tuple[tuple[int, ...], float],
) -> Reference:
    """Measure a function as ours are measured."""
    found: list[float] = []
    for _ in range(starts):
        ground.forget()
        with serving(source, settings) as instance:
            found.append(_first(instance.first(ground.alert())))
    ground.forget()
    with serving(source, settings) as instance:
        instance.first(ground.alert())
        before, answers = instance.processor(), []
        for number in range(alerts):
            if number % 25 == 0:
                ground.forget()
            answer = instance.deliver(ground.alert())
            instance.must(answer)
            answers.append(answer.seconds)
        after = instance.processor()
        memory = instance.pss()
    senders, seconds = curve
    rates = scaling.rates(ground, source, settings, senders, seconds)
    each = None if before is None or after is None else (after - before) / alerts
    middle = warm.quantile(found, 0.5), warm.quantile(answers, 0.5)
    return Reference(*middle, each, memory, rates)


def _first(seconds: float | None) -> float:
    if seconds is None:
        raise NotServed("the first request was refused")
    return seconds


__all__ = ["HELLO", "SEED", "Reference", "install", "measure", "seed_settings"]
