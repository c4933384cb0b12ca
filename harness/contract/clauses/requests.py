"""Clauses on the request itself and on whether the route answers at all."""

from harness.contract.checks import features, requests
from harness.contract.clause import Clause, Evidence, Level
from harness.contract.clauses.sources import ALL, BASETEN_PAGE, CHAT, SSE

CLAUSES = (
    Clause(
        id="history-echo",
        level=Level.SHOULD,
        routes=("native",),
        statement="A message with `reasoning_content` can be sent back as history.",
        rationale="Agents append the answer as it came; the second turn of every dialogue fails.",
        source="gsd-2#4647",
        evidence=Evidence.OBSERVED,
        check=requests.history_can_be_sent_back,
    ),
    Clause(
        id="request-url",
        level=Level.MUST,
        routes=ALL,
        statement="A request is a POST to the route's documented path.",
        rationale="A contract checked at another URL says nothing about the documented one.",
        source=BASETEN_PAGE,
        evidence=Evidence.DOCUMENTED,
        check=requests.goes_to_the_documented_url,
    ),
    Clause(
        id="answer-is-http",
        level=Level.MUST,
        routes=ALL,
        statement="No valid request meets an answer that is not HTTP while others are answered.",
        rationale="Strict clients refuse it (two lengths, a broken head); lax ones guess.",
        source="RFC 9112, sections 2.2 and 6.3",
        evidence=Evidence.SPECIFIED,
        whole=requests.is_answered_in_http,
    ),
    Clause(
        id="route-answers",
        level=Level.MUST,
        routes=ALL,
        statement="A request that every document calls valid is answered with 2xx.",
        rationale=(
            "Every client fails: a prefix not stripped, a header not forwarded or a body "
            "changed on the way ends in a 4xx for a correct request."
        ),
        source=BASETEN_PAGE,
        evidence=Evidence.DOCUMENTED,
        check=requests.is_answered,
    ),
    Clause(
        id="feature-kept",
        level=Level.MUST,
        routes=CHAT,
        statement="An optional feature that was accepted is not refused in another request.",
        rationale=(
            "A model may lack tools, formats or logprobs and say so; a client that was served "
            "once cannot know why it is refused now."
        ),
        source=BASETEN_PAGE,
        evidence=Evidence.DOCUMENTED,
        whole=features.is_not_taken_back,
    ),
    Clause(
        id="no-lasting-500",
        level=Level.MUST,
        routes=ALL,
        statement="A valid request is not answered by 500 each time while others are served.",
        rationale="Clients retry it for ever: one kind of request never works.",
        source=BASETEN_PAGE,
        evidence=Evidence.DOCUMENTED,
        whole=requests.is_not_refused_for_good,
    ),
    Clause(
        id="two-readings-agree",
        level=Level.MUST,
        routes=CHAT,
        statement="Two independent readings of the same bytes find the same text.",
        rationale=(
            "A difference means that the harness, not the target, misread the answer; no "
            "other clause can then be trusted."
        ),
        source=SSE,
        evidence=Evidence.SPECIFIED,
        check=requests.is_read_alike,
    ),
)
