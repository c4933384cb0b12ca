"""`gateway-harness capacity`: the highest load that still meets the objectives.

Exit code: against `--target-rate` 0, 1 or 3; without it 0 when the edge was found, or nothing gave
way up to `--max-rate`, 1 when not even the least load is carried, 3 when it is not known.
"""

import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import phases
from harness.cli.compare import parse_margin
from harness.cli.load_options import (
    CALIBRATION_FIELDS,
    calibration_options,
    max_output_tokens,
    parse_routes,
    prompt_tokens,
    some_seconds,
    tokenizer,
)
from harness.cli.options import Common, common
from harness.cli.workload import length_fields
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.load.outcome import LoadOutcome
    from harness.load.plan import LoadPlan
    from harness.load.progress import LoadProgress
    from harness.report.capacity.level import LevelTrial
    from harness.report.plan import Search
    from harness.report.report import Report
    from harness.settings import Target

ABORT = "error_rate > 50%"
CLIMB_S = 3.0
"""A level on the way up is left after so long, unless something looks amiss."""
WANTED_REQUESTS = 400.0
"""So many requests show an error rate below 1 %."""
ANSWERS = 3
"""A look comes after so many times what an answer takes."""
WARMUP_S = 1.0


@click.command
@click.option(
    "--slo",
    multiple=True,
    metavar="OBJECTIVE",
    help='What must hold, such as "p95(ttft) < 800ms"; repeatable.  [default: error_rate < 1%]',
)
@click.option(
    "--by",
    type=click.Choice(["rate", "users"]),
    default="rate",
    show_default=True,
    help="Requests per second, or users who ask one after another.",
)
@click.option(
    "--arrivals",
    type=click.Choice(["constant", "poisson", "gamma"]),
    default="poisson",
    show_default=True,
    help="How requests are spaced.",
)
@click.option("--min-rate", type=click.FloatRange(0, min_open=True), default=1.0, show_default=True)
@click.option(
    "--max-rate",
    type=click.FloatRange(0, min_open=True),
    default=1000.0,
    show_default=True,
    help="Nothing above is tried.",
)
@click.option(
    "--target-rate",
    type=click.FloatRange(0, min_open=True),
    metavar="R",
    help="What the launch needs: exit 0 when it is certainly carried, 1 when certainly not.",
)
@click.option(
    "--precision",
    type=parse_margin,
    default="5%",
    show_default=True,
    help="How closely the edge is sought.",
)
@click.option(
    "--level-time",
    type=some_seconds,
    default="5s",
    show_default=True,
    metavar="TIME",
    help="Between two looks at a level, of which there are three at most.",
)
@click.option(
    "--longest-level",
    type=some_seconds,
    default="60s",
    show_default=True,
    metavar="TIME",
    help="What few requests per second may take until they tell.",
)
@click.option("--routes", callback=parse_routes, metavar="LIST", help="Such as native,compat.")
@click.option("--stream/--no-stream", default=True, show_default=True)
@prompt_tokens("64")
@max_output_tokens("64")
@tokenizer
@click.option("--prompts", type=click.Path(path_type=Path), metavar="FILE.jsonl")
@click.option(
    "--abort",
    default=ABORT,
    show_default=True,
    metavar="CONDITION",
    help="Leave a level at once when it comes true; `never` waits for the verdict.",
)
@click.option(
    "--slots",
    type=click.IntRange(1, 1000),
    default=8,
    show_default=True,
    metavar="N",
    help="Of the local stand-in: it serves N requests at once ...",
)
@click.option(
    "--service",
    type=some_seconds,
    default="100ms",
    show_default=True,
    metavar="TIME",
    help="... each for so long.",
)
@click.option("--yes", is_flag=True, help="Send to a paid target without asking.")
@calibration_options
@common()
def command(*, common: Common, **values: Any) -> None:
    """Find the highest rate, or number of users, at which every objective holds."""
    from harness.report.sentences import used

    report = search(common, values)
    found = report.capacity
    if found is None:
        raise UsageError(f"{report.folder} holds no search")
    phases.conclude(
        common,
        report,
        summary=f"{found.sentence}; {used(found)}",
        carried_rate={"value": found.carried.value, "low": found.carried.low}
        | {"high": found.carried.high},
        limited_by=found.limited_by,
    )


