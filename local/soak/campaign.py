"""The run: alerts, faults, kills and reconcile at the same time, then the quiet."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from local.soak.hands import CALM_LAGS, Hands
from local.soak.monitor import Monitor, Run
from local.soak.tradingview import Alert, Desk, deliver
from local.soak.world import World
from simulator import Chaos, Fault
from simulator.api import DATA, TRADING
from simulator.contracts import Contract

WIRE = (
    *("reset", "close", "error", "html", "empty", "cut", "garbage"),
    *("no_ack", "no_id", "rate", "slow", "hang"),
)
ORDERS = ("rms", "rms_later", "unfilled", "partfill", "exits_vanish", "exits_rejected")
DELAYS = (0.2, 0.8, 1.5, 5.0, 30.0)
"""Seconds of `slow`, `hang` and a 429's Retry-After; one at a time."""

CALMER = 25.0
"""Seconds before the end when orders stop going wrong, so that it is told in time:
reconcile gives an order a minute."""
RECONCILE_EVERY = 10.0
DRAIN = 75.0
"""Most seconds that settling may take after the last alert."""
THREADS = 160


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for."""

    minutes: float
    rate: float
    faults: float
    seed: int
    kills: float = 15.0
    """Mean seconds between two kills."""
    calm: float = 0.25
    """Share of the time, from its beginning, in which nothing goes wrong."""
    doubled: float = 0.15
    covered: float = 0.7
    rivals: float = 0.2
    """Share of the covers that two different alerts want at once."""


@dataclass(slots=True)
class Campaign:
    """What happened, apart from what can be seen at FYERS and in the store."""

    plan: Plan
    world: World
    alerts: list[Alert] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    hands: Counter[str] = field(default_factory=Counter)
    """What was done at FYERS beside our orders."""
    chains: list[Future[None]] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    """What the soak itself could not do."""
    halt: threading.Event = field(default_factory=threading.Event)
    calm_until: float = 0.0
    """Monotonic seconds."""
    monitor: Monitor = field(init=False)

    def __post_init__(self) -> None:
        """Watch the account from outside."""
        self.monitor = Monitor(self.world.fyers)

    def dice(self, purpose: str) -> random.Random:
        """Return randomness that depends on the seed and on nothing else."""
        return random.Random(f"{self.plan.seed} {purpose}")  # noqa: S311 - repeatable

    def rage(self, progress: Callable[[float], None]) -> None:
        """Send alerts under faults and kills; return with all chains ended."""
        seconds = self.plan.minutes * 60
        with ThreadPoolExecutor(THREADS) as pool:
            try:
                plays = self._weather, self._kill, self._ring, self._lay_hands
                always = self._settle, self.monitor.play
                self.calm_until = time.monotonic() + seconds * self.plan.calm
                with self._meanwhile(*always, *plays):
                    self._trade(seconds, pool, progress)
                self.world.fyers.faults.clear()
                self.world.phone.recover()
                Hands(self.world, self.dice("lags")).lag((0.0,))
                with self._meanwhile(*always):
                    self._wait(progress)
            finally:
                self.halt.set()

    def reconcile(self, number: int) -> bool:
        """Run reconcile on a server; return whether it changed nothing."""
        server, phone = self.world.servers[number], self.world.phone
        began, missed, down = time.monotonic(), phone.refused, phone.down
        try:
            reply = requests.post(f"{server.url}/reconcile", timeout=60)
            found = reply.json()
        except (requests.RequestException, ValueError):
            self.counts["reconcile_cut"] += 1
            return False
        self.counts["reconcile_runs"] += 1
        if reply.status_code != requests.codes.ok:
            self.counts["reconcile_failed"] += 1
            return False
        heard = not down and not phone.down and phone.refused == missed
        blind = found["order_book"] == "unreadable" or found["guard"]["blind"]
        if heard and not blind and not found["left"]:
            self.monitor.runs.append(Run(began, time.monotonic()))
        return not found["changed"] and not found["left"]

    @contextmanager
    def _meanwhile(
        self, *plays: Callable[[threading.Event], None]
    ) -> Iterator[threading.Event]:
        stop = threading.Event()
        threads = [threading.Thread(target=self._noted, args=(p, stop)) for p in plays]
        for thread in threads:
            thread.start()
        try:
            yield stop
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _noted(
        self, play: Callable[[threading.Event], None], stop: threading.Event
    ) -> None:
        try:
            play(stop)
        except Exception as error:  # a soak whose faults ended early proves little
            self.trouble.append(f"{play.__name__}: {type(error).__name__}: {error}")

    def _trade(
        self,
        seconds: float,
        pool: ThreadPoolExecutor,
        progress: Callable[[float], None],
    ) -> None:
        draw = self.dice("trade")
        world = self.world
        desk = Desk(world.contracts(), world.secret, draw, world.clock)
        covers: list[tuple[float, Contract]] = []
        began = time.monotonic()
        due = began
        while (now := time.monotonic()) < began + seconds:
            progress(now - began)
            if now < due:
                time.sleep(min(0.05, due - now))
                continue
            due += draw.uniform(0.5, 1.5) / self.plan.rate
            ready = [item for item in covers if item[0] <= now]
            if ready:
                covers.remove(ready[0])
                alert = desk.cover(ready[0][1])
                if draw.random() < self.plan.rivals:
                    self.counts["rivals"] += 1
                    self._send(desk.cover(ready[0][1]), pool, draw)
            else:
                alert = desk.sell()
                calm = now > began + seconds - CALMER or now < self.calm_until
                self._spoil(alert.contract.ticker, draw, calm)
                if draw.random() < self.plan.covered:
                    covers.append((now + draw.uniform(2, 30), alert.contract))
            self._send(alert, pool, draw)

    def _spoil(self, ticker: str, draw: random.Random, calm: bool) -> None:
        """Let the next order of a contract go wrong in FYERS's hands, now and then."""
        if draw.random() < self.plan.faults and not calm:
            kind = draw.choice(ORDERS)
            self.counts["order_faults"] += 1
            place = f"{TRADING}/orders/sync"
            fault = Fault(path=place, method="POST", kind=kind, symbol=ticker)
            self.world.fyers.faults.add(fault)

    def _send(
        self, alert: Alert, pool: ThreadPoolExecutor, draw: random.Random
    ) -> None:
        self.alerts.append(alert)
        order = list(self.world.servers)
        draw.shuffle(order)
        clock = self.world.clock
        self.chains.append(pool.submit(deliver, alert, order, 1, self.halt, clock))
        if draw.random() < self.plan.doubled:
            self.counts["doubled"] += 1
            other = order[::-1]
            after = draw.choice((0.0, draw.uniform(0, 0.3), draw.uniform(0, 3)))
            again = pool.submit(deliver, alert, other, 2, self.halt, clock, after)
            self.chains.append(again)

    def _wait(self, progress: Callable[[float], None]) -> None:
        for chain in self.chains:
            while not chain.done():
                progress(self.plan.minutes * 60)
                time.sleep(0.1)
            chain.result()

    def _weather(self, stop: threading.Event) -> None:
        """Change how FYERS's calls fail every few seconds."""
        draw = self.dice("weather")
        faults = self.world.fyers.faults
        if self._calm(stop):
            return
        self.world.phone.worsen()
        while not stop.is_set():
            delay, seed = draw.choice(DELAYS), draw.randrange(2**31)
            rate = self.plan.faults
            faults.unleash(Chaos(rate, WIRE, (TRADING, DATA), seed, delay))
            stop.wait(draw.uniform(3, 8))

    def _calm(self, stop: threading.Event) -> bool:
        """Wait until the calm is over; return whether all is."""
        return stop.wait(max(0.0, self.calm_until - time.monotonic()))

    def _lay_hands(self, stop: threading.Event) -> None:
        """Do what people, prices and FYERS do, and let its books lag."""
        draw = self.dice("hands")
        hands = Hands(self.world, draw)
        hands.lag(CALM_LAGS)
        if self._calm(stop):
            return
        end = time.monotonic() + self.plan.minutes * 60 * (1 - self.plan.calm) - CALMER
        while not stop.wait(draw.uniform(1, 3)):
            if draw.random() < 0.3:
                hands.lag()
            if time.monotonic() < end and (done := hands.act()):
                self.hands[done] += 1

    def _kill(self, stop: threading.Event) -> None:
        """Kill one of the servers now and then and start it again."""
        draw, gap = self.dice("kill"), self.plan.kills
        if self._calm(stop):
            return
        while not stop.wait(gap * draw.uniform(2 / 3, 4 / 3)):
            server = draw.choice(self.world.servers)
            server.kill()
            self.counts["kills"] += 1
            stop.wait(draw.uniform(0, 2))
            server.start()
            server.ready()

    def _ring(self, stop: threading.Event) -> None:
        """Put the phone out of reach now and then."""
        draw = self.dice("ring")
        if self._calm(stop):
            return
        while not stop.wait(draw.uniform(6, 15)):
            self.world.phone.down = True
            stop.wait(draw.uniform(2, 8))
            self.world.phone.down = False

    def _settle(self, stop: threading.Event) -> None:
        """Call reconcile as the Scheduler does, a minute scaled to 10 s."""
        draw = self.dice("settle")
        while not stop.wait(RECONCILE_EVERY * draw.uniform(0.7, 1.3)):
            self.reconcile(draw.randrange(2))
