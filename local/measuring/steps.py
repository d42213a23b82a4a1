"""A cold start's steps one after another, timed: run in a process of its own.

    python -m local.measuring.steps < alert      settings from the environment

The webhook itself overlaps some of them, so their sum is more than its start.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    """Go through the steps and print their seconds as JSON."""
    seen: dict[str, float] = {}
    last = float(os.environ.pop("BENCH_BEGAN"))

    def done(step: str) -> None:
        nonlocal last
        now = time.monotonic()
        seen[step] = now - last
        last = now

    done("interpreter")
    import functions_framework  # noqa: F401

    done("import framework")
    from functions.webhook import main as _  # noqa: F401
    from shared.wiring import parts, process, webhook

    done("import ours")
    ours = process.settings("webhook")
    done("settings")
    limit = process.deadline(30)
    store = parts.claim_store(ours)
    done("import store")
    store.read("0" * 64, limit)
    done("store channel")
    broker = parts.broker(ours)
    done("import FYERS SDK")
    broker.open()
    done("FYERS connection")
    parts.tokens(ours).current(limit)
    done("token")
    parts.symbols(ours).load("NSE", limit)
    done("symbols")
    answer = webhook.deliver(sys.stdin.buffer.read(), None, process.now())
    done("order")
    if answer.reply.status != 200:
        sys.exit(f"no order: {answer.reply.body!r}")
    import json

    print(json.dumps(seen))


if __name__ == "__main__":
    main()
