"""How the bench counts and shows; what it measures is the bench's own business."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from local.measuring import burst, distance, scaling, warm
from local.measuring.served import HELLO, serving
from local.measuring.table import Row, earlier, show
from simulator.calls import Call

QUOTE, POSITIONS = ("GET", "/data/quotes"), ("GET", "/api/v3/positions")
ORDER = ("POST", "/api/v3/orders/sync")


def call(at: float, what: tuple[str, str]) -> Call:
    return Call(at, at, *what, "")


def test_half_of_the_values_stay_below_the_median() -> None:
    assert warm.quantile([3.0, 1.0, 2.0], 0.5) == 2.0


def test_the_last_quantile_is_the_slowest() -> None:
    assert warm.quantile([3.0, 1.0, 2.0], 1.0) == 3.0


def test_what_is_added_leaves_out_each_delay_of_the_chain() -> None:
    found = warm.Series(delay=0.02, chain=2, totals=[0.050])
    assert found.added(0.5) == pytest.approx(0.010)


def test_calls_side_by_side_are_one_round_trip() -> None:
    calls = [call(0.0, QUOTE), call(0.001, POSITIONS), call(0.03, ORDER)]
    assert warm._rounds(calls, 0.02) == 1


def test_calls_one_after_another_are_two_round_trips() -> None:
    calls = [call(0.0, QUOTE), call(0.021, POSITIONS), call(0.05, ORDER)]
    assert warm._rounds(calls, 0.02) == 2


def test_claims_that_wait_for_reconcile_are_counted(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "claims.sqlite")) as db, db:
        db.execute("CREATE TABLE documents (collection TEXT, document TEXT)")
        for state, watched in (("RELEASED", 1), ("DONE", 1), ("RELEASED", None)):
            document = json.dumps({"state": state, "watched_at": watched})
            db.execute("INSERT INTO documents VALUES ('alerts', ?)", (document,))
    assert burst._waiting(tmp_path) == 1


def test_rows_of_a_group_stand_together() -> None:
    rows = [Row(group, name, 1, "ms") for group, name in ("Aa", "Bb", "Ac")]
    assert [line.split()[0] for line in show(rows).split("\n") if line] == [
        *("A", "a", "c", "B", "b")
    ]


def test_a_missed_target_is_named() -> None:
    row = Row("Cold", "webhook", 900.0, "ms", 4.5, "≤ 4×", False, "too slow")
    assert show([row]).split()[1:] == [
        *("webhook", "900", "ms", "4.50×", "≤", "4×", "MISSED", "too", "slow")
    ]


def test_the_floor_and_the_common_shape_stand_beside_a_figure() -> None:
    rows = [
        Row("Cold", "webhook", 500.0, "ms", floor=180.0, seed=1200.5),
        Row("Cold", "a step", 9.0, "ms"),
    ]
    shown = show(rows).split("\n")
    assert shown[2].split() == ["webhook", "500", "ms", "floor", "180", "seed", "1200"]
    assert shown[3].split() == ["a", "step", "9", "ms"]


def test_an_earlier_run_stands_beside_its_row(tmp_path: Path) -> None:
    report = tmp_path / "before.json"
    rows = [Row("Cold", "webhook", 500.0, "ms"), Row("Cold", "hello", 90.0, "ms")]
    report.write_text(json.dumps({"rows": [asdict(row) for row in rows]}))
    now = [Row("Cold", "webhook", 400.0, "ms"), Row("Cold", "new", 1.0, "ms")]
    shown = show(now, earlier(report)).split("\n")
    assert shown[2].split() == ["webhook", "400", "ms", "was", "500", "ms"]
    assert shown[3].split() == ["new", "1", "ms"]


@pytest.mark.parametrize("text", ["", "[]", '{"rows": [1]}'])
def test_another_file_is_no_earlier_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "notes.txt").write_text(text)
    with pytest.raises(ValueError, match="no report"):
        earlier(tmp_path / "notes.txt")


def test_the_scaling_is_drawn_with_each_store_and_each_count() -> None:
    points = [scaling.Point(n, 40.0 * n, None) for n in (1, 2, 4)]
    drawn = ElementTree.fromstring(scaling.svg({"a & b": points}))
    texts = {text.text for text in drawn.iter() if text.tag.endswith("text")}
    assert {"a & b", "1", "2", "4", "200"} <= texts
    (line,) = [part for part in drawn if part.tag.endswith("polyline")]
    heights = [float(place.split(",")[1]) for place in line.attrib["points"].split()]
    assert heights == sorted(heights, reverse=True)


def test_distance_delays_the_answer_and_nothing_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as echo:
        threading.Thread(target=_echo, args=(echo,), daemon=True).start()
        with distance.distance(f"127.0.0.1:{echo.getsockname()[1]}") as far:
            far.delay = 0.05
            host, _, port = far.place.partition(":")
            with socket.create_connection((host, int(port)), 10) as near:
                start = time.monotonic()
                near.sendall(b"hello")
                heard = near.recv(16)
                took = time.monotonic() - start
    assert (heard, took >= 0.05) == (b"hello", True)


def _echo(listener: socket.socket) -> None:
    link, _ = listener.accept()
    with link:
        link.sendall(link.recv(16))
        link.recv(16)


def test_the_bare_function_answers_under_the_frameworks_command() -> None:
    with serving(HELLO, {}) as hello:
        hello.first()
        answer = hello.deliver(b"")
    assert (answer.status, answer.body) == (200, b"hello")
