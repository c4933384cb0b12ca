"""After each kind of error a good request whose answer is known: does it get its own?"""

from dataclasses import replace

from harness.contract.case import Case, Expect, Key
from harness.contract.checks.apart import AGAIN
from harness.contract.probes.places import NOWHERE
from harness.contract.probes.stage import Stage

CUT = b'{"model": "x", "messages": ['


def play(stage: Stage) -> None:
    """Each error, then a request, streamed and plain in turn."""
    for number, (name, bad) in enumerate(_bad(stage)):
        bad = replace(bad, topic=f"an error: {name}")
        good = stage.marked(f"after {name}", 1800 + number, stream=number % 2 == 0)
        stage.play(f"bad_{name}", bad)
        seen = stage.play(f"good_{name}", good)
        if seen.exchange.error is not None or not seen.ok:
            stage.play(f"bad_{name}{AGAIN}", bad)
            stage.play(f"good_{name}{AGAIN}", good)


def _bad(stage: Stage) -> tuple[tuple[str, Case], ...]:
    case = replace(stage.plain("an error", 1850), expect=Expect.REJECT)
    either = replace(case, expect=Expect.EITHER)
    wrong = replace(case, provider_key=Key.WRONG)
    found = [("cut JSON", replace(either, body=CUT)), ("another method", _get(either))]
    if stage.sender.subject.credentials.provider_key is not None:
        found.append(("a wrong key", wrong))
    if stage.route == "model":
        found.append(("an unknown model", replace(case, model_id=NOWHERE)))
    else:
        found.append(("a refused value", case.having(max_tokens=0, stream=True)))
        found.append(("an unknown model", case.having(model=NOWHERE)))
    return tuple(found)


def _get(case: Case) -> Case:
    return replace(case, method="GET", body=b"")
