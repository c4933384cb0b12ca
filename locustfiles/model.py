"""The model route alone: one dedicated Baseten model.

gateway-harness load locustfiles/model.py --users 10 --duration 30s
locust -f locustfiles/model.py --host http://127.0.0.1:8787 --users 10
"""

from harness.load.users import GatewayUser


class ModelRoute(GatewayUser):
    """Asks one route again and again."""

    scenario = "model"
    routes = ("model",)
