"""Settings: every fault named at once, bounds that keep arithmetic sane."""

from collections.abc import Mapping

import pytest

from shared.config import FUNCTIONS, Settings
from shared.errors import Misconfigured

GOOD = {
    "STATE_BACKEND": "local",
    "FYERS_APP_ID": "APP-200",
    "FYERS_SECRET_ID": "secret",
    "FYERS_PIN": "1234",
    "FYERS_REDIRECT_URI": "https://x.run.app/",
    "WEBHOOK_SECRET_TOKEN": "hook",
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
        "FYERS_PIN",
        "WEBHOOK_SECRET_TOKEN",
        "GCS_BUCKET_NAME",
        "GOOGLE_CLOUD_PROJECT",
    ):
        assert f"{name} is missing" in said


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
        ("FYERS_BASE_URL", "api.fyers.in"),
        ("SYMBOL_MASTER_URL", "ftp://x/y"),
        ("NOTIFICATION_URL", "my-phone"),
    ],
)
def test_a_bad_value_is_named_and_never_shown(name: str, value: str) -> None:
    said = problems(GOOD | {name: value})
    assert said.startswith(f"{name} must be")
    assert value not in said or name == "TAKE_PROFIT_PERCENT" or value in "0-1"


def test_the_redirect_address_stays_as_registered() -> None:
    settings = Settings.from_env(GOOD, "auth_url")
    assert settings.fyers_redirect_uri == "https://x.run.app/"
