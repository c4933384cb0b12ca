"""What a target does where nobody documents it, said per route; nothing here ever fails."""

import json

from harness.contract.clause import (
    EvidenceGrade,
    Finding,
    Level,
    Profile,
    Recorded,
    RunCheck,
)
from harness.contract.output.recording import Seen, told
from harness.contract.run.context import limit_of
from harness.contract.topics.headers import retry_after_has_its_form
from harness.contract.topics.rate import RateScene
from harness.contract.topics.sizes import SizesScene
from harness.contract.topics.sources import ALL, CHAT, RATE
from harness.contract.topics.topic import Topic

topic = Topic("records", routes=CHAT, evidence=EvidenceGrade.OBSERVED)


def switch(name: str) -> RunCheck:
    """Records a switch of the behaviour file that the answers of a run tell."""

    def check(seen: Seen) -> Finding:
        value = told(name, seen)
        return None if value is None else Recorded(f"{name}: {json.dumps(value)}")

    return check


@topic.scene(
    "record-body-limit",
    Level.RECORD,
    why="Cloudflare publishes no largest body; Baseten says 45 or 100 MB.",
    routes=ALL,
    evidence=EvidenceGrade.DOCUMENTED,
    source="docs.baseten.co/inference/errors",
    probe="sizes",
    profile=Profile.EXTENDED,
)
def body_limit(scene: SizesScene) -> Finding:
    """Which long bodies are taken."""
    seen = [(name, s.status) for name, s in scene.bodies.items() if s.status is not None]
    return Recorded(", ".join(f"{name}: {status}" for name, status in seen)) if seen else None


@topic.run(
    "record-context",
    Level.RECORD,
    why="Longer prompts are refused; the run kept below it.",
    source="ggml-org/llama.cpp server: exceed_context_size_error",
)
def context(seen: Seen) -> Finding:
    """How many tokens the model's context holds, where a prompt did not fit."""
    limits = [limit for each in seen if (limit := limit_of(each)) is not None]
    return Recorded(f"{min(limits)} tokens") if limits else None


@topic.scene(
    "record-retry-after",
    Level.RECORD,
    why="Captured ones do not: clients guess.",
    routes=("native",),
    source=RATE,
    probe="rate",
    needs=("rate", "clock"),
)
def retry_after(scene: RateScene) -> Finding:
    """Whether a 429 says when to come back, and how."""
    refused = next((s for s in scene.seen if s.status == 429), None)
    if refused is None:
        return None
    value = refused.headers.get("retry-after")
    if value is None:
        return Recorded("429 without Retry-After")
    if retry_after_has_its_form(refused):
        return Recorded("429 with a Retry-After that is neither seconds nor a date")
    return Recorded("429, seconds" if value.strip().isdigit() else "429, a date")


topic.run(
    "record-padding",
    Level.RECORD,
    statement="Whether streamed chunks carry a padding key `p`.",
    why="Clients that compare raw bytes see a difference in each answer.",
    source="blog.cloudflare.com/ai-side-channel-attack-mitigated",
)(switch("pad_chunks"))


topic.run(
    "record-nulls",
    Level.RECORD,
    statement="Whether optional fields of a chunk without a value are null or left out.",
    why="Typed clients read null and absent differently.",
    source="michaelfeil/dynamo PATCH-006",
)(switch("nulls"))


topic.run(
    "record-usage-cadence",
    Level.RECORD,
    statement="How often a stream reports usage when stream_options do not say.",
    why="A client that adds reports up bills too much, one that waits for one gets none.",
    routes=("native",),
    evidence=EvidenceGrade.DOCUMENTED,
    source="docs.baseten.co: include_usage and continuous_usage_stats",
)(switch("stream_usage"))


topic.run(
    "record-early-headers",
    Level.RECORD,
    statement="Whether the head of a stream comes before its first byte.",
    why="An error that comes after it can only be told inside the stream.",
    source="michaelfeil/dynamo PATCH-007",
)(switch("early_headers"))
