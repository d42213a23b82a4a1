"""Write the alert policies by which Google itself watches the functions.

    python -m local.deploying.watch FOLDER CHANNEL CHECK

writes one file for each policy, named for it. Its label `made_from` is a digest of the
rest, so that deploy.sh leaves an equal one alone and updates one of another version.

    python -m local.deploying.watch matcher

prints what a good answer of readyz matches.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from shared import config

Json = Mapping[str, object]
"""A policy as Google's API takes it; nothing here reads one."""


WATCHED = ("settings", "store", "symbols", "reconcile", "guard")
"""What readyz must say is well, in the order in which it says it.

A 503 over one of them is an alarm. One over `token` or `fyers` alone is not: every
morning nobody is logged in until the owner is, and the login notice tells that.
"""


def matcher() -> str:
    """Return the pattern (RE2, anywhere in the text) of an answer without an alarm."""
    return ".*".join(rf'"{name}": \{{"status": "ok"' for name in WATCHED)


def policies(channel: str, check: str) -> dict[str, Json]:
    """Return every policy by its file's name; `check` is the uptime check's id."""
    names = "|".join(name.replace("_", "-") for name in config.FUNCTIONS)
    return {
        "errors": _logged(
            channel,
            "FYERS alerts: an ERROR was logged",
            'resource.type="cloud_run_revision" AND severity>=ERROR AND '
            f'resource.labels.service_name=~"^({names})$"',
            "What was logged: `./deploy.sh logs`. Then look at FYERS's order book.",
        ),
        "jobs": _logged(
            channel,
            "FYERS alerts: a scheduled run failed",
            'resource.type="cloud_scheduler_job" AND severity>=ERROR AND '
            'resource.labels.job_id=~"^fyers-"',
            "Which: `./deploy.sh status`. Without reconcile nobody watches the exits.",
        ),
        "readyz": _policy(
            channel,
            "FYERS alerts: readyz is out of reach",
            {
                "conditionThreshold": {
                    "filter": 'metric.type="monitoring.googleapis.com/uptime_check/'
                    f'check_passed" AND metric.labels.check_id="{check}" AND '
                    'resource.type="uptime_url"',
                    "aggregations": [
                        {
                            "alignmentPeriod": "1200s",
                            "perSeriesAligner": "ALIGN_NEXT_OLDER",
                            "crossSeriesReducer": "REDUCE_COUNT_FALSE",
                            "groupByFields": ["resource.label.*"],
                        }
                    ],
                    "comparison": "COMPARISON_GT",
                    "thresholdValue": 1,
                    "duration": "600s",
                    "trigger": {"count": 1},
                }
            },
            "Out of reach, or a check other than the login fails. Which one: "
            "`./deploy.sh status`. Is billing on?",
        ),
    }


def _logged(channel: str, title: str, log_filter: str, advice: str) -> Json:
    condition = {"conditionMatchedLog": {"filter": log_filter}}
    policy = _policy(channel, title, condition, advice)
    strategy = {"notificationRateLimit": {"period": "3600s"}, "autoClose": "86400s"}
    return {**policy, "alertStrategy": strategy}


def _policy(channel: str, title: str, condition: Json, advice: str) -> Json:
    return {
        "displayName": title,
        "combiner": "OR",
        "enabled": True,
        "conditions": [{"displayName": title, **condition}],
        "notificationChannels": [channel],
        "documentation": {"content": advice, "mimeType": "text/markdown"},
    }


def digest(policy: Json) -> str:
    """Return what tells one version of a policy from another."""
    text = json.dumps(policy, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def main(folder: Path, channel: str, check: str) -> None:
    """Write the files; print `FILE,TITLE,DIGEST` for deploy.sh to compare."""
    for name, policy in policies(channel, check).items():
        mark = digest(policy)
        labels = {"app": "fyers-alerts", "made_from": mark}
        text = json.dumps({**policy, "userLabels": labels}, indent=1)
        (folder / f"policy-{name}.json").write_text(text)
        print(f"{name},{policy['displayName']},{mark}")


if __name__ == "__main__" and sys.argv[1:] == ["matcher"]:
    print(matcher())
elif __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
