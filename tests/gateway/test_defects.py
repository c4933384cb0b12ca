"""Named defects: each breaks what it says, always in the same way, and nothing else."""

import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache

import pytest

from harness.defects.make import make_gateway
from harness.defects.table import DEFECTS, EVERY, UPSTREAM, suited
from harness.errors import UsageError
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.wire import Request, Response
from tests.gateway.golden import digest, golden, names
from tests.gateway.session import notes, play

Ask = Callable[..., Request]

OWN_CLASSES = {"cache", "auth", "rate", "concurrency", "size", "model", "compat", "rare"}
FURTHER_CLASSES = {"universal", "retries", "leaving", "sdk"}
CLASSES = set("TFSICUPEL") | OWN_CLASSES | FURTHER_CLASSES


@lru_cache
def _clean(config: Config) -> list[Response]:
    return list(play(Gateway(config)))


@lru_cache
def _clean_notes(config: Config) -> list[tuple[object, ...]]:
    return notes(Gateway(config))


@pytest.mark.parametrize("name", [*DEFECTS])
def test_a_defect_shows_in_a_mixed_session(name: str) -> None:
    config = suited(Config(), name)

    broken = play(make_gateway(config, defect=name))

    assert any(one != other for one, other in zip(broken, _clean(config), strict=True))


@pytest.mark.parametrize("name", UPSTREAM)
def test_what_only_the_provider_sees_is_in_the_log(name: str) -> None:
    config = suited(Config(), name)

    assert notes(make_gateway(config, defect=name)) != _clean_notes(config)


@pytest.mark.parametrize("name", [name for name in names() if name in golden()][::40])
def test_a_defect_answers_to_the_byte_as_it_always_did(name: str) -> None:
    assert digest(name) == golden()[name]


def test_a_stand_in_without_a_defect_loads_none() -> None:
    code = (
        "import sys, harness.gateway.server; from harness.defects.make import make_gateway\n"
        "make_gateway()\n"
        "print(*[name for name in sys.modules if name.startswith('harness.defects')])"
    )

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.split() == ["harness.defects", "harness.defects.make"]


def test_every_class_has_a_defect_and_every_defect_its_papers() -> None:
    assert {defect.group for defect in EVERY.values()} == CLASSES
    for name, defect in EVERY.items():
        assert defect.name == name
        assert name == name.lower().replace("_", "-")
        assert defect.statement
        assert defect.needs <= {"auth", "cache", "rate_limit"}


def test_an_unknown_defect_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="serve --list defects has all"):
        make_gateway(defect="none-of-these")


def test_a_suited_configuration_has_what_the_defect_needs_and_keeps_the_rest() -> None:
    assert suited(Config(), "gateway-token-ignored").gateway_token
    assert suited(Config(), "skip-cache-ignored").cache_ttl == 60
    assert suited(Config(), "rate-limit-ignored").rate_limit is not None
    assert suited(Config(cache_ttl=5), "skip-cache-ignored").cache_ttl == 5
    assert suited(Config(), "missing-done") == Config()


def test_the_log_names_the_defect(chat: Ask) -> None:
    gateway = make_gateway(defect="missing-done")

    gateway.handle(chat(), 0)

    assert gateway.log[-1].defect == "missing-done"


def test_an_answer_for_one_key_is_given_to_another(chat: Ask) -> None:
    gateway = make_gateway(
        suited(Config(), "cache-key-ignores-auth"), defect="cache-key-ignores-auth"
    )

    gateway.handle(chat(), 0)

    assert gateway.handle(chat(key="Bearer other"), 10**9).status == 200
