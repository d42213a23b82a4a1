"""Settings: one table says to `Settings` and to deploy.sh what each function needs.

`python -m shared.config FUNCTION` prints that function's part of the table for
deploy.sh: lines of `env NAME`, `secret NAME` and `optional-secret NAME`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from shared.errors import Misconfigured
from shared.models import Product, Secret

_Number = TypeVar("_Number", int, Decimal)

FUNCTIONS = (
    "webhook",
    "auth_url",
    "generate_token",
    "refresh_token",
    "refresh_symbols",
    "reconcile",
    "readyz",
)

GCP_ONLY = ("GCS_BUCKET_NAME", "GOOGLE_CLOUD_PROJECT")

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "webhook": ("FYERS_SECRET_ID", "FYERS_PIN", "WEBHOOK_SECRET_TOKEN"),
    "auth_url": ("FYERS_SECRET_ID", "FYERS_REDIRECT_URI"),
    "generate_token": ("FYERS_SECRET_ID", "FYERS_REDIRECT_URI", "WEBHOOK_SECRET_TOKEN"),
    "refresh_token": ("FYERS_SECRET_ID", "FYERS_PIN"),
    "refresh_symbols": (),
    "reconcile": (),
    "readyz": (),
}
"""Besides FYERS_APP_ID everywhere and, with the gcp backend, GCP_ONLY."""

REQUIRED_GCP: Mapping[str, tuple[str, ...]] = {"generate_token": ("FYERS_CLIENT_ID",)}

_YEAR = 366 * 86400

SECRETS = ("FYERS_SECRET_ID", "FYERS_PIN", "WEBHOOK_SECRET_TOKEN", "NOTIFICATION_URL")

NOTIFIES = ("webhook", "refresh_token", "reconcile", "refresh_symbols")
"""The functions that are given NOTIFICATION_URL, if there is one."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, parsed; design names in capitals, units in the table of README."""

    fyers_app_id: str
    fyers_secret_id: Secret
    fyers_pin: Secret
    fyers_redirect_uri: str
    fyers_client_id: str
    fyers_auth_code: Secret
    fyers_base_url: str
    fyers_calls_per_second: int
    webhook_secret_token: Secret
    state_backend: str
    local_state_dir: Path
    gcs_bucket_name: str
    gcs_tokens_file: str
    gcs_symbols_file: str
    firestore_database: str
    google_cloud_project: str
    symbol_master_url: str
    auth_url: str
    default_product_type: Product
    attach_exits: bool
    stop_loss_percent: Decimal
    take_profit_percent: Decimal
    webhook_max_qty: int
    idempotency_ttl_seconds: int
    duplicate_window_seconds: int
    max_alert_age_seconds: int
    notification_topic: str
    notification_url: Secret

    @classmethod
    def from_env(cls, env: Mapping[str, str], function: str) -> Settings:
        """Return one function's settings; raise `Misconfigured` naming all faults."""
        read = _Reader(env)
        backend = read.choice("STATE_BACKEND", "gcp", ("gcp", "local"))
        required = ["FYERS_APP_ID", *REQUIRED[function]]
        if backend == "gcp":
            required += [*GCP_ONLY, *REQUIRED_GCP.get(function, ())]
        for name in required:
            if not env.get(name, "").strip():
                read.problems.append(f"{name} is missing")
        settings = cls(
            fyers_app_id=read.text("FYERS_APP_ID"),
            fyers_secret_id=read.secret("FYERS_SECRET_ID"),
            fyers_pin=read.secret("FYERS_PIN"),
            fyers_redirect_uri=read.url("FYERS_REDIRECT_URI"),
            fyers_client_id=read.text("FYERS_CLIENT_ID"),
            fyers_auth_code=read.secret("FYERS_AUTH_CODE"),
            fyers_base_url=read.url("FYERS_BASE_URL", "https://api-t1.fyers.in").rstrip(
                "/"
            ),
            fyers_calls_per_second=read.whole("FYERS_CALLS_PER_SECOND", 10, 0),
            webhook_secret_token=read.secret("WEBHOOK_SECRET_TOKEN"),
            state_backend=backend,
            local_state_dir=Path(read.text("LOCAL_STATE_DIR", ".local")),
            gcs_bucket_name=read.text("GCS_BUCKET_NAME"),
            gcs_tokens_file=read.text("GCS_TOKENS_FILE", "tokens/tokens.json"),
            gcs_symbols_file=read.text("GCS_SYMBOLS_FILE", "symbols/NSE_FO.zip"),
            firestore_database=read.text("FIRESTORE_DATABASE", "(default)"),
            google_cloud_project=read.text("GOOGLE_CLOUD_PROJECT"),
            symbol_master_url=read.url(
                "SYMBOL_MASTER_URL", "https://public.fyers.in/sym_details/NSE_FO.csv"
            ),
            auth_url=read.url("AUTH_URL").rstrip("/"),
            default_product_type=Product(
                read.choice("DEFAULT_PRODUCT_TYPE", "INTRADAY", tuple(Product))
            ),
            attach_exits=read.flag("ATTACH_EXITS", True),
            stop_loss_percent=read.percent("STOP_LOSS_PERCENT", "15"),
            take_profit_percent=read.percent("TAKE_PROFIT_PERCENT", "25", below=100),
            webhook_max_qty=read.whole("WEBHOOK_MAX_QTY", 1, 1),
            idempotency_ttl_seconds=read.whole(
                "IDEMPOTENCY_TTL_SECONDS", 86400, 3600, _YEAR
            ),
            duplicate_window_seconds=read.whole(
                "DUPLICATE_WINDOW_SECONDS", 20, 0, _YEAR
            ),
            max_alert_age_seconds=read.whole("MAX_ALERT_AGE_SECONDS", 60, 0, _YEAR),
            notification_topic=read.text("NOTIFICATION_TOPIC"),
            notification_url=read.channel("NOTIFICATION_URL"),
        )
        if read.problems:
            raise Misconfigured(tuple(read.problems))
        return settings


