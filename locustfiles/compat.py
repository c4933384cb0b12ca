"""The compat route alone: the gateway's OpenAI-compatible endpoint.

gateway-harness load locustfiles/compat.py --users 10 --duration 30s
locust -f locustfiles/compat.py --host http://127.0.0.1:8787 --users 10
"""

from harness.load.users import GatewayUser


class CompatRoute(GatewayUser):
    """Asks one route again and again."""

    scenario = "compat"
    routes = ("compat",)
