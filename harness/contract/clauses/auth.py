"""Clauses on credentials."""

from harness.contract.checks import auth
from harness.contract.clause import Clause, Evidence, Level
from harness.contract.clauses.sources import ALL, AUTHENTICATION, BASETEN_ERRORS

CLAUSES = (
    Clause(
        id="auth-key-missing",
        level=Level.MUST,
        routes=ALL,
        statement=(
            "Without a provider key nothing is generated (unless one is stored: then leave "
            "BASETEN_API_KEY unset)."
        ),
        rationale="Anybody who knows the URL spends the owner's money.",
        source=AUTHENTICATION,
        evidence=Evidence.DOCUMENTED,
        scene=auth.missing_key_is_refused,
        probe="auth",
        needs=("provider_key",),
    ),
    Clause(
        id="auth-key-wrong",
        level=Level.MUST,
        routes=ALL,
        statement="The key on the request is forwarded unchanged, so a wrong one is refused.",
        rationale="A gateway that puts its own key in place of the caller's mixes tenants.",
        source=AUTHENTICATION,
        evidence=Evidence.DOCUMENTED,
        scene=auth.wrong_key_is_refused,
        probe="auth",
        needs=("provider_key",),
    ),
    Clause(
        id="auth-key-status",
        level=Level.SHOULD,
        routes=ALL,
        statement="A wrong key is 401 or 403.",
        rationale="Clients that see 400 do not ask for another key.",
        source=BASETEN_ERRORS,
        evidence=Evidence.DOCUMENTED,
        scene=auth.wrong_key_is_401,
        probe="auth",
        needs=("provider_key",),
    ),
    Clause(
        id="auth-key-layer",
        level=Level.MUST,
        routes=ALL,
        statement=(
            "The refusal of a wrong provider key is the provider's own, not the gateway's 2009."
        ),
        rationale="The operator changes the wrong one of two credentials.",
        source="cloudflare/ai, packages/ai-gateway-provider",
        evidence=Evidence.DOCUMENTED,
        scene=auth.provider_refuses_its_key,
        probe="auth",
        needs=("provider_key",),
    ),
    Clause(
        id="auth-token-missing",
        level=Level.MUST,
        routes=ALL,
        statement="With authentication on, a request without cf-aig-authorization is refused.",
        rationale="The gateway is open to anybody.",
        source=AUTHENTICATION,
        evidence=Evidence.DOCUMENTED,
        scene=auth.missing_token_is_refused,
        probe="auth",
        needs=("auth",),
    ),
    Clause(
        id="auth-token-wrong",
        level=Level.MUST,
        routes=ALL,
        statement="With authentication on, a wrong token is refused.",
        rationale="The gateway is open to anybody.",
        source=AUTHENTICATION,
        evidence=Evidence.DOCUMENTED,
        scene=auth.wrong_token_is_refused,
        probe="auth",
        needs=("auth",),
    ),
    Clause(
        id="auth-token-code",
        level=Level.MUST,
        routes=ALL,
        statement="The gateway's refusal is 401 with code 2009.",
        rationale="ai-gateway-provider turns exactly this into its own error.",
        source="cloudflare/ai, packages/ai-gateway-provider",
        evidence=Evidence.DOCUMENTED,
        scene=auth.gateway_refuses_its_token,
        probe="auth",
        needs=("auth",),
    ),
    Clause(
        id="auth-recovers",
        level=Level.MUST,
        routes=ALL,
        statement="A good request after refused ones is answered.",
        rationale="One bad client locks out all others.",
        source=AUTHENTICATION,
        evidence=Evidence.DOCUMENTED,
        scene=auth.answers_after_refusals,
        probe="auth",
    ),
)
