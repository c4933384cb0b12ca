from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.schemas import problems_in

NAMES = (
    *("CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_GATEWAY_ID", "BASETEN_API_KEY", "CF_AIG_TOKEN"),
    *("CF_AIG_BYOK_ALIAS", "BASETEN_MODEL", "BASETEN_MODEL_ID", "GATEWAY_BASE_URL"),
    *("GATEWAY_CUSTOM_DOMAIN", "GATEWAY_EXPECT_AUTH", "GATEWAY_EXPECT_CACHE_TTL"),
    *("GATEWAY_EXPECT_RATE_LIMIT", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"),
    *("ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every test of a command starts in an empty folder with nothing set."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _written_as_published(tmp_path: Path) -> Iterator[None]:
    """Whatever a command leaves is what the schemas say."""
    yield

    assert problems_in(tmp_path) == []
