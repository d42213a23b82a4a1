"""The stages of one run; each turns what it measured into rows of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from local.measuring import (
    burst,
    cold,
    day,
    distance,
    ground,
    reference,
    scaling,
    symbols,
    warm,
)
from local.measuring.served import HELLO, WEBHOOK, serving
from local.measuring.table import Progress, Row

MB = 1_000_000
COLD = {"embedded store": 1.4, "Google's stores": 2.0}
"""Most times a bare hello's first answer."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each is measured."""

    pairs: int = 9
    alerts: int = warm.ALERTS
    delays: tuple[float, ...] = (0.0, 0.02, 0.05)
    far: tuple[int, ...] = (500, 100, 50)
    """Alerts for each delay with Firestore, where five delays follow each other."""
    memory: int = 2000
    bursts: tuple[int, ...] = (3, 50)
    scaling: tuple[tuple[int, ...], float] = (scaling.SENDERS, 1.0)
    """Senders at once, and seconds of each."""
    rows: tuple[int, ...] = (25_000, 50_000, 100_000)
    day: tuple[int, int] = (day.SHORTS, day.MINUTES)


FULL = Size()
QUICK = Size(
    *(3, 100, (0.0, 0.02), (100, 20), 300, (3,)),
    *(((1, 4, 16), 0.5), (25_000, 50_000), (4, 60)),
)


