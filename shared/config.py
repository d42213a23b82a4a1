"""Settings: one table says to `Settings` and to deploy.sh what each function needs.

`python -m shared.config FUNCTION` prints that function's part of the table for
deploy.sh: lines of `env NAME`, `secret NAME` and `optional-secret NAME`.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from shared.errors import Misconfigured
from shared.guardrails import Limits
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
    "desk",
)

GCP_ONLY = ("GCS_BUCKET_NAME", "GOOGLE_CLOUD_PROJECT")

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "webhook": ("FYERS_SECRET_ID", "WEBHOOK_SECRET_TOKEN"),
    "auth_url": ("FYERS_SECRET_ID", "FYERS_REDIRECT_URI"),
    "generate_token": ("FYERS_SECRET_ID", "FYERS_REDIRECT_URI", "WEBHOOK_SECRET_TOKEN"),
    "refresh_token": ("FYERS_SECRET_ID",),
    "refresh_symbols": (),
    "reconcile": (),
    "readyz": (),
    "desk": ("FYERS_SECRET_ID", "WEBHOOK_SECRET_TOKEN"),
}
"""Besides FYERS_APP_ID everywhere and, with the gcp backend, GCP_ONLY."""

REQUIRED_GCP: Mapping[str, tuple[str, ...]] = {"generate_token": ("FYERS_CLIENT_ID",)}

REFRESHES = ("webhook", "refresh_token")
"""The functions that need FYERS_PIN, where TOKEN_REFRESH is on."""

_SECRET_LENGTH = 20
"""Characters of the webhook's secret at least: it stands against guessing alone."""

_YEAR = 366 * 86400

SECRETS = (
    "FYERS_SECRET_ID",
    "FYERS_PIN",
    "WEBHOOK_SECRET_TOKEN",
    "WEBHOOK_SECRET_TOKEN_OLD",
    "NOTIFICATION_URL",
    "HEARTBEAT_URL",
)

NOTIFIES = ("webhook", "refresh_token", "reconcile", "refresh_symbols", "desk")
"""The functions that are given NOTIFICATION_URL, if there is one."""

OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "NOTIFICATION_URL": NOTIFIES,
    "HEARTBEAT_URL": ("reconcile",),
    "WEBHOOK_SECRET_TOKEN_OLD": ("webhook", "generate_token"),
}
"""Secrets that may be missing, and the functions that are given them."""


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
    """This function's share of what the user may call."""
    token_refresh: bool
    """FYERS has refused refreshes since 1 April 2026; without it no PIN is used."""
    webhook_secret_token: Secret
    state_backend: str
    local_state_dir: Path
    gcs_bucket_name: str
    gcs_tokens_file: str
    gcs_symbols_file: str
    firestore_database: str
    google_cloud_project: str
    symbol_masters: tuple[tuple[str, str], ...]
    """(exchange, address), NSE first."""
    auth_url: str
    desk_url: str
    webhook_url: str
    """Where the desk sends its alerts."""
    default_product_type: Product
    attach_exits: bool
    stop_loss_percent: Decimal
    take_profit_percent: Decimal
    webhook_max_qty: int
    idempotency_ttl_seconds: int
    duplicate_window_seconds: int
    max_alert_age_seconds: int
    on_missing_stop: str
    limits: Limits
    square_off_at: time | None
    paper: bool
    journal_days: int
    notify_orders: bool
    summary: bool
    expect_alert_by: time | None
    notification_topic: str
    notification_url: Secret
    heartbeat_url: Secret
    webhook_secret_token_old: Secret
    webhook_secret_token_old_until: datetime | None

    @classmethod
    def from_env(
        cls, env: Mapping[str, str], function: str, *, strict: bool = True
    ) -> Settings:
        """Return one function's settings; raise `Misconfigured` naming all faults.

        Not `strict`: what is wrong stays as if it were not set.
        """
        read = _Reader(env)
        backend = read.choice("STATE_BACKEND", "gcp", ("gcp", "local"))
        required = ["FYERS_APP_ID", *REQUIRED[function]]
        if backend == "gcp":
            required += [*GCP_ONLY, *REQUIRED_GCP.get(function, ())]
        refresh = read.flag("TOKEN_REFRESH", False)
        if refresh and function in REFRESHES:
            required.append("FYERS_PIN")
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
            fyers_calls_per_second=share_of_calls(
                read.whole("FYERS_CALLS_PER_SECOND", 10, 0), function
            ),
            token_refresh=refresh,
            webhook_secret_token=read.secret("WEBHOOK_SECRET_TOKEN", _SECRET_LENGTH),
            state_backend=backend,
            local_state_dir=Path(read.text("LOCAL_STATE_DIR", ".local")),
            gcs_bucket_name=read.text("GCS_BUCKET_NAME"),
            gcs_tokens_file=read.text("GCS_TOKENS_FILE", "tokens/tokens.json"),
            gcs_symbols_file=read.text("GCS_SYMBOLS_FILE", "symbols/NSE_FO.zip"),
            firestore_database=read.text("FIRESTORE_DATABASE", "(default)"),
            google_cloud_project=read.text("GOOGLE_CLOUD_PROJECT"),
            symbol_masters=read.masters("SYMBOL_MASTER_URLS", "SYMBOL_MASTER_URL"),
            auth_url=read.url("AUTH_URL").rstrip("/"),
            desk_url=read.url("DESK_URL").rstrip("/"),
            webhook_url=read.url("WEBHOOK_URL").rstrip("/"),
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
            on_missing_stop=read.choice("ON_MISSING_STOP", "tell", ("tell", "close")),
            limits=Limits(
                open_lots=read.whole("MAX_OPEN_LOTS", 0, 0),
                entries_per_day=read.whole("MAX_ENTRIES_PER_DAY", 0, 0),
                daily_loss=read.rupees("MAX_DAILY_LOSS"),
                window=read.window("ENTRY_WINDOW"),
            ),
            square_off_at=read.clock("SQUARE_OFF_AT"),
            paper=read.flag("PAPER", False),
            journal_days=read.whole("JOURNAL_DAYS", 400, 5),
            notify_orders=read.flag("NOTIFY_ORDERS", True),
            summary=read.flag("SUMMARY", True),
            expect_alert_by=read.clock("EXPECT_ALERT_BY"),
            notification_topic=read.text("NOTIFICATION_TOPIC"),
            notification_url=read.channel("NOTIFICATION_URL"),
            heartbeat_url=read.secret_url("HEARTBEAT_URL"),
            webhook_secret_token_old=read.secret("WEBHOOK_SECRET_TOKEN_OLD"),
            webhook_secret_token_old_until=read.instant(
                "WEBHOOK_SECRET_TOKEN_OLD_UNTIL"
            ),
        )
        if read.problems and strict:
            raise Misconfigured(tuple(read.problems))
        return settings

    def symbols_file(self, exchange: str) -> str:
        """Return the object of an exchange's snapshot, beside NSE's."""
        folder, slash, name = self.gcs_symbols_file.rpartition("/")
        if exchange != "NSE":
            own = name.replace("NSE", exchange)
            name = own if own != name else f"{exchange}-{name}"
        return f"{folder}{slash}{name}"

    def webhook_secrets(self, now: datetime) -> tuple[Secret, ...]:
        """Return what an alert may carry: the secret, and the old one if it counts."""
        until = self.webhook_secret_token_old_until
        if not self.webhook_secret_token_old or (until and now >= until):
            return (self.webhook_secret_token,)
        return self.webhook_secret_token, self.webhook_secret_token_old


_MASTERS = (
    "https://public.fyers.in/sym_details/NSE_FO.csv,"
    "https://public.fyers.in/sym_details/BSE_FO.csv"
)


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return bool(re.fullmatch(r"https?", parts.scheme) and parts.netloc)


