"""What is odd about an answer though the rules allow it: the closed set of the `odd` column."""

from enum import StrEnum


class Odd(StrEnum):
    """Each is told with its share and can be an objective; none is a violation or an error."""

    ONE_PIECE = "one_piece"
    """A stream that came in one piece: its TTFT is the time of the whole answer."""
    NOT_STREAMED = "not_streamed"
    """A plain answer where a stream was asked for."""
    NO_FINISH_REASON = "no_finish_reason"
    UNASKED_CODING = "unasked_coding"
    """A content coding that the request did not allow."""
    NO_DONE = "no_done"
    """A stream that had finished and ended without `[DONE]`."""
