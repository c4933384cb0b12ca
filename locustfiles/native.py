"""The native route alone: Baseten's own chat-completions path behind the gateway.

gateway-harness load locustfiles/native.py --users 10 --duration 30s
locust -f locustfiles/native.py --host http://127.0.0.1:8787 --users 10
"""

from harness.load.users import GatewayUser


class NativeRoute(GatewayUser):
    """Asks one route again and again."""

    scenario = "native"
    routes = ("native",)