class _Reader:
    """Reads values and collects what is wrong with them, never their text."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self._env.get(name, "").strip() or default

    def secret(self, name: str) -> Secret:
        return Secret(self.text(name))

    def channel(self, name: str) -> Secret:
        secret = self.secret(name)
        if secret and "://" not in secret.open():
            self.problems.append(f"{name} must be an address like https:// or tgram://")
        return secret

    def url(self, name: str, default: str = "") -> str:
        text = self.text(name, default)
        if text and not (
            re.fullmatch(r"https?", urlsplit(text).scheme) and urlsplit(text).netloc
        ):
            self.problems.append(f"{name} must be an http(s) address")
        return text

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        text = self.text(name, default)
        for value in allowed:
            if text.upper() == value.upper():
                return str(value)
        self.problems.append(f"{name} must be one of {', '.join(allowed)}")
        return default

    def flag(self, name: str, default: bool) -> bool:
        text = self.text(name, str(default)).lower()
        if text not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
            self.problems.append(f"{name} must be true or false")
        return text in ("true", "1", "yes", "on")

    def whole(self, name: str, default: int, least: int, most: int = 10_000) -> int:
        return self._number(
            name,
            str(default),
            int,
            lambda n: least <= n <= most,
            f"from {least} to {most}",
            default,
        )

    def percent(self, name: str, default: str, below: int = 1000) -> Decimal:
        return self._number(
            name,
            default,
            Decimal,
            lambda n: n.is_finite() and 0 < n < below,
            f"above 0 and below {below}",
            Decimal(default),
        )

    def _number(
        self,
        name: str,
        default: str,
        parse: Callable[[str], _Number],
        good: Callable[[_Number], bool],
        rule: str,
        fallback: _Number,
    ) -> _Number:
        number: _Number | None
        try:
            number = parse(self.text(name, default))
        except (ValueError, InvalidOperation):
            number = None
        if number is None or not good(number):
            self.problems.append(f"{name} must be a number {rule}")
            return fallback
        return number


def _main(function: str) -> None:
    for name in ("FYERS_APP_ID", *GCP_ONLY, *REQUIRED_GCP.get(function, ())):
        print("env", name)
    for name in REQUIRED[function]:
        print("secret" if name in SECRETS else "env", name)
    if function in NOTIFIES:
        print("optional-secret NOTIFICATION_URL")


if __name__ == "__main__":
    _main(sys.argv[1])
