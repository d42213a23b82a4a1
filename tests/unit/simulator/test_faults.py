"""Which call a fault waits for."""

from __future__ import annotations

import pytest

from simulator.faults import Chaos, Fault, Faults

ORDERS = "/api/v3/orders/sync"


def kinds(faults: Faults, content: str = "", path: str = ORDERS) -> list[str]:
    return [fault.kind for fault in faults.take("POST", path, content)]


@pytest.fixture
def faults() -> Faults:
    return Faults()


def test_a_fault_happens_once(faults: Faults) -> None:
    faults.add(Fault(kind="reset"))
    assert [kinds(faults), kinds(faults)] == [["reset"], []]


def test_a_fault_happens_as_often_as_asked(faults: Faults) -> None:
    faults.add(Fault(kind="reset", times=2))
    assert [kinds(faults) for _ in range(3)] == [["reset"], ["reset"], []]


def test_a_fault_below_zero_times_never_ends(faults: Faults) -> None:
    faults.add(Fault(kind="reset", times=-1))
    assert [kinds(faults) for _ in range(5)] == [["reset"]] * 5


def test_a_fault_may_skip_calls(faults: Faults) -> None:
    faults.add(Fault(kind="reset", skip=1))
    assert [kinds(faults), kinds(faults)] == [[], ["reset"]]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="reset", path="/data/quotes"),
        Fault(kind="reset", method="GET"),
        Fault(kind="reset", tag="other"),
        Fault(kind="reset", symbol="NSE:OTHER"),
    ],
    ids=["path", "method", "tag", "symbol"],
)
def test_another_call_is_left_alone(faults: Faults, fault: Fault) -> None:
    faults.add(fault)
    assert kinds(faults, '{"orderTag":"mine","symbol":"NSE:MINE"}') == []


def test_a_fault_finds_its_tag(faults: Faults) -> None:
    faults.add(Fault(kind="reset", tag="mine", symbol="NSE:MINE"))
    assert kinds(faults, '{"orderTag":"mine","symbol":"NSE:MINE"}') == ["reset"]


def test_an_order_and_a_wire_fault_may_meet(faults: Faults) -> None:
    faults.add(Fault(kind="rms_later"), Fault(kind="reset"))
    assert kinds(faults) == ["reset", "rms_later"]


def test_a_misspelt_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        Fault(kind="rest")


def test_a_misspelt_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="before or after"):
        Fault(when="during")


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("201", "no_ack", 0),
        ("429", "rate", 0),
        ("401", "expired", 0),
        ("503", "error", 503),
        ("refused_app", "not_allowed", 0),
        ("ok_without_id", "no_id", 0),
    ],
)
def test_a_fault_has_a_second_name(name: str, kind: str, status: int) -> None:
    fault = Fault(kind=name)
    assert (fault.kind, fault.status) == (kind, status)


def test_a_refusal_never_takes_effect() -> None:
    assert Fault(kind="rate", when="after").before


def test_chaos_repeats_itself(faults: Faults) -> None:
    runs = []
    for _ in range(2):
        faults.unleash(Chaos(rate=0.5, seed=3))
        runs.append([kinds(faults) for _ in range(40)])
    assert runs[0] == runs[1]


def test_chaos_hits_about_its_rate(faults: Faults) -> None:
    faults.unleash(Chaos(rate=0.25, seed=3))
    assert 200 < sum(bool(kinds(faults)) for _ in range(1000)) < 300


def test_chaos_keeps_to_its_paths(faults: Faults) -> None:
    faults.unleash(Chaos(rate=1, paths=("/data/",)))
    assert kinds(faults) == []


def test_a_rate_of_zero_ends_chaos(faults: Faults) -> None:
    faults.unleash(Chaos(rate=1))
    faults.unleash(Chaos(rate=0))
    assert kinds(faults) == []