class Bench:
    """One run; `rows` grows as it goes."""

    def __init__(
        self,
        size: Size,
        place: ground.Ground,
        firestore: str | None,
        progress: Progress,
        seed: bool = False,
    ) -> None:
        self._size = size
        self._ground = place
        self._firestore = firestore
        self._progress = progress
        self._seed = seed
        self._beside: dict[str, reference.Reference] = {}
        self.rows: list[Row] = []
        self.curves: dict[str, list[scaling.Point]] = {}
        self.faults: list[str] = []

    def run(self) -> None:
        """Measure everything."""
        stages = {
            "what stands beside": self._references,
            "cold start": self._cold,
            "parts of the cold start": self._parts,
            "warm, embedded store": self._warm,
            "warm, Firestore": self._far,
            "scaling": self._scaling,
            "bursts": self._bursts,
            "symbols": self._symbols,
            "a day's calls": self._day,
        }
        for number, (name, stage) in enumerate(stages.items(), 1):
            self._progress.stage(f"{number} of {len(stages)}  {name}")
            stage()
        self._progress.end()

    def _references(self) -> None:
        size, note = self._size, self._progress.note
        measured = partial(
            reference.measure,
            self._ground,
            starts=min(5, size.pairs),
            alerts=min(200, size.alerts),
            curve=size.scaling,
        )
        self._beside["floor"] = measured(HELLO, {})
        if self._seed:
            reference.install(note)
            with self._ground.embedded() as embedded:
                settings = reference.seed_settings(embedded)
                self._beside["seed"] = measured(reference.SEED, settings)

    def _references_of(
        self, figure: Callable[[reference.Reference], float | None]
    ) -> dict[str, float | None]:
        """Return one figure of what stands beside ours."""
        return {name: figure(found) for name, found in self._beside.items()}

    def _stores(self, embedded: dict[str, str]) -> dict[str, dict[str, str]]:
        stores = {"embedded store": embedded}
        if self._firestore:
            stores["Google's stores"] = self._ground.google(self._firestore)
        return stores

    def _cold(self) -> None:
        group = "Cold start to the first order (ratio: to a bare hello's first answer)"
        with self._ground.embedded() as embedded:
            stores = self._stores(embedded)
            seen = cold.starts(
                self._ground, stores, self._size.pairs, self._progress.note
            )
        hello = seen.pop("hello").reply
        self._add(group, "hello", hello * 1000, "ms", 1.0)
        for name, found in seen.items():
            most = COLD[name]
            if not found.replies:
                said = f"all {len(found.late)} starts too slow to send"
                self._add(group, name, 0, "", None, f"≤ {most}×", False, said)
                continue
            ratio, reply = found.reply / hello, found.reply * 1000
            at = warm.quantile(found.orders, 0.5) * 1000
            said = f"at FYERS after {at:.0f} ms"
            if found.late:
                said += f"; {len(found.late)} starts too slow to send"
            target, met = f"≤ {most}×", ratio <= most
            beside = self._references_of(lambda one: one.start * 1000)
            self._add(group, name, reply, "ms", ratio, target, met, said, beside=beside)

    def _parts(self) -> None:
        with self._ground.embedded() as embedded:
            for name, settings in self._stores(embedded).items():
                group = f"Its parts one after another, {name} (ratio: of their sum)"
                found = cold.parts(self._ground, settings, min(5, self._size.pairs))
                whole = sum(found.values())
                for part, seconds in found.items():
                    self._add(group, part, seconds * 1000, "ms", seconds / whole)
            group = "Shortcuts of the cold start, processor"
            found = cold.shortcuts(self._ground, embedded, min(3, self._size.pairs))
            for name, seconds in found.items():
                self._add(group, name, seconds * 1000, "ms", None)

    def _warm(self) -> None:
        size, note = self._size, self._progress.note
        with serving(HELLO, {}) as hello:
            hello.first()
            bare = [hello.deliver(b"").seconds for _ in range(500)]
        base = warm.quantile(bare, 0.5)
        group = "Warm, time of our own (ratio: to a bare hello's answer)"
        self._add(group, "hello p50", base * 1000, "ms", 1.0)
        slow = warm.quantile(bare, 0.99)
        self._add(group, "hello p99", slow * 1000, "ms", slow / base)
        with self._ground.embedded() as env, serving(WEBHOOK, env) as instance:
            instance.first(self._ground.alert())
            held, sent = {1: instance.pss()}, 1
            empty = partial(self._ground.empty, env)
            for delay in size.delays:
                found = warm.series(
                    self._ground, instance, delay, size.alerts, note, empty
                )
                sent += len(found.totals)
                held[sent] = instance.pss()
                limits = (15, 40) if not delay else (None, None)
                self._warm_rows(group, "embedded", found, base, limits)
            warm.fill(self._ground, instance, size.memory - sent, note, empty)
            held[size.memory] = instance.pss()
            self._memory("embedded store", held)

    def _far(self) -> None:
        if not self._firestore:
            return
        size, note = self._size, self._progress.note
        group = "Warm, Firestore emulator and bucket (ratio: to the same at 0 ms)"
        alone = warm.store_alone(self._firestore)
        for name, seconds in zip(("commit", "query of 12 claims"), alone, strict=True):
            self._add(group, f"one {name} by itself p50", seconds * 1000, "ms", None)
        with distance.distance(self._firestore) as store:
            env = self._ground.google(store.place)
            with serving(WEBHOOK, env) as instance:
                instance.first(self._ground.alert())
                held, sent, base = {1: instance.pss()}, 1, 0.0
                for delay, alerts in zip(size.delays, size.far, strict=True):
                    found = warm.series(
                        self._ground,
                        instance,
                        delay,
                        alerts,
                        note,
                        partial(self._ground.empty, env),
                        store,
                    )
                    base = base or found.added(0.5)
                    sent += len(found.totals)
                    held[sent] = instance.pss()
                    limits = (12, None) if not delay else (None, None)
                    self._warm_rows(group, "Firestore", found, base, limits)
                self._memory("Google's stores", held)

    def _warm_rows(
        self,
        group: str,
        store: str,
        found: warm.Series,
        base: float,
        limits: tuple[int | None, int | None],
    ) -> None:
        delay = f"{store}, {found.delay * 1000:.0f} ms delays"
        for name, share, limit in (
            ("p50", 0.5, limits[0]),
            ("p95", 0.95, None),
            ("p99", 0.99, limits[1]),
        ):
            ms = found.added(share) * 1000
            target = f"≤ {limit} ms" if limit else ""
            met = ms <= limit if limit else None
            note = f"{len(found.totals)} alerts" if name == "p50" else ""
            ratio = ms / 1000 / base
            beside = self._references_of(
                lambda one: (
                    one.answer * 1000
                    if not found.delay and name == "p50"  # noqa: B023  # called here
                    else None
                )
            )
            name = f"{delay} {name}"
            self._add(group, name, ms, "ms", ratio, target, met, note, beside=beside)
        if not found.delay:
            ms = warm.quantile(found.leaves, 0.5) * 1000
            name = f"{store}, order at FYERS p50"
            self._add(group, name, ms, "ms", ms / 1000 / base, "≤ 10 ms", ms <= 10)
        if found.processor:
            ms, name = found.processor * 1000, f"{delay}, processor"
            target, met = ("", None) if found.delay else ("≤ 6 ms", ms <= 6)
            beside = self._references_of(lambda one: _ms(one.processor))
            ratio = ms / 1000 / base
            self._add(group, name, ms, "ms", ratio, target, met, beside=beside)
        if found.before:
            rounds = warm.quantile(found.before, 0.5) + 1
            said = f"{max(found.calls)} calls an alert"
            name = f"{delay}, FYERS in series"
            self._add(group, name, rounds, "", None, "2", rounds == 2, said)

    def _memory(self, store: str, held: dict[int, int | None]) -> None:
        """Add rows of the bytes held after so many alerts."""
        group = "Memory of an instance, master and worker (ratio: to the first)"
        first, *_, last = held
        for alerts, size in held.items():
            if size is None:
                continue  # only Linux tells
            name, ratio = f"{store}, after {alerts}", size / (held[first] or size)
            target, met = ("≤ 60 MB", size <= 60 * MB) if alerts == last else ("", None)
            beside = self._references_of(lambda one: (one.memory or 0) / MB or None)
            self._add(group, name, size / MB, "MB", ratio, target, met, beside=beside)

    def _scaling(self) -> None:
        group = "Orders a second on one instance (ratio: to one alert at a time)"
        senders, seconds = self._size.scaling
        with self._ground.embedded() as embedded:
            for store, settings in self._stores(embedded).items():
                note = self._progress.note
                points = scaling.curve(self._ground, settings, senders, seconds, note)
                self.curves[store] = points
                for point in points:
                    most = point.senders == 16 and store != "embedded store"
                    target, met = ("≥ 120", point.orders >= 120) if most else ("", None)
                    said = (
                        f"{point.processor * 1000:.1f} ms of processor an alert"
                        if point.processor
                        else ""
                    )
                    ratio = point.orders / points[0].orders
                    name = f"{store}, {point.senders} at once"
                    beside = self._references_of(
                        lambda one: one.rates.get(point.senders)  # noqa: B023  # called here
                    )
                    self._add(
                        group,
                        name,
                        point.orders,
                        "",
                        ratio,
                        target,
                        met,
                        said,
                        beside,
                    )

    def _bursts(self) -> None:
        group = "Burst on one instance, 10 FYERS calls a second (ratio: of the alerts)"
        for count in self._size.bursts:
            found = burst.burst(self._ground, count, self._progress.note)
            name, share = f"{count} at once", found.placed / count
            whole = count <= 3
            said = f"slowest answer {found.slowest * 1000:.0f} ms"
            if not whole:
                said += f", {found.first} at the first delivery"
            self._add(
                group,
                f"{name}: placed",
                found.placed,
                "",
                share,
                "all" if whole else "",
                share == 1 if whole else None,
                said,
            )
            if not whole:
                said = "never sent; reconcile reports them"
                self._add(group, f"{name}: left", found.left, "", None, note=said)
            gone = found.lost + abs(found.orders - found.placed)
            self._add(group, f"{name}: lost or doubled", gone, "", None, "0", not gone)
            bad = found.unanswered + sum(found.other.values())
            self._add(
                group, f"{name}: neither 200 nor 503", bad, "", None, "0", not bad
            )
            most = found.busiest
            self._add(
                group, f"{name}: busiest second", most, "", None, "≤ 10", most <= 10
            )
            if gone or most > burst.PACE:
                self.faults.append(f"{name}: {found}")

    def _symbols(self) -> None:
        costs = [symbols.cost(rows) for rows in self._size.rows]
        self.rows += symbols.table(costs)

    def _day(self) -> None:
        shorts, minutes = self._size.day
        group = f"FYERS calls of {shorts} shorts in {minutes} minutes (ratio: of all)"
        found = day.play(shorts, minutes)
        for name, calls in (
            ("alerts that open", found.opening),
            ("alerts that cover", found.closing),
            ("reconcile, each minute", found.guarding),
        ):
            ratio = sum(calls) / found.total
            said = f"{len(calls)} times, at most {max(calls)} calls"
            self._add(group, name, sum(calls), "", ratio, note=said)

    def _add(
        self,
        group: str,
        name: str,
        value: float,
        unit: str,
        ratio: float | None,
        target: str = "",
        met: bool | None = None,
        note: str = "",
        beside: Mapping[str, float | None] | None = None,
    ) -> None:
        floor, seed = ((beside or {}).get(which) for which in ("floor", "seed"))
        row = Row(group, name, value, unit, ratio, target, met, note, floor, seed)
        self.rows.append(row)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
