"""What deploy.sh leaves to Python, without a shell or a cloud."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from local.deploying import ask, control, notice, rights, settings, watch
from shared import config
from shared.models import BY_HAND, IST

GOOD = {"FYERS_APP_ID": "ABCD1234EF-200", "FYERS_CLIENT_ID": "XA00001"}


# ---- settings


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("WEBHOOK_MAX_QTY", "two", "WEBHOOK_MAX_QTY must be a number"),
        ("ATTACH_EXITS", "maybe", "ATTACH_EXITS must be true or false"),
        ("TAKE_PROFIT_PERCENT", "120", "TAKE_PROFIT_PERCENT must be a number"),
        ("SYMBOL_MASTER_URL", "nowhere", "SYMBOL_MASTER_URL must be http(s)"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL must be one of"),
    ],
)
def test_a_value_no_function_would_take_is_refused_by_name_and_not_repeated(
    name: str, value: str, words: str
) -> None:
    with pytest.raises(settings.Refused) as refusal:
        settings.check_values({**GOOD, name: value}, config.FUNCTIONS)
    assert words in str(refusal.value)
    assert f'"{value}"' not in str(refusal.value)


def test_every_wrong_value_is_named_at_once() -> None:
    wrong = {"WEBHOOK_MAX_QTY": "two", "ATTACH_EXITS": "maybe"}
    with pytest.raises(settings.Refused) as refusal:
        settings.check_values({**GOOD, **wrong}, config.FUNCTIONS)
    assert [name for name in wrong if name not in str(refusal.value)] == []


def test_what_is_derived_has_a_stand_in_the_parser_takes() -> None:
    settings.check_values(GOOD, config.FUNCTIONS)


@pytest.mark.parametrize(("app", "warned"), [("X-100", True), ("X-200", False)])
def test_an_app_for_data_only_gets_a_warning_with_the_reason(
    app: str, warned: bool
) -> None:
    said = " ".join(settings.warnings({"FYERS_APP_ID": app}))
    assert ("refuse every order" in said) == warned


def test_a_secret_the_functions_would_refuse_is_refused_before_it_is_kept() -> None:
    with pytest.raises(settings.Refused, match="must be an address"):
        settings.check_secret("NOTIFICATION_URL", "4711-no-address")


def test_an_instant_that_has_passed_is_none() -> None:
    now = datetime(2026, 11, 25, 10, tzinfo=IST)
    later = int(now.timestamp()) + 60
    assert settings.instant(later, now) == "2026-11-25T10:01:00+05:30"
    assert settings.instant(later - 60, now) == ""


# ---- asking


@pytest.mark.parametrize("name", ["FYERS_PIN", "NOTIFICATION_URL"])
def test_what_must_be_given_is_never_empty(name: str) -> None:
    with pytest.raises(settings.Refused, match="needs a value"):
        ask.settle(name, "")


def test_no_notices_are_wanted_only_by_writing_none() -> None:
    assert ask.settle("NOTIFICATION_URL", "none") == ""


def test_an_empty_webhook_token_is_made_long_and_never_twice() -> None:
    made = {ask.settle("WEBHOOK_SECRET_TOKEN", "") for _ in range(3)}
    assert {len(one) for one in made} == {48}
    assert len(made) == 3


def test_a_notice_that_could_not_be_sent_does_not_tell_the_address() -> None:
    with pytest.raises(notice.NotSent) as error:
        notice.send("http://127.0.0.1:9/SECRETPATH")
    assert "SECRETPATH" not in str(error.value)


# ---- rights


MEMBER = "serviceAccount:a@x"


def merged(policy: dict[str, Any], *lines: str) -> Any:
    return rights.merge(policy, [rights.Wish.read(line) for line in lines])


def test_a_right_is_added_beside_those_of_others() -> None:
    before = {"etag": "E", "bindings": [{"role": "r", "members": ["user:o"]}]}
    after = merged(before, f"+\tr\t{MEMBER}\t\t")
    assert after == {
        "etag": "E",
        "bindings": [{"role": "r", "members": ["user:o", MEMBER]}],
    }
    assert before["bindings"] == [{"role": "r", "members": ["user:o"]}]


def test_a_right_under_a_condition_is_another_one_and_says_its_version() -> None:
    before = {"bindings": [{"role": "r", "members": [MEMBER]}]}
    after = merged(before, f"-\tr\t{MEMBER}", f"+\tr\t{MEMBER}\tsymbols\tx == y")
    assert after["version"] == rights.CONDITIONS
    assert after["bindings"] == [
        {
            "role": "r",
            "members": [MEMBER],
            "condition": {"title": "symbols", "expression": "x == y"},
        }
    ]
    assert merged(after, f"-\tr\t{MEMBER}", f"+\tr\t{MEMBER}\tsymbols\tx == y") == after


def test_a_right_is_taken_back_wherever_it_stands() -> None:
    twice = {"bindings": [{"role": "r", "members": [m, MEMBER]} for m in ("a", "b")]}
    after = merged(twice, f"-\tr\t{MEMBER}")
    assert [one["members"] for one in after["bindings"]] == [["a"], ["b"]]


def test_nothing_is_written_where_nothing_changes(tmp_path: Path) -> None:
    names = ("policy", "wishes", "result")
    policy, wishes, result = (tmp_path / name for name in names)
    policy.write_text('{"bindings": [{"role": "r", "members": ["m"]}]}')
    wishes.write_text("+\tr\tm\t\t\n-\tother\tm\n")
    rights.main(policy, wishes, result)
    assert not result.exists()


# ---- watching


def test_the_policies_are_about_our_services_our_jobs_and_the_check(
    tmp_path: Path,
) -> None:
    watch.main(tmp_path, "CHANNEL", "CHECK")
    texts = {path.stem: path.read_text() for path in tmp_path.iterdir()}
    assert set(texts) == {"policy-errors", "policy-jobs", "policy-readyz"}
    assert "webhook|auth-url" in texts["policy-errors"]
    assert "^fyers-" in texts["policy-jobs"]
    assert 'check_id=\\"CHECK\\"' in texts["policy-readyz"]
    for text in texts.values():
        assert json.loads(text)["notificationChannels"] == ["CHANNEL"]


def test_a_policy_for_another_channel_is_another_version() -> None:
    one, other = (
        {name: watch.digest(p) for name, p in watch.policies(channel, "x").items()}
        for channel in ("a", "b")
    )
    assert [name for name in one if one[name] == other[name]] == []


# ---- pause


def test_the_alert_that_pauses_is_the_owners_and_each_one_is_its_own() -> None:
    first, second = (json.loads(control.alert("T\n", "PAUSE")) for _ in range(2))
    for one in (first, second):
        assert set(one) == {"token", "action", "idempotency_key"}
        assert (one["token"], one["action"]) == ("T", "PAUSE")
        assert one["idempotency_key"].startswith(BY_HAND)
    assert first["idempotency_key"] != second["idempotency_key"]


def stored_pause(**fields: object) -> dict[str, object]:
    """Return a pause as Firestore's REST form shows it."""
    return {"fields": {"paused": {"mapValue": {"fields": fields}}}}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": {"code": 404}}, "not paused"),
        ({"fields": {}}, "not paused"),
        ({"fields": {"paused": {"nullValue": None}}}, "not paused"),
        (
            stored_pause(
                at={"timestampValue": "2026-11-25T04:00:00.123456Z"},
                reason={"stringValue": "by the owner"},
            ),
            "paused since 25 Nov 09:30 IST (by the owner)",
        ),
        (stored_pause(), "paused (no reason is stored)"),
        (stored_pause(at={"timestampValue": "?"}), "paused since ? (no reason is"),
        ({"error": {"code": 403, "message": "no right"}}, "unknown: no right"),
    ],
)
def test_whether_entries_are_paused_is_a_line(answer: object, words: str) -> None:
    assert control.paused(json.dumps(answer)).startswith(words)


def test_an_answer_that_cannot_be_read_is_not_taken_for_unpaused() -> None:
    assert control.paused("<html>").startswith("unknown")
