"""Asks for a timeout that no model keeps, and for further attempts."""

from dataclasses import replace

from harness.contract.case import Expect
from harness.contract.probes.stage import Stage, with_headers

TIMEOUT = ("cf-aig-request-timeout", "1")


def play(stage: Stage) -> None:
    """One millisecond; the same with two attempts; and an hour."""
    case = stage.plain("options", 1900)
    if stage.wants("timeout-expires", "record-timeout"):
        short = with_headers(case, TIMEOUT)
        stage.play("expired", replace(short, expect=Expect.EITHER, topic="timeout of 1 ms"))
    if stage.wants("timeout-last-attempt"):
        again = with_headers(case, TIMEOUT, ("cf-aig-max-attempts", "2"))
        stage.play("attempts", replace(again, expect=Expect.EITHER, topic="1 ms, two attempts"))
    if stage.wants("timeout-long"):
        stage.play("long", with_headers(case, ("cf-aig-request-timeout", "3600000")))
