"""A soak in numbers, and each violation with everything that is known of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from local.soak.audit import KINDS, Case, Findings, late, overtaken, statuses
from local.soak.campaign import Campaign
from local.soak.phone import as_json
from local.soak.tradingview import CUT, LATE

SHOWN = 20
"""Violations of one kind that are printed in full."""
LOG_LINES = 40


def summary(
    campaign: Campaign, findings: Findings, seconds: float, backend: str
) -> dict[str, object]:
    """Return everything counted, ready for JSON."""
    world, alerts = campaign.world, campaign.alerts
    deliveries = [d for alert in alerts for d in alert.deliveries]
    answered = [d.seconds for d in deliveries if d.status]
    calls = list(world.fyers.calls)
    states = Counter(str(c.claim.state) if c.claim else "none" for c in findings.cases)
    return {
        "ok": findings.clean and not campaign.trouble,
        **{kind: findings.count(kind) for kind in KINDS},
        "alerts": len(alerts),
        "sells": sum(alert.action == "SELL" for alert in alerts),
        "covers": sum(alert.action == "BUY" for alert in alerts),
        "doubled": campaign.counts["doubled"],
        "deliveries": len(deliveries),
        "orders": sum(len(case.orders) for case in findings.cases),
        "orders_by_status": statuses(o for c in findings.cases for o in c.orders),
        "replies": _replies(campaign),
        "replayed": sum(d.replayed for d in deliveries),
        "corrections_overtaken": sum(map(overtaken, findings.cases)),
        "never_answered": sum(late(alert) for alert in alerts),
        "claims": dict(sorted(states.items())),
        "notices": dict(Counter(heard.event for heard in world.phone.heard)),
        "notices_not_taken": world.phone.refused,
        "fyers_calls": len(calls),
        "fyers_faults": dict(Counter(c.fault for c in calls if c.fault)),
        "kills": campaign.counts["kills"],
        "reconcile_runs": campaign.counts["reconcile_runs"],
        "reconcile_cut": campaign.counts["reconcile_cut"],
        "reconcile_failed": campaign.counts["reconcile_failed"],
        "reply_ms": _percentiles(answered),
        "seconds": round(seconds, 1),
        "parameters": {
            **asdict(campaign.plan),
            "backend": backend,
            "rate_limits": "off",
            "reconcile": "every 10 s for a minute's",
        },
        "violations": {
            kind: [case.alert.id for case in cases]
            for kind, cases in findings.found.items()
        },
        "trouble": campaign.trouble,
    }


def _replies(campaign: Campaign) -> dict[str, int]:
    """Return how deliveries ended: status and code, `cut` or `late`."""
    ended = Counter(
        d.seen if d.seen in (CUT, LATE) else f"{d.status} {d.seen}".strip()
        for alert in campaign.alerts
        for d in alert.deliveries
    )
    return dict(ended.most_common())


def _percentiles(seconds: Sequence[float]) -> dict[str, int]:
    ordered = sorted(seconds)
    if not ordered:
        return {}
    return {
        f"p{share}": round(ordered[len(ordered) * share // 100] * 1000)
        for share in (50, 95, 99)
    }


def show(numbers: dict[str, object]) -> None:
    """Print the summary for people."""
    for name, value in numbers.items():
        shown = value
        if isinstance(value, dict):
            shown = ", ".join(f"{key} {number}" for key, number in value.items())
        print(f"{name.replace('_', ' '):<22} {shown}")


def explain(findings: Findings, logs: Path) -> None:
    """Print violations: deliveries, claim, orders, notices and log lines."""
    for kind, cases in findings.found.items():
        for case in cases[:SHOWN]:
            print(f"\n{kind}: {case.alert.id} {case.alert.action}", end=" ")
            print(f"{case.alert.contract.ticker} at {case.alert.at:%H:%M:%S.%f}")
            _describe(case)
            _show_logs(case.alert.id, logs)


def _describe(case: Case) -> None:
    for delivery in case.alert.deliveries:
        print(f"  delivery {json.dumps(asdict(delivery))}")
    for order in case.orders:
        print(f"  order {order.id} {order.tag} {order.history} filled {order.filled}")
    for notice in case.notices:
        print(f"  notice {as_json(notice)}")
    print(f"  claim {case.claim}")


def _show_logs(alert: str, logs: Path) -> None:
    for log in sorted(logs.glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()
        for line in [line for line in lines if alert in line][:LOG_LINES]:
            print(f"  {log.stem}: {line[:300]}")
