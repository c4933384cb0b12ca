"""Clauses on rejections, graded."""

from harness.contract.checks import errors
from harness.contract.clause import Clause, Evidence, Level, Profile
from harness.contract.clauses.sources import ALL, BASETEN_ERRORS

CLAUSES = (
    Clause(
        id="error-rejected",
        level=Level.MUST,
        routes=ALL,
        statement="A request that every document calls invalid is rejected.",
        rationale="A typo is billed and answered as something else.",
        source=BASETEN_ERRORS,
        evidence=Evidence.DOCUMENTED,
        check=errors.is_rejected,
        kills=(
            "error-as-content",
            "early-headers-error",
            "bad-request-as-200",
        ),
    ),
    Clause(
        id="error-4xx",
        level=Level.MUST,
        routes=ALL,
        statement="The rejection is a 4xx.",
        rationale="SDKs send a 5xx twice more.",
        source=BASETEN_ERRORS,
        evidence=Evidence.DOCUMENTED,
        check=errors.is_the_callers_fault,
        kills=("not-found-as-500",),
    ),
    Clause(
        id="error-parsable",
        level=Level.MUST,
        routes=ALL,
        statement="An error is JSON with a message.",
        rationale="The user sees `400 status code (no body)`.",
        source=BASETEN_ERRORS,
        evidence=Evidence.DOCUMENTED,
        check=errors.says_what_is_wrong,
    ),
    Clause(
        id="error-shape",
        level=Level.SHOULD,
        routes=ALL,
        statement="An error has one of the published forms.",
        rationale="Error handling written to the documents misses it.",
        source=BASETEN_ERRORS,
        evidence=Evidence.DOCUMENTED,
        check=errors.has_a_documented_shape,
    ),
    Clause(
        id="error-label",
        level=Level.SHOULD,
        routes=ALL,
        statement="An error in JSON is labelled so.",
        rationale="SDKs show the raw text instead of the message.",
        source=BASETEN_ERRORS,
        evidence=Evidence.OBSERVED,
        check=errors.is_labelled_json,
    ),
    Clause(
        id="error-status",
        level=Level.MUST,
        routes=ALL,
        statement="A status inside the body equals the status of the answer.",
        rationale=(
            "Retries are decided by the wrong status: 429 as 500 is repeated, 529 as 400 is not."
        ),
        source="cloudflare/ai#436; docs.baseten.co/inference/errors",
        evidence=Evidence.DOCUMENTED,
        check=errors.repeats_its_status,
        kills=(
            "status-remapped",
            "not-found-as-401",
            "bad-request-as-424",
            "not-found-as-500",
        ),
    ),
    Clause(
        id="error-envelope",
        level=Level.MUST,
        routes=ALL,
        statement="The gateway's error has an array `error` with code and message.",
        rationale="ai-gateway-provider reads error[0].code to tell 2001 and 2009.",
        source="cloudflare/ai, packages/ai-gateway-provider",
        evidence=Evidence.DOCUMENTED,
        check=errors.envelope_is_whole,
    ),
    Clause(
        id="error-gateway-form",
        level=Level.SHOULD,
        routes=ALL,
        statement=(
            "The gateway's own refusal is `success: false` with an array `error` of code and "
            "message, and one code."
        ),
        rationale="ai-gateway-provider reads `error[0].code`; by any other form it fails untyped.",
        source="cloudflare/ai, packages/ai-gateway-provider",
        evidence=Evidence.OBSERVED,
        scene=errors.gateway_says_who_refused,
        probe="places",
        needs=("gateway_path",),
    ),
    Clause(
        id="record-rejections",
        level=Level.RECORD,
        routes=ALL,
        statement="How each invalid request is answered.",
        rationale="Nobody documents one status.",
        source="cloudflare/ai#436",
        evidence=Evidence.OBSERVED,
        check=errors.status_of_a_rejection,
        profile=Profile.EXTENDED,
    ),
)
