"""What every test may rely on, however the suite was started."""

import signal

from hypothesis import settings

# A shell's background job ignores the one, nohup's the other; children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

settings.register_profile("suite", deadline=None)  # how long an example takes says nothing here
settings.load_profile("suite")