def search(common: Common, values: dict[str, Any]) -> "Report":
    """Try levels until the edge is known, and report what they show."""
    from harness.cli.stand_in import SlotLimits
    from harness.load.session import facts_of

    plan = _plan(common, values)
    _ask(common, plan, values)
    folder = common.make_folder()
    plan = plan.in_folder(folder)
    by = values["by"]
    what = ", ".join(values["slo"]) or "error_rate < 1%"
    common.say(f"capacity: {what} by {by} on {', '.join(plan.routes)}")
    phases.start(common, folder, {**plan.describe(), "search": asdict(_search(values))})
    course = _Course(common, plan, values)
    limits = SlotLimits(values["slots"], int(values["service"] * 1e9))
    with phases.sending(common, folder, limits=limits) as target:
        course.run(target)
    facts = facts_of(*course.outcomes) | {"aborted": None, "notes": course.notes()}
    return phases.close(folder, {**facts, **course.facts()})


def _search(values: dict[str, Any]) -> "Search":
    from harness.report.plan import Search

    names = ("by", "min_rate", "max_rate", "target_rate", "precision")
    return Search(**{name: values[name] for name in names})


class _Course:
    """The trials of one search, one load after the other."""

    def __init__(self, common: Common, plan: "LoadPlan", values: dict[str, Any]) -> None:
        from harness.measure.objective import check_missable, parse_objectives
        from harness.report.capacity.result import range_of

        self.outcomes: list[LoadOutcome] = []
        self.levels: list[LevelTrial] = []
        self.ended: str | None = None
        self._common = common
        self._plan = plan
        self._values = values
        self._wanted = parse_objectives(values["slo"])
        check_missable(self._wanted)
        self._within = range_of(_search(values))
        self._tried: list[dict[str, Any]] = []
        self._floor: dict[str, Any] | None = None

    def facts(self) -> dict[str, Any]:
        """What the manifest knows of the search."""
        return {"tried": self._tried, "ended_early": self.ended, "noise_floor": self._floor}

    def notes(self) -> list[str]:
        """What is to be known of the client, but for what each level says of itself."""
        from harness.load.session import floor_unknown

        return floor_unknown(self.outcomes[:1])

    def run(self, target: "Target") -> None:
        """Try levels until there is none left to try, or the search has to end."""
        from harness.bundled import folder as bundled
        from harness.load.budget import left
        from harness.load.launch import Locust
        from harness.load.progress import read_reports
        from harness.load.session import run_load
        from harness.report.capacity.search import next_step

        locust = Locust(bundled("locustfiles") / "mixed.py")
        show = self._common.shows
        while step := next_step([each.trial for each in self.levels], self._within):
            name = f"level-{len(self.levels) + 1:02d}"
            part = self._part(name, step.asked, settle=step.settle, trial=step.trial)
            watch = _Watch(self, part, step.asked, settle=step.settle)
            title = f"{name} {step.asked:g}{'/s' if part.open_loop else ' users'}"
            outcome = run_load(part, target, locust, show=show, title=title, enough=watch)
            self.outcomes.append(outcome)
            reports = read_reports(Path(part.folder), name)
            self._floor = self._floor or next((one.noise_floor for one in reports), None)
            self._plan = replace(self._plan, caps=left(self._plan.caps, reports), calibrate=False)
            self._tried.append({"asked": step.asked, "settle": watch.whole})
            self.levels.append(self.judged(part, step.asked, settle=watch.whole))
            self._common.say(f"  {_line(self.levels[-1], part)}")
            self.ended = _reason_to_end(outcome, self.levels)
            if self.ended is not None:
                break

    def judged(self, part: "LoadPlan", asked: float, *, settle: bool) -> "LevelTrial":
        """The trial by what it has recorded so far."""
        from harness.report import frame, samples
        from harness.report.capacity.level import judge
        from harness.report.workers import read_floor

        found = samples.read(Path(part.folder), load=part.name)
        return judge(
            frame.frame(found),
            self._wanted,
            name=part.name,
            asked=asked,
            settled=settle,
            open_loop=part.open_loop,
            noise_floor=read_floor(self._floor, "the calibration of the client"),
        )

    def _part(self, name: str, asked: float, *, settle: bool, trial: int) -> "LoadPlan":
        from harness.report.capacity.level import LOOKS

        plan, values = self._plan, self._values
        rate = asked if values["by"] == "rate" else None
        wanted = WANTED_REQUESTS / LOOKS / asked if rate else 0.0
        slow = ANSWERS * max((level.typical_s for level in self.levels[:1]), default=0.0)
        most = values["longest_level"] / LOOKS
        each = min(max(values["level_time"] if settle else CLIMB_S, wanted * settle, slow), most)
        return replace(
            plan,
            name=name,
            rate=rate,
            users=max(int(asked), 1) if rate is None else plan.users,
            duration_s=each,
            extend=LOOKS,
            seed=plan.seed + 1000 * trial,
        )


