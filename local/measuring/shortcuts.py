"""What two shortcuts of a cold start save; one that saves nothing should be dropped.

    python -m local.measuring.shortcuts < alert      settings from the environment

The SDK is loaded as a private copy without what only its async calls and its log need,
and the garbage collector rests while the first alert is served.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time

_PLAIN = """
import requests, time
began = time.process_time()
import fyers_apiv3.fyersModel
print(time.process_time() - began)
"""
_OURS = """
import requests, time
from shared.adapters.fyers.transport import load_sdk
began = time.process_time()
load_sdk()
print(time.process_time() - began)
"""


def main() -> None:
    """Measure and print the processor's seconds as JSON."""
    collecting = _Collecting()
    gc.callbacks.append(collecting)
    gc.disable = lambda: None  # the first alert is served as without the shortcut
    from shared.wiring import process, webhook

    time.sleep(1.1)  # else its age would count against the first alert's deadline
    answer = webhook.deliver(sys.stdin.buffer.read(), None, process.now())
    if answer.reply.status != 200:
        sys.exit(f"no order: {answer.reply.body!r}")
    frozen = _collection()
    gc.unfreeze()
    seen = {
        "SDK, plainly imported": _imported(_PLAIN),
        "SDK, as it is loaded": _imported(_OURS),
        "collecting during the first alert": collecting.seconds,
        "a full collection, not frozen": _collection(),
        "a full collection, frozen": frozen,
    }
    print(json.dumps(seen))


class _Collecting:
    """Counts the seconds of collections."""

    seconds = 0.0
    _began = 0.0

    def __call__(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.process_time()
        else:
            self.seconds += time.process_time() - self._began


def _collection() -> float:
    gc.collect()
    began = time.process_time()
    gc.collect()
    return time.process_time() - began


def _imported(script: str) -> float:
    """Return the best of three: compiled files may have to be written first."""
    command = [sys.executable, "-W", "ignore", "-c", script]
    runs = [subprocess.run(command, capture_output=True, check=True) for _ in range(3)]
    return min(float(run.stdout) for run in runs)


if __name__ == "__main__":
    main()
