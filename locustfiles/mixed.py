"""All routes under one load: shuffled blocks, so that each route gets the same share at all times.

gateway-harness load --users 10 --duration 30s
locust -f locustfiles/mixed.py --host http://127.0.0.1:8787 --users 10
"""

from harness.load.users import GatewayUser


class MixedRoutes(GatewayUser):
    """Asks the routes of the plan in turn, in an order that the seed decides."""

    scenario = "mixed"
