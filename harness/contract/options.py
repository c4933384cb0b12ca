"""How a contract run is asked for: the options that its faces offer, and their values.

`verify`, `run`, the pytest plugin and `pytest contracts` make their own options of one table. It
imports nothing else of the package: whoever has the plugin installed loads it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Mode = Literal["pr", "nightly", "live"]
PROFILES = ("core", "extended", "all")
MODES = ("pr", "nightly", "live")
REQUIRABLE = ("model", "cache", "rate", "auth")
DEFAULT_REQUESTS = 300


@dataclass(frozen=True, slots=True)
class Option:
    """One option as people type it: `kind` is `bool` for a switch, `choices` ends what it takes.

    With `many` it may be given more than once.
    """

    name: str
    help: str
    kind: type = str
    choices: tuple[str, ...] = ()
    metavar: str | None = None
    many: bool = False

    @property
    def key(self) -> str:
        """Its name among values."""
        return self.name.replace("-", "_")


OPTIONS = (
    Option("profile", "Which clauses.  [default: all; core on live]", choices=PROFILES),
    Option(
        "mode",
        "pr repeats the same requests, nightly draws new ones, live sends few.",
        choices=MODES,
    ),
    Option("strict", "A broken SHOULD fails the run as well.", bool),
    Option("require", f"Settings that must be declared: {','.join(REQUIRABLE)}.", metavar="LIST"),
    Option(
        "patience",
        "How long a cache's TTL or a rate limit's windows may be waited for, such as 3m.",
        metavar="TIME",
    ),
    Option("repeat", "Ask a small corpus so often, for shares of errors.", int, metavar="N"),
    Option(
        "threshold",
        "With --repeat: an objective such as 'tool_schema >= 98%'; also tool_call, answered.",
        metavar="EXPR",
        many=True,
    ),
    Option("waivers", "Accepted failures with expiry dates (TOML).", Path, metavar="FILE"),
    Option("write-waivers", "Draft waivers for what failed.", Path, metavar="FILE"),
    Option("junit", "Where junit.xml goes.  [default: in --out]", Path, metavar="FILE"),
    Option("record", "Write what the target does where nobody documents it.", Path, metavar="FILE"),
    Option("against", "Compare with an earlier --record file.", Path, metavar="FILE"),
    Option("defect", "Break the stand-in, to see the contract catch it.", metavar="NAME"),
)
"""What only a contract run has."""
COMMON = (
    Option("out", "Where the files of the run go.", Path, metavar="DIR"),
    Option("seed", "What the drawn requests come from.", int, metavar="N"),
    Option("max-requests", "The most requests.", int, metavar="N"),
    Option("max-total-tokens", "The most tokens.", int, metavar="N"),
    Option("max-cost", "The most dollars.", float, metavar="USD"),
)
"""What every command has that sends requests."""


def named(*names: str) -> tuple[Option, ...]:
    """The options with these names."""
    return tuple(each for each in (*OPTIONS, *COMMON) if each.name in names)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run.

    `out` None writes nothing. `dollars_per_token` is what bounds a cost. `examples` keeps the
    failing cases of earlier runs, `patience` scales every limit of time, `wait_s` is how long, in
    seconds, a run waits for a TTL or for windows that are longer than it waits for by itself.
    `repeat` is how often the corpus is asked on each route, `threshold` what its answers have to
    be.
    """

    profile: str = "all"
    mode: Mode = "pr"
    strict: bool = False
    required: tuple[str, ...] = ()
    max_requests: int = DEFAULT_REQUESTS
    max_tokens: int | None = None
    max_cost: float | None = None
    dollars_per_token: float = 0.0
    seed: int = 0
    defect: str | None = None
    waivers: Path | None = None
    write_waivers: Path | None = None
    out: Path | None = None
    junit: Path | None = None
    record: Path | None = None
    against: Path | None = None
    examples: Path | None = None
    patience: float = 1.0
    wait_s: float = 0.0
    repeat: int = 0
    threshold: tuple[str, ...] = ()
