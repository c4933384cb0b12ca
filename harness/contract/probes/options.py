"""Asks for a timeout that no model keeps, for further attempts, and for retries at their bounds."""

from dataclasses import replace

from harness.contract.case import Expect
from harness.contract.probes.stage import Stage, with_headers

TIMEOUT = ("cf-aig-request-timeout", "1")
RETRIES = (("1", "5000", "constant"), ("5", "100", "linear"), ("5", "5000", "exponential"))
"""Attempts, the pause in milliseconds between them, and how it grows, at the documented bounds."""


def play(stage: Stage) -> None:
    """One millisecond; the same with two attempts; an hour; and retries that nothing calls for."""
    case = stage.plain("options", 1900)
    if stage.wants("timeout-expires", "record-timeout"):
        short = with_headers(case, TIMEOUT)
        stage.play("expired", replace(short, expect=Expect.EITHER, topic="timeout of 1 ms"))
    if stage.wants("timeout-last-attempt"):
        again = with_headers(case, TIMEOUT, ("cf-aig-max-attempts", "2"))
        stage.play("attempts", replace(again, expect=Expect.EITHER, topic="1 ms, two attempts"))
    if stage.wants("timeout-long"):
        stage.play("long", with_headers(case, ("cf-aig-request-timeout", "3600000")))
    if stage.wants("retry-options", "retry-delay-unused"):
        _retries(stage)


def _retries(stage: Stage) -> None:
    """Every pair of bounds on native, the last one on compat; then none of them."""
    for number, values in enumerate(RETRIES if stage.route == "native" else RETRIES[-1:]):
        case = stage.plain(f"retries: {', '.join(values)}", 1910 + number)
        names = ("cf-aig-max-attempts", "cf-aig-retry-delay", "cf-aig-backoff")
        asked = with_headers(case, *zip(names, values, strict=True))
        stage.play(f"retries_{number}", replace(asked, expect=Expect.EITHER))
