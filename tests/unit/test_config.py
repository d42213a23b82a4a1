"""Settings: every fault named at once, bounds that keep arithmetic sane."""

from collections.abc import Mapping
from datetime import datetime

import pytest

from shared.config import FUNCTIONS, REFRESHES, Settings, needs
from shared.errors import Misconfigured
from shared.models import IST, Secret

GOOD = {
    "STATE_BACKEND": "local",
    "FYERS_APP_ID": "APP-200",
    "FYERS_SECRET_ID": "secret",
    "FYERS_PIN": "1234",
    "FYERS_REDIRECT_URI": "https://x.run.app/",
    "WEBHOOK_SECRET_TOKEN": "hook-of-twenty-signs",
}


def problems(env: Mapping[str, str], function: str = "webhook") -> str:
    with pytest.raises(Misconfigured) as wrong:
        Settings.from_env(env, function)
    return "; ".join(wrong.value.problems)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_whole_environment_serves_every_function(function: str) -> None:
    assert Settings.from_env(GOOD, function).fyers_app_id == "APP-200"


def test_every_missing_setting_is_named_at_once() -> None:
    said = problems({})
    for name in (
        "FYERS_APP_ID",
        "FYERS_SECRET_ID",
        "WEBHOOK_SECRET_TOKEN",
        "GCS_BUCKET_NAME",
        "GOOGLE_CLOUD_PROJECT",
    ):
        assert f"{name} is missing" in said


@pytest.mark.parametrize("function", REFRESHES)
def test_the_pin_is_wanted_only_where_tokens_are_refreshed(function: str) -> None:
    bare = {name: value for name, value in GOOD.items() if name != "FYERS_PIN"}
    assert not Settings.from_env(bare, function).token_refresh
    asked = problems(bare | {"TOKEN_REFRESH": "true"}, function)
    assert asked == "FYERS_PIN is missing"
    assert ("secret", "FYERS_PIN") in needs(function)
    assert ("secret", "FYERS_PIN") not in needs(function, refresh=False)


def test_a_short_webhook_secret_is_named_and_not_shown() -> None:
    said = problems(GOOD | {"WEBHOOK_SECRET_TOKEN": "nineteen-characters"})
    assert said == "WEBHOOK_SECRET_TOKEN must have at least 20 characters"


@pytest.mark.parametrize(
    ("until", "count"),
    [
        ("", 2),
        ("2026-11-25T09:15:00+05:30", 2),
        ("2026-11-25T09:14:59+05:30", 1),
    ],
)
def test_the_old_secret_counts_beside_the_new_one_until_its_time(
    until: str, count: int
) -> None:
    old = {"WEBHOOK_SECRET_TOKEN_OLD": "old", "WEBHOOK_SECRET_TOKEN_OLD_UNTIL": until}
    now = datetime(2026, 11, 25, 9, 14, 59, 500_000, IST)
    secrets = Settings.from_env(GOOD | old, "webhook").webhook_secrets(now)
    assert secrets == (Secret("hook-of-twenty-signs"), Secret("old"))[:count]


def test_without_an_old_secret_there_is_one() -> None:
    secrets = Settings.from_env(GOOD, "webhook").webhook_secrets(datetime.now(IST))
    assert secrets == (Secret("hook-of-twenty-signs"),)


