"""What is written down and never fails: behaviour that no document promises.

Other topics have RECORD clauses of their own where their requests are sent.
"""

from harness.contract.checks import records
from harness.contract.clause import Clause, Evidence, Level, Profile
from harness.contract.clauses.sources import ALL, CHAT, RATE

CLAUSES = (
    Clause(
        id="record-body-limit",
        level=Level.RECORD,
        routes=ALL,
        statement="Which long bodies are taken.",
        rationale="Cloudflare publishes no largest body; Baseten says 45 or 100 MB.",
        source="docs.baseten.co/inference/errors",
        evidence=Evidence.DOCUMENTED,
        scene=records.body_limit,
        probe="sizes",
        profile=Profile.EXTENDED,
    ),
    Clause(
        id="record-padding",
        level=Level.RECORD,
        routes=CHAT,
        statement="Whether streamed chunks carry a padding key `p`.",
        rationale="Clients that compare raw bytes see a difference in each answer.",
        source="blog.cloudflare.com/ai-side-channel-attack-mitigated",
        evidence=Evidence.OBSERVED,
        whole=records.switch("pad_chunks"),
    ),
    Clause(
        id="record-nulls",
        level=Level.RECORD,
        routes=CHAT,
        statement="Whether optional fields of a chunk without a value are null or left out.",
        rationale="Typed clients read null and absent differently.",
        source="michaelfeil/dynamo PATCH-006",
        evidence=Evidence.OBSERVED,
        whole=records.switch("nulls"),
    ),
    Clause(
        id="record-usage-cadence",
        level=Level.RECORD,
        routes=("native",),
        statement="How often a stream reports usage when stream_options do not say.",
        rationale="A client that adds reports up bills too much, one that waits for one gets none.",
        source="docs.baseten.co: include_usage and continuous_usage_stats",
        evidence=Evidence.DOCUMENTED,
        whole=records.switch("stream_usage"),
    ),
    Clause(
        id="record-early-headers",
        level=Level.RECORD,
        routes=CHAT,
        statement="Whether the head of a stream comes before its first byte.",
        rationale="An error that comes after it can only be told inside the stream.",
        source="michaelfeil/dynamo PATCH-007",
        evidence=Evidence.OBSERVED,
        whole=records.switch("early_headers"),
    ),
    Clause(
        id="record-context",
        level=Level.RECORD,
        routes=CHAT,
        statement="How many tokens the model's context holds, where a prompt did not fit.",
        rationale="Longer prompts are refused; the run kept below it.",
        source="ggml-org/llama.cpp server: exceed_context_size_error",
        evidence=Evidence.OBSERVED,
        whole=records.context,
    ),
    Clause(
        id="record-retry-after",
        level=Level.RECORD,
        routes=("native",),
        statement="Whether a 429 says when to come back, and how.",
        rationale="Captured ones do not: clients guess.",
        source=RATE,
        evidence=Evidence.OBSERVED,
        scene=records.retry_after,
        probe="rate",
        needs=("rate", "clock"),
    ),
)