def share_of_calls(total: int, function: str) -> int:
    """Return a function's calls a second out of the user's; 0 is no limit.

    FYERS counts all functions together: the webhook gets seven tenths, reconcile two,
    everything else shares the last one. A minute's share is twenty times this.
    """
    if not total:
        return 0
    tenths = {"webhook": 7, "reconcile": 2}.get(function, 1)
    return max(1, total * tenths // 10)


class _Reader:
    """Reads values and collects what is wrong with them, never their text."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self._env.get(name, "").strip() or default

    def secret(self, name: str, least: int = 1) -> Secret:
        text = self.text(name)
        if text and len(text) < least:
            self.problems.append(f"{name} must have at least {least} characters")
        return Secret(text)

    def channel(self, name: str) -> Secret:
        secret = self.secret(name)
        if secret.open().lower() == "none":
            return Secret("")  # written on purpose: no channel
        if secret and "://" not in secret.open():
            self.problems.append(f"{name} must be an address like https:// or tgram://")
        return secret

    def url(self, name: str, default: str = "") -> str:
        text = self.text(name, default)
        if text and not _is_url(text):
            self.problems.append(f"{name} must be an http(s) address")
        return text

    def masters(self, name: str, single: str) -> tuple[tuple[str, str], ...]:
        """Return each exchange's symbol master; a file named BSE… is BSE's."""
        text = self.text(name) or self.text(single)
        given = name if self.text(name) else single
        found: dict[str, str] = {}
        for url in (part.strip() for part in (text or _MASTERS).split(",")):
            file = urlsplit(url).path.rpartition("/")[2].upper()
            exchange = "BSE" if file.startswith("BSE") else "NSE"
            if not _is_url(url):
                self.problems.append(f"{given} must be http(s) addresses")
            elif exchange in found:
                self.problems.append(f"{given} names two files of {exchange}")
            found[exchange] = url
        return tuple(sorted(found.items(), reverse=True))

    def secret_url(self, name: str) -> Secret:
        return Secret(self.url(name))

    def instant(self, name: str) -> datetime | None:
        text = self.text(name)
        try:
            when = datetime.fromisoformat(text) if text else None
        except ValueError:
            when = None
        if text and (when is None or when.tzinfo is None):
            self.problems.append(
                f"{name} must be a time with its offset, like 2026-12-02T15:30:00+05:30"
            )
            return None
        return when

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

    def rupees(self, name: str) -> Decimal:
        return self._number(
            name,
            "0",
            Decimal,
            lambda n: n.is_finite() and 0 <= n <= 10**9,
            "of rupees, 0 or more",
            Decimal(0),
        )

    def clock(self, name: str) -> time | None:
        text = self.text(name)
        if not text:
            return None
        found = _clock(text)
        if found is None:
            self.problems.append(f"{name} must be a time like 15:10")
        return found

    def window(self, name: str) -> tuple[time, time] | None:
        text = self.text(name)
        if not text:
            return None
        first, _, last = text.partition("-")
        begins, ends = _clock(first), _clock(last)
        if begins is None or ends is None or begins >= ends:
            self.problems.append(f"{name} must be two times like 09:15-15:10")
            return None
        return begins, ends

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


def _clock(text: str) -> time | None:
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text.strip())
    return time(int(match[1]), int(match[2])) if match else None


class _Asked(dict[str, str]):
    """An empty environment that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]  # texts only
        self.names.add(name)
        return default


def names() -> frozenset[str]:
    """Return every setting that any function reads."""
    asked = _Asked()
    for function in FUNCTIONS:
        with contextlib.suppress(Misconfigured):
            Settings.from_env(asked, function)
    return frozenset(asked.names)


def needs(function: str, *, refresh: bool = True) -> list[tuple[str, str]]:
    """Return what a deployed function needs: (`env`, `secret`, …) and a name.

    `refresh` is TOKEN_REFRESH: without it nobody is given the PIN.
    """
    names = ["FYERS_APP_ID", *GCP_ONLY, *REQUIRED_GCP.get(function, ())]
    names += REQUIRED[function]
    if refresh and function in REFRESHES:
        names.insert(names.index("FYERS_SECRET_ID") + 1, "FYERS_PIN")
    found = [("secret" if name in SECRETS else "env", name) for name in names]
    optional = [name for name, users in OPTIONAL.items() if function in users]
    return found + [("optional-secret", name) for name in optional]


def _main(function: str) -> None:
    for kind, name in needs(function):
        print(kind, name)


if __name__ == "__main__":
    _main(sys.argv[1])
