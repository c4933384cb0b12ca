"""What is odd about an answer though the rules allow it: the closed set of the `odd` column."""

from enum import StrEnum

IN_TIME_NS = 1_000_000
"""A read that holds nothing older than this was in time: what it holds together came together."""
ONE_PIECE_NS = 2_000_000
ONE_PIECE_SHARE = 0.02
"""Outputs within so much of each other, of a whole answer that took longer, came in one piece."""
MOST_TOKENS_AT_ONCE = 8
"""More tokens than this in the one chunk of a stream are no speculative decoding."""


class Odd(StrEnum):
    """Each is told with its share and can be an objective; none is a violation or an error."""

    ONE_PIECE = "one_piece"
    """A stream that came in one piece: its TTFT is the time of the whole answer."""
    NOT_STREAMED = "not_streamed"
    """A plain answer where a stream was asked for."""
    NO_OUTPUT = "no_output"
    """An answer without text, reasoning, refusal or tool call: billed, and empty."""
    NO_FINISH_REASON = "no_finish_reason"
    UNASKED_CODING = "unasked_coding"
    """A content coding that the request did not allow."""
    NO_DONE = "no_done"
    """A stream that had finished and ended without `[DONE]`."""
