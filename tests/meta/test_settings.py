"""The settings that are read, documented and deployed are the same ones."""

import re
from collections.abc import Iterator, Mapping

import pytest
import yaml  # type: ignore[import-untyped]  # ships no types

from shared import logs
from shared.config import FUNCTIONS, GCP_ONLY, REQUIRED, REQUIRED_GCP, SECRETS, Settings
from shared.errors import Misconfigured
from tests.meta.sources import ROOT

ELSEWHERE = {
    "GOOGLE_APPLICATION_CREDENTIALS",
    "FIRESTORE_EMULATOR_HOST",
    "PUBSUB_EMULATOR_HOST",
    "STORAGE_EMULATOR_HOST",
}
"""Read by Google's clients; a table may name them."""

PLATFORM = {"K_SERVICE"}
"""Set by the platform, not by the owner; a table need not name them."""


class Recorder(Mapping[str, str]):
    """An empty environment that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return False

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def read() -> set[str]:
    """Return the name of every setting the code reads."""
    env = Recorder()
    for function in FUNCTIONS:
        with pytest.raises(Misconfigured):
            Settings.from_env(env, function)
    logs.Options.from_env(env)
    return env.asked - PLATFORM


def documented() -> set[str]:
    """Return the names in the first column of the tables of docs/settings.md."""
    readme = ROOT / "docs" / "settings.md"
    names: set[str] = set()
    for section in re.split(r"^#+ ", readme.read_text(), flags=re.MULTILINE):
        if section.partition("\n")[0].lower().startswith("settings"):
            cells = re.findall(r"^\| *([^|]*)\|", section, re.MULTILINE)
            names |= set(re.findall(r"\b[A-Z][A-Z0-9_]{4,}\b", " ".join(cells)))
    return names


def deployed() -> set[str]:
    """Return the names in env.yaml, commented examples included."""
    file = ROOT / "env.yaml"
    if not file.exists():
        pytest.skip("there is no env.yaml yet")
    return set(
        re.findall(r'^(?:# ?)?([A-Z][A-Z0-9_]+): "', file.read_text(), re.MULTILINE)
    )


def test_every_setting_is_documented() -> None:
    assert read() - documented() == set()


def test_every_documented_setting_is_read() -> None:
    assert documented() - read() - ELSEWHERE == set()


def test_env_yaml_names_only_settings_that_are_read() -> None:
    assert deployed() - read() - ELSEWHERE == set()


def test_env_yaml_holds_no_secret() -> None:
    assert deployed() & set(SECRETS) == set()


def test_env_yaml_is_a_map_of_texts() -> None:
    file = ROOT / "env.yaml"
    if not file.exists():
        pytest.skip("there is no env.yaml yet")
    content = yaml.safe_load(file.read_text()) or {}
    assert [name for name, value in content.items() if not isinstance(value, str)] == []


def test_what_a_function_requires_is_read() -> None:
    required = {*GCP_ONLY, "FYERS_APP_ID"}
    for names in (*REQUIRED.values(), *REQUIRED_GCP.values()):
        required |= set(names)
    assert required - read() == set()
