"""A soak in numbers, and each violation with everything that is known of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from local.soak.audit import KINDS, Case, Findings, late, overtaken, statuses
from local.soak.campaign import Campaign
from local.soak.closing import crossings
from local.soak.monitor import TELLING, told_at
from local.soak.phone import as_json
from local.standins.tradingview import Delivery

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
        "put_off": _reasons(deliveries),
        "replayed": sum(d.replayed for d in deliveries),
        "corrections_overtaken": sum(map(overtaken, findings.cases)),
        "never_answered": sum(late(alert) for alert in alerts),
        "claims": dict(sorted(states.items())),
        "notices": dict(Counter(heard.event for heard in world.phone.heard)),
        "notices_not_taken": world.phone.refused,
        "fyers_calls": len(calls),
        "fyers_faults": dict(Counter(c.fault for c in calls if c.fault)),
        "raced_beyond_zero": sum(c.raced for c in crossings(world.fyers)),
        "at_fyers_by_others": dict(campaign.hands),
        "episodes": _episodes(campaign),
        "rivals": campaign.counts["rivals"],
        "kills": campaign.counts["kills"],
        "reconcile_runs": campaign.counts["reconcile_runs"],
        "reconcile_seeing": len(campaign.monitor.runs),
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
            if cases
        }
        | {
            kind: [line for _, line in lines] for kind, lines in findings.beside.items()
        },
        "trouble": campaign.trouble,
    }


def _reasons(deliveries: Sequence[Delivery]) -> dict[str, int]:
    """Return why deliveries were to come again, in the functions' own words."""
    said = Counter(d.said("error") for d in deliveries if d.status >= 500)
    return dict(said.most_common())


def _episodes(campaign: Campaign) -> dict[str, str]:
    """Return how long what was wrong lasted, and after how long it was told."""
    heard, lines = list(campaign.world.phone.heard), {}
    for kind in TELLING:
        all_of_it = [one for one in campaign.monitor.all if one.kind == kind]
        told = [(one, told_at(one, heard)) for one in all_of_it]
        words = [at - one.began for one, at in told if at is not None]
        ends = [e.ended - e.began for e, at in told if e.ended and at is None]
        lines[kind] = (
            f"{len(all_of_it)}, told {_middle(words)}, over untold {_middle(ends)}"
        )
    return lines


def _middle(seconds: Sequence[float]) -> str:
    ordered = sorted(max(0.0, each) for each in seconds)
    if not ordered:
        return "0"
    middle, worst = ordered[len(ordered) // 2], ordered[-1]
    return f"{len(ordered)} (median {middle:.1f} s, worst {worst:.1f} s)"


def _replies(campaign: Campaign) -> dict[str, int]:
    """Return how deliveries ended: status and code, `cut` or `late`."""
    ended = Counter(
        f"{d.reply} {d.code}".strip()
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


def explain(findings: Findings, campaign: Campaign) -> None:
    """Print violations: deliveries, claim, orders, notices and log lines."""
    for kind, lines in findings.beside.items():
        for ticker, line in lines[:SHOWN]:
            print(f"\n{kind}: {line}")
            _describe_contract(campaign, findings, ticker)
    for kind, cases in findings.found.items():
        for case in cases[:SHOWN]:
            print(f"\n{kind}: {case.alert.id} {case.alert.action}", end=" ")
            print(f"{case.alert.contract.ticker} at {case.alert.at:%H:%M:%S.%f}")
            _describe(case)
            _show_logs(case.alert.id, campaign.world.logs)


def _describe_contract(campaign: Campaign, findings: Findings, ticker: str) -> None:
    world = campaign.world
    for order in [o for o in world.fyers.exchange.orders if o.symbol == ticker]:
        print(
            f"  order {order.id} of {order.parent_id or order.source} {order.tag} "
            f"side {order.side} type {order.wish.type} {order.wish.product} "
            f"{order.at:%H:%M:%S} {order.history} {order.filled}/{order.qty}"
        )
    for trade in [t for t in world.fyers.exchange.trades if t.order.symbol == ticker]:
        print(f"  trade {trade.at:%H:%M:%S.%f} {trade.order.id} {trade.qty}")
    for notice in [n for n in list(world.phone.heard) if n.contract == ticker]:
        print(f"  at {notice.at:.1f} {as_json(notice)}")
    for case in [c for c in findings.cases if c.alert.contract.ticker == ticker]:
        print(f"  alert {case.alert.id} {case.alert.action}: {case.claim}")
    runs = [f"{run.began:.1f}-{run.ended:.1f}" for run in campaign.monitor.runs]
    print(f"  runs that saw it {' '.join(runs)}")


def _describe(case: Case) -> None:
    for delivery in case.alert.deliveries:
        print(f"  delivery {delivery}")
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
