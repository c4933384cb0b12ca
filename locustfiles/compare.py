"""The routes one after another, again and again: what each costs, without load and without drift.

gateway-harness load locustfiles/compare.py --users 1 --duration 60s
"""

from harness.load.users import CompareUser


class ComparedRoutes(CompareUser):
    """Sends blocks of one request per route; `seq` is block * 10 + position."""
