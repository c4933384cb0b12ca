"""The stand-in that a target describes: its identity, and set up as is declared about it."""

from harness.gateway.config import Config, RateLimit
from harness.settings.target import Target


def stand_in(target: Target, *, seed: int) -> Config:
    """The stand-in's configuration for a target."""
    declared = target.expectations
    limit = declared.rate_limit
    return Config(
        account_id=target.address.account_id,
        gateway_id=target.address.gateway_id,
        provider_key=target.credentials.provider_key or "",
        gateway_token=target.credentials.gateway_token if declared.auth else None,
        model_id=target.model_id or "",
        cache_ttl=declared.cache_ttl or None,
        rate_limit=RateLimit(limit.requests, limit.seconds) if limit else None,
        custom_domain=target.address.custom_domain,
        seed=seed,
    )
