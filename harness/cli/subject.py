"""A resolved target in the words of the contract."""

from dataclasses import replace

from harness.contract.subject import Subject
from harness.settings import Secrets, Target
from harness.settings.target import STAND_IN_TOKEN


def with_token(target: Target) -> Target:
    """The embedded stand-in asks for its token unless the settings say that it does not."""
    if not target.embedded or target.expectations.auth is False:
        return target
    token = target.credentials.gateway_token or STAND_IN_TOKEN
    return replace(
        target,
        credentials=replace(target.credentials, gateway_token=token),
        expectations=replace(target.expectations, auth=True),
        secrets=target.secrets | Secrets((("CF_AIG_TOKEN", token),)),
    )


def subject_of(target: Target) -> Subject:
    """The gateway under test: address, credentials, models, and what is declared about it."""
    expected = target.expectations
    limit = expected.rate_limit
    return Subject(
        address=target.address,
        credentials=target.credentials,
        model=target.model,
        model_id=target.model_id,
        model_input=target.model_input,
        headers=target.headers,
        auth=expected.auth,
        cache_ttl=expected.cache_ttl,
        rate_limit=(limit.requests, limit.seconds) if limit else None,
    )
