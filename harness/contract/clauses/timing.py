"""Clauses on when a stream arrives."""

from harness.contract.checks import timing
from harness.contract.clause import Clause, Evidence, Level
from harness.contract.clauses.sources import CHAT

CLAUSES = (
    Clause(
        id="stream-incremental",
        level=Level.MUST,
        routes=CHAT,
        statement="Output arrives while it is generated, not all at the end.",
        rationale="TTFT becomes the whole latency: the user watches a spinner.",
        source="developers.cloudflare.com/ai-gateway/features/guardrails/usage-considerations/",
        evidence=Evidence.DOCUMENTED,
        scene=timing.arrives_as_it_is_made,
        probe="timing",
        timed=True,
    ),
    Clause(
        id="stream-unbatched",
        level=Level.SHOULD,
        routes=CHAT,
        statement="Output arrives in many parts, not in a few batches.",
        rationale="Text appears in jerks; inter-chunk latency means nothing.",
        source="developers.cloudflare.com/ai-gateway/features/guardrails/usage-considerations/",
        evidence=Evidence.OBSERVED,
        whole=timing.arrives_in_small_parts,
        timed=True,
        suspects=timing.longest_streams,
    ),
    Clause(
        id="stream-not-held",
        level=Level.SHOULD,
        routes=CHAT,
        statement="No third of a stream is held back and then sent at once.",
        rationale="The text stops in the middle, and its end appears in one jerk.",
        source="MiniMax-AI/MiniMax-M3#22; cloudflare/cloudflared#1496",
        evidence=Evidence.PRACTICE,
        whole=timing.no_half_is_held_back,
        timed=True,
        suspects=timing.longest_streams,
    ),
    Clause(
        id="stream-no-silence",
        level=Level.SHOULD,
        routes=CHAT,
        statement="No pause inside a stream is longer than 5 s.",
        rationale="Idle timeouts of clients and proxies cut it.",
        source="developers.cloudflare.com/support/troubleshooting/http-status-codes/",
        evidence=Evidence.PRACTICE,
        check=timing.no_long_silence,
        timed=True,
    ),
    Clause(
        id="stream-end-prompt",
        level=Level.SHOULD,
        routes=CHAT,
        statement="The body ends within 5 s of its last event.",
        rationale="Clients that read to the end hold the answer back, and the connection.",
        source="RFC 9112, section 7.1",
        evidence=Evidence.PRACTICE,
        check=timing.ends_after_its_last_event,
        timed=True,
    ),
)
