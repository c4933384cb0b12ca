"""The requests of a load, sent to the stand-in in this process, and what its checks find."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from harness.contract.clause import Level
from harness.contract.run import standin
from harness.contract.run.standin import TARGET
from harness.load.clauses import Checker, asked
from harness.load.plan import Identity, LoadPlan
from harness.load.prompts import Prompt, Prompts
from harness.load.sender import RequestSender
from harness.load.ticket import Ticket
from harness.routes.route import ROUTES
from harness.settings import Target
from harness.wire import Request

LEVELS = (Level.MUST, Level.SHOULD)
PLAIN: tuple[Prompt, ...] = ({"prompt": "hi"}, {"prompt": "go on", "max_tokens": 300})


def sent(
    target: Target, prompts: tuple[Prompt, ...], *, stream: bool
) -> Iterator[tuple[str, dict[str, Any], Request]]:
    """Each prompt on each route: the route, the fields of the body, and the request."""
    plan = LoadPlan("run", "out", target.address, target.model, target.model_id, stream=stream)
    made = Prompts(
        model=target.model,
        stream=stream,
        max_output_tokens=plan.max_output_tokens,
        prompt_tokens=plan.prompt_tokens,
        prompts=prompts,
    )
    sender = RequestSender(plan, Identity(target.credentials), worker="load-0", prompts=made)
    for seq in range(len(prompts)):
        for route in ROUTES:
            request = sender.request(Ticket(seq, route, "all_routes", "steady"))
            yield route, made.body(route, index=seq, nonce="n"), request


def found(
    *,
    defect: str | None = None,
    variant: str | None = None,
    prompts: tuple[Prompt, ...] = PLAIN,
    levels: tuple[Level, ...] = LEVELS,
) -> Counter[str]:
    """How many answers broke which clauses, plain and streamed."""
    checker, broken = Checker(levels), Counter[str]()
    with standin.mock(TARGET, defect=defect, variant=variant) as embedded:
        for stream in (True, False):
            for route, fields, request in sent(embedded.target, prompts, stream=stream):
                exchange = embedded.transport.send(request)
                broken.update(checker.broken(asked(route, fields), exchange) or ())
    return broken
