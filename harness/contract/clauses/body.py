"""Clauses on the body as bytes."""

from harness.contract.checks import body
from harness.contract.clause import Clause, Evidence, Level
from harness.contract.clauses.sources import ALL, CHAT, CHUNK, COMPLETION

CLAUSES = (
    Clause(
        id="body-whole",
        level=Level.MUST,
        routes=ALL,
        statement="A body ends where its framing announced it.",
        rationale=(
            "A cut answer looks whole to openai-node 7 and hangs openai-node 4; Python "
            "raises an untyped error."
        ),
        source="RFC 9112, section 6",
        evidence=Evidence.SPECIFIED,
        check=body.ends_as_framed,
    ),
    Clause(
        id="body-in-time",
        level=Level.SHOULD,
        routes=ALL,
        statement="An answer of at most 512 tokens that has begun ends before the client gives up.",
        rationale="Bytes that drip keep every read timeout from firing: the caller waits for ever.",
        source="developers.cloudflare.com/support/troubleshooting/http-status-codes/",
        evidence=Evidence.PRACTICE,
        check=body.ends_in_time,
    ),
    Clause(
        id="status-200",
        level=Level.MUST,
        routes=ALL,
        statement="An accepted request is answered by 200.",
        rationale="Clients that compare with 200 throw away an answer under 202 or 206.",
        source=COMPLETION,
        evidence=Evidence.SPECIFIED,
        check=body.is_answered_by_200,
    ),
    Clause(
        id="body-not-empty",
        level=Level.MUST,
        routes=ALL,
        statement="An accepted request has a body.",
        rationale=(
            "OpenAI SDKs iterate an empty stream without an exception: the caller sees an "
            "empty answer."
        ),
        source=COMPLETION,
        evidence=Evidence.SPECIFIED,
        check=body.is_not_empty,
    ),
    Clause(
        id="body-utf8",
        level=Level.MUST,
        routes=ALL,
        statement="JSON and event streams are UTF-8.",
        rationale=(
            "Python raises UnicodeDecodeError in mid-stream; JavaScript puts U+FFFD in "
            "place of the text without a word."
        ),
        source="RFC 8259, section 8.1",
        evidence=Evidence.SPECIFIED,
        check=body.is_utf8,
    ),
    Clause(
        id="body-charset",
        level=Level.MUST,
        routes=ALL,
        statement="A charset parameter names UTF-8.",
        rationale="A client that obeys the label decodes the answer into other characters.",
        source="RFC 8259, section 8.1",
        evidence=Evidence.SPECIFIED,
        check=body.names_its_charset_rightly,
    ),
    Clause(
        id="body-encoded-once",
        level=Level.SHOULD,
        routes=ALL,
        statement="Text is encoded in UTF-8 once, not twice.",
        rationale="Users read `AprÃ¨s` for `Après`, and no schema complains.",
        source="ai-dynamo/dynamo#12630; Blaizzy/mlx-vlm#1076",
        evidence=Evidence.OBSERVED,
        check=body.is_encoded_once,
    ),
    Clause(
        id="body-names-once",
        level=Level.SHOULD,
        routes=ALL,
        statement="No object of an answer has a name twice.",
        rationale="Readers that keep the first value and readers that keep the last disagree.",
        source="RFC 8259, section 4",
        evidence=Evidence.SPECIFIED,
        check=body.names_stand_once,
    ),
    Clause(
        id="plain-one-json",
        level=Level.MUST,
        routes=CHAT,
        statement="A plain answer is one JSON object and nothing else.",
        rationale=(
            "With an event stream, HTML or `data: [DONE]` behind the object, SDKs return a "
            "string in place of a completion."
        ),
        source=COMPLETION,
        evidence=Evidence.SPECIFIED,
        check=body.is_one_json_text,
    ),
    Clause(
        id="stream-is-stream",
        level=Level.MUST,
        routes=CHAT,
        statement="`stream: true` is answered by server-sent events.",
        rationale=(
            "SDKs find no event in HTML or JSON and yield zero chunks without an exception."
        ),
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=body.is_a_stream_when_asked,
    ),
)