def test_the_owner_of_the_login_is_required_on_google_cloud_only() -> None:
    google = GOOD | {
        "STATE_BACKEND": "gcp",
        "GCS_BUCKET_NAME": "b",
        "GOOGLE_CLOUD_PROJECT": "p",
    }
    assert "FYERS_CLIENT_ID" in problems(google, "generate_token")
    assert Settings.from_env(GOOD, "generate_token")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STATE_BACKEND", "redis"),
        ("DEFAULT_PRODUCT_TYPE", "BO"),
        ("ATTACH_EXITS", "maybe"),
        ("STOP_LOSS_PERCENT", "0"),
        ("STOP_LOSS_PERCENT", "nan"),
        ("STOP_LOSS_PERCENT", "1e300000"),
        ("TAKE_PROFIT_PERCENT", "100"),
        ("WEBHOOK_MAX_QTY", "0"),
        ("WEBHOOK_MAX_QTY", "1.5"),
        ("IDEMPOTENCY_TTL_SECONDS", "3599"),
        ("IDEMPOTENCY_TTL_SECONDS", "1000000000000"),
        ("DUPLICATE_WINDOW_SECONDS", "-1"),
        ("MAX_ALERT_AGE_SECONDS", "1000000000000000"),
        ("FYERS_CALLS_PER_SECOND", "-1"),
        ("ON_MISSING_STOP", "sell"),
        ("FYERS_BASE_URL", "api.fyers.in"),
        ("SYMBOL_MASTER_URL", "ftp://x/y"),
        ("NOTIFICATION_URL", "my-phone"),
    ],
)
def test_a_bad_value_is_named_and_never_shown(name: str, value: str) -> None:
    said = problems(GOOD | {name: value})
    assert said.startswith(f"{name} must be")
    assert value not in said or name == "TAKE_PROFIT_PERCENT" or value in "0-1"


@pytest.mark.parametrize(
    ("total", "webhook", "reconcile", "each_other"),
    [("", 7, 2, 1), ("10", 7, 2, 1), ("5", 3, 1, 1), ("1", 1, 1, 1), ("0", 0, 0, 0)],
)
def test_the_users_calls_are_shared_out_among_the_functions(
    total: str, webhook: int, reconcile: int, each_other: int
) -> None:
    env = GOOD | {"FYERS_CALLS_PER_SECOND": total}
    shares = {
        function: Settings.from_env(env, function).fyers_calls_per_second
        for function in FUNCTIONS
    }
    assert shares.pop("webhook") == webhook
    assert shares.pop("reconcile") == reconcile
    assert set(shares.values()) == {each_other}


@pytest.mark.parametrize(("said", "read"), [("", "tell"), ("close", "close")])
def test_a_missing_stop_is_only_told_unless_the_owner_wants_it_closed(
    said: str, read: str
) -> None:
    env = GOOD | {"ON_MISSING_STOP": said}
    assert Settings.from_env(env, "reconcile").on_missing_stop == read


def test_the_redirect_address_stays_as_registered() -> None:
    settings = Settings.from_env(GOOD, "auth_url")
    assert settings.fyers_redirect_uri == "https://x.run.app/"


def masters(**env: str) -> tuple[tuple[str, str], ...]:
    return Settings.from_env(GOOD | env, "refresh_symbols").symbol_masters


def test_both_exchanges_are_set_up_by_default() -> None:
    assert masters() == (
        ("NSE", "https://public.fyers.in/sym_details/NSE_FO.csv"),
        ("BSE", "https://public.fyers.in/sym_details/BSE_FO.csv"),
    )


def test_symbol_masters_may_come_in_any_order_or_alone() -> None:
    pair = masters(SYMBOL_MASTER_URLS="http://x/bse_fo.csv , http://y/NSE_FO.csv")
    assert pair == (("NSE", "http://y/NSE_FO.csv"), ("BSE", "http://x/bse_fo.csv"))
    assert masters(SYMBOL_MASTER_URL="http://y/z") == (("NSE", "http://y/z"),)


@pytest.mark.parametrize(
    "value", ["http://x/NSE_FO.csv,ftp://x", "http://x/a,http://x/b"]
)
def test_symbol_masters_that_cannot_be_are_named(value: str) -> None:
    assert problems(GOOD | {"SYMBOL_MASTER_URLS": value}).startswith(
        "SYMBOL_MASTER_URLS"
    )


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("symbols/NSE_FO.zip", "symbols/BSE_FO.zip"),
        ("mine.zip", "BSE-mine.zip"),
        ("NSE/all.zip", "NSE/BSE-all.zip"),
    ],
)
def test_bses_snapshot_lies_beside_nses(name: str, other: str) -> None:
    settings = Settings.from_env(GOOD | {"GCS_SYMBOLS_FILE": name}, "refresh_symbols")
    assert settings.symbols_file("NSE") == name
    assert settings.symbols_file("BSE") == other
