"""Clauses on Cloudflare's universal endpoint, judged only where a target answers a good step."""

from functools import partial

from harness.contract.checks import universal
from harness.contract.clause import Clause, Evidence, Level, Profile
from harness.contract.clauses import body, framing, headers, limits, plain, stream, usage
from harness.contract.clauses.sources import CHAT, CLOUDFLARE

UNIVERSAL = f"{CLOUDFLARE}/usage/universal/"
FALLBACKS = f"{CLOUDFLARE}/configuration/fallbacks/"
HANDLING = f"{CLOUDFLARE}/configuration/request-handling/"
_OWN = tuple(
    clause
    for topic in (body, headers, plain, stream, framing, usage, limits)
    for clause in topic.CLAUSES
    if clause.check is not None and clause.level is Level.MUST and clause.id != "step-is-zero"
)
"""What a step's answer has to keep: the binding clauses on single answers of its route."""

CLAUSES = (
    Clause(
        id="universal-step",
        level=Level.MUST,
        routes=CHAT,
        statement="A step is answered like a request to its own route, plain and streamed.",
        rationale="Cloudflare's own clients send steps only; a form of its own breaks them.",
        source=UNIVERSAL,
        evidence=Evidence.DOCUMENTED,
        scene=partial(universal.answers_like_the_route, clauses=_OWN),
        probe="universal",
        profile=Profile.EXTENDED,
        needs=("gateway_path",),
    ),
    Clause(
        id="universal-first",
        level=Level.MUST,
        routes=("native",),
        statement="A good first step answers, and no later one.",
        rationale="The fallback is used, and billed, instead of the model that was chosen.",
        source=UNIVERSAL,
        evidence=Evidence.DOCUMENTED,
        scene=universal.the_first_that_works_answers,
        probe="universal",
        profile=Profile.EXTENDED,
        needs=("gateway_path",),
    ),
    Clause(
        id="universal-step-number",
        level=Level.MUST,
        routes=CHAT,
        statement="`cf-aig-step`, if sent, is the number of the step that answered.",
        rationale="Fallback monitors count fallbacks that never happened, or miss those that did.",
        source=UNIVERSAL,
        evidence=Evidence.DOCUMENTED,
        scene=universal.the_step_is_told,
        probe="universal",
        profile=Profile.EXTENDED,
        needs=("gateway_path",),
    ),
    Clause(
        id="universal-timeout",
        level=Level.MUST,
        routes=("native",),
        statement="A step that exceeds its `requestTimeout` hands over to the next one.",
        rationale="A stuck model holds up a request that has a fallback.",
        source=HANDLING,
        evidence=Evidence.DOCUMENTED,
        scene=universal.timeouts_hand_over,
        probe="universal",
        profile=Profile.EXTENDED,
        needs=("gateway_path",),
    ),
    Clause(
        id="universal-fallback",
        level=Level.SHOULD,
        routes=CHAT,
        statement="A step that ends in an error hands over to the next one.",
        rationale="The fallback that was configured for an outage is never asked.",
        source=f"{FALLBACKS} says `returns an error` and no status",
        evidence=Evidence.DOCUMENTED,
        scene=universal.errors_hand_over,
        probe="universal",
        profile=Profile.EXTENDED,
        needs=("gateway_path",),
    ),
    Clause(
        id="universal-all-fail",
        level=Level.MUST,
        routes=("native",),
        statement="Where every step fails the request fails.",
        rationale="An error is shown to the user as the answer.",
        source=FALLBACKS,
        evidence=Evidence.DOCUMENTED,
        scene=universal.all_failed_is_a_failure,
        probe="refusals",
        profile=Profile.EXTENDED,
        needs=("gateway_path",),
    ),
    Clause(
        id="universal-refuses",
        level=Level.SHOULD,
        routes=("native",),
        statement="A body that is no list of steps is refused by a 4xx.",
        rationale="A request sent to the wrong URL seems to work, or is retried for ever.",
        source=UNIVERSAL,
        evidence=Evidence.PRACTICE,
        scene=universal.no_list_is_refused,
        probe="refusals",
        profile=Profile.EXTENDED,
        needs=("gateway_path",),
    ),
    Clause(
        id="record-universal",
        level=Level.RECORD,
        routes=CHAT,
        statement="Whether the universal endpoint is there.",
        rationale="It is legacy, and no server but the gateway has it.",
        source=UNIVERSAL,
        evidence=Evidence.DOCUMENTED,
        scene=universal.endpoint,
        probe="universal",
        profile=Profile.EXTENDED,
        needs=("gateway_path",),
    ),
    Clause(
        id="record-universal-failure",
        level=Level.RECORD,
        routes=("native",),
        statement="What is answered when every step fails.",
        rationale="The last step's error or the gateway's own: nobody documents it.",
        source=FALLBACKS,
        evidence=Evidence.DOCUMENTED,
        scene=universal.failure,
        probe="refusals",
        profile=Profile.EXTENDED,
        needs=("gateway_path",),
    ),
    Clause(
        id="record-universal-refused-step",
        level=Level.RECORD,
        routes=("native",),
        statement="Whether a step for an unknown provider hands over to the next one.",
        rationale="A typo in the first step may cost the whole request: nobody documents it.",
        source=FALLBACKS,
        evidence=Evidence.DOCUMENTED,
        scene=universal.refused_step,
        probe="refusals",
        profile=Profile.EXTENDED,
        needs=("gateway_path",),
    ),
)
