"""Asks the universal endpoint for steps of a chat route, where the target has that endpoint."""

from dataclasses import replace

from harness.contract.case import Case, Expect, Key
from harness.contract.checks.universal import serves
from harness.contract.probes.options import TIMEOUT
from harness.contract.probes.places import NOWHERE
from harness.contract.probes.stage import Stage, with_headers


def play(stage: Stage) -> None:
    """A good step first; nothing more where that is not served."""
    played = _PLAYED.get(stage.route)
    if played is None:
        return
    stage.play("first", _first(stage))
    if serves(stage.scene):
        played(stage)


def _first(stage: Stage) -> Case:
    """A step that answers at once: on native with another good one after it, on compat alone."""
    case = _good(stage, 2100, "first step", stream=stage.route == "compat")
    spare = (_good(stage, 2101, "spare"),) if stage.route == "native" else ()
    return replace(case, steps=(), spare=spare)


def _native(stage: Stage) -> None:
    slow = with_headers(_good(stage, 2102, "too slow"), TIMEOUT)
    good = _good(stage, 2103, "fallback after a timeout")
    stage.play("timed_out", replace(good, steps=(slow,)))
    refused = (_locked(stage), _unknown(stage, 2104))
    good = _good(stage, 2105, "fallback after errors", stream=True)
    stage.play("refused", replace(good, steps=refused))


def refusals(stage: Stage) -> None:
    """Where it is served: steps that all fail, no list of steps, and a step for nobody."""
    if stage.route != "native" or not serves(stage.scene):
        return
    if stage.wants("universal-all-fail", "record-universal-failure"):
        last = _unknown(stage, 2106)
        stage.play("failed", replace(last, steps=(_locked(stage),), topic="every step fails"))
    if stage.wants("universal-refuses"):
        stage.play("no_list", replace(_bare(stage), body=b"{}", steps=()))
    if stage.wants("record-universal-refused-step"):
        nobody = replace(_good(stage, 2107, "nobody"), path=f"/{NOWHERE}/v1/chat/completions")
        good = _good(stage, 2108, "a step for nobody")
        stage.play("nobody", replace(good, steps=(nobody,)))


def _compat(stage: Stage) -> None:
    good = _good(stage, 2109, "fallback to compat")
    stage.play("refused", replace(good, steps=(_unknown(stage, 2110),)))


_PLAYED = {"native": _native, "compat": _compat}


def _bare(stage: Stage) -> Case:
    """A request without steps."""
    return replace(stage.plain("no list of steps", 2111), expect=Expect.EITHER)


def _good(stage: Stage, number: int, topic: str, *, stream: bool = False) -> Case:
    return replace(stage.marked(topic, number, stream=stream), expect=Expect.EITHER)


def _unknown(stage: Stage, number: int) -> Case:
    """A step of the native route for a model that does not exist."""
    case = replace(stage.plain("unknown model", number), route="native", expect=Expect.EITHER)
    return case.having(model=NOWHERE)


def _locked(stage: Stage) -> Case:
    case = replace(stage.plain("wrong key", 2112), provider_key=Key.WRONG)
    return replace(case, expect=Expect.EITHER)
