"""Clauses on the model route."""

from harness.contract.checks import model
from harness.contract.clause import Clause, Evidence, Level

CLAUSES = (
    Clause(
        id="model-json",
        level=Level.MUST,
        routes=("model",),
        statement="An answer labelled application/json is one JSON text.",
        rationale="Callers parse it.",
        source="docs.baseten.co/reference/inference-api/predict-endpoints",
        evidence=Evidence.DOCUMENTED,
        check=model.json_is_json,
    ),
    Clause(
        id="model-label",
        level=Level.SHOULD,
        routes=("model",),
        statement="The answer is labelled JSON, octet-stream, text or event stream.",
        rationale="Callers choose their parser by it.",
        source="basetenlabs/truss, truss_server.py",
        evidence=Evidence.DOCUMENTED,
        check=model.label_is_known,
    ),
)
