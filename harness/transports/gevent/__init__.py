"""The transport for loads: raw sockets under gevent, kernel receive times, no resending.

Nothing outside `harness.load` imports it: what meets gevent runs in Locust's processes.
"""

from harness.transports.gevent.reader import Reader
from harness.transports.gevent.transport import GeventTransport, TransportCounts

__all__ = ["GeventTransport", "Reader", "TransportCounts"]
