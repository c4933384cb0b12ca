"""The transport for loads: raw sockets under gevent, kernel receive times, no resending.

Nothing outside `harness.load` imports it: what meets gevent runs in Locust's processes.
"""

from harness.transports.gevent.incoming import Held
from harness.transports.gevent.messages import Conversation, Message
from harness.transports.gevent.reader import Reader
from harness.transports.gevent.transport import GeventTransport, TransportCounts

__all__ = ["Conversation", "GeventTransport", "Held", "Message", "Reader", "TransportCounts"]