class _Watch:
    """Looks at a level that is under way, and says when it has told what it can.

    On the way up that is at the first look, unless something was measured beyond its limit.
    """

    def __init__(self, course: _Course, part: "LoadPlan", asked: float, *, settle: bool) -> None:
        self.whole = settle
        self._judge = partial(course.judged, part, asked, settle=settle)
        self._looks = [part.warmup_s + part.duration_s * time for time in range(1, part.extend)]

    def __call__(self, progress: "LoadProgress") -> bool:
        if not self._looks or progress.elapsed_s < self._looks[0]:
            return False
        self._looks.pop(0)
        found = self._judge()
        from harness.report.capacity.search import CERTAIN

        if found.result in CERTAIN:
            return True
        self.whole = self.whole or found.doubtful or not found.requests
        return not self.whole


def _plan(common: Common, values: dict[str, Any]) -> "LoadPlan":
    from harness.load.arrivals import Arrivals
    from harness.load.session import plan_load

    if values["min_rate"] > values["max_rate"]:
        raise UsageError(f"--min-rate {values['min_rate']:g} is above --max-rate")
    if values["target_rate"] is not None and values["target_rate"] > values["max_rate"]:
        raise UsageError("--target-rate is above --max-rate, and nothing above that is tried")
    return plan_load(
        common.target,
        routes=values["routes"],
        caps=common.caps,
        thresholds=values["slo"],
        abort=() if values["abort"] == "never" else (values["abort"],),
        prompts=values["prompts"],
        arrivals=Arrivals(values["arrivals"]),
        rate=values["min_rate"] if values["by"] == "rate" else None,
        warmup_s=WARMUP_S,
        seed=common.seed,
        stream=values["stream"],
        **length_fields(values),
        **{name: values[name] for name in CALIBRATION_FIELDS},
    )


def _ask(common: Common, plan: "LoadPlan", values: dict[str, Any]) -> None:
    """Tell what it may cost where requests cost money, and go on only with a yes."""
    if common.target.loopback:
        return
    from harness.load.budget import estimate

    told = estimate(replace(plan, rate=None))
    common.say(f"estimate: {told}; levels up to {values['max_rate']:g}")
    if values["yes"]:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"capacity loads {common.target.name} until it gives way ({told}): --yes")
    click.confirm("load it until it gives way?", abort=True)


def _reason_to_end(outcome: "LoadOutcome", levels: list["LevelTrial"]) -> str | None:
    from harness.report.capacity.level import GaveWay

    if outcome.interrupted:
        return "it was interrupted"
    if outcome.exhausted:
        return f"the budget is used up: {outcome.exhausted}"
    if outcome.blocked is not None and levels[-1].gave_way != GaveWay.QUOTA:
        return str(outcome.blocked)
    return None


def _line(level: "LevelTrial", part: "LoadPlan") -> str:
    unit = "/s" if part.open_loop else " users"
    why = f": {level.reason}" if level.reason else ""
    return f"{level.asked:g}{unit}  {level.result}{why}"
