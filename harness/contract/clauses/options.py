"""Clauses on timeouts, attempts and retries."""

from harness.contract.checks import options
from harness.contract.clause import Clause, Evidence, Level, Profile
from harness.contract.clauses.sources import CHAT, CLOUDFLARE

HANDLING = f"{CLOUDFLARE}/configuration/request-handling/"

CLAUSES = (
    Clause(
        id="timeout-expires",
        level=Level.SHOULD,
        routes=("native",),
        statement="cf-aig-request-timeout of 1 ms ends in an error.",
        rationale="A caller that needs an answer in time waits for a stuck model.",
        source=HANDLING,
        evidence=Evidence.DOCUMENTED,
        scene=options.short_timeouts_expire,
        probe="options",
        profile=Profile.EXTENDED,
    ),
    Clause(
        id="timeout-last-attempt",
        level=Level.SHOULD,
        routes=("native",),
        statement="On the last of several attempts the gateway waits for the answer.",
        rationale="Retries that were asked for are not made.",
        source=HANDLING,
        evidence=Evidence.DOCUMENTED,
        scene=options.the_last_attempt_is_waited_for,
        probe="options",
        profile=Profile.EXTENDED,
        founded=True,
    ),
    Clause(
        id="timeout-long",
        level=Level.MUST,
        routes=("native",),
        statement="cf-aig-request-timeout of an hour changes nothing.",
        rationale="A unit mistaken (seconds for milliseconds) ends every call.",
        source=HANDLING,
        evidence=Evidence.DOCUMENTED,
        scene=options.long_timeouts_do_not,
        probe="options",
        profile=Profile.EXTENDED,
        founded=True,
    ),
    Clause(
        id="retry-options",
        level=Level.MUST,
        routes=CHAT,
        statement=(
            "cf-aig-max-attempts 1 and 5, cf-aig-retry-delay up to 5000 and every cf-aig-backoff "
            "are accepted."
        ),
        rationale="A caller that asks for the documented number of attempts gets none.",
        source=HANDLING,
        evidence=Evidence.DOCUMENTED,
        scene=options.retry_options_are_accepted,
        probe="options",
        profile=Profile.EXTENDED,
        founded=True,
    ),
    Clause(
        id="retry-delay-unused",
        level=Level.SHOULD,
        routes=("native",),
        statement="A first attempt that succeeds waits for no cf-aig-retry-delay.",
        rationale="Every answer comes five seconds late.",
        source=HANDLING,
        evidence=Evidence.DOCUMENTED,
        scene=options.delays_are_for_retries,
        probe="options",
        profile=Profile.EXTENDED,
    ),
    Clause(
        id="record-timeout",
        level=Level.RECORD,
        routes=("native",),
        statement="What an expired cf-aig-request-timeout is answered by.",
        rationale="The page says `returns an error` and no status; retries depend on it.",
        source=HANDLING,
        evidence=Evidence.DOCUMENTED,
        scene=options.timeout_answer,
        probe="options",
        profile=Profile.EXTENDED,
    ),
)
