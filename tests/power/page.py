"""The measurement for people: `contracts/POWER.md`, and the summary on the terminal."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.contract.clause import Clause, Level
from harness.contract.topics.catalogue import CLAUSES
from tests.power.exempt import STANDS
from tests.power.score import BAR, BUDGETS, Killing, Power, percent
from tests.power.trial import TrialOutcome

GROUPS: Mapping[str, str] = {
    "T": "transport",
    "F": "event framing",
    "S": "structure of chunks",
    "I": "integrity of content",
    "C": "tool calls",
    "U": "usage and metadata",
    "P": "parameters",
    "E": "errors",
    "L": "pace",
}
"""What the letters of the catalogue's classes mean; a class without a letter says so itself."""

_HEAD = """# What the contract suite sees

The suite of `gateway-harness verify --target mock --mode pr --strict`, run on every known defect
and every legal variant of the stand-in. This page is what `make mutants` wrote.

- A defect is *killed* when a clause that its row in `harness/defects/` names fails under
  `--strict`. Each budget is a run of its own that may send so many requests.
- *Requests* are what arrived at the stand-in, repeats and reductions included.
- An *alarm* is a failing clause, or no green verdict, on a stand-in that keeps the contract.
- Defects that only a real connection can show run on a socket; there requests overlap, and the
  table says within which budget they were killed.
"""


def render(power: Power) -> str:
    """The page as Markdown; the same for the same suite and stand-in."""
    parts = [
        _HEAD,
        _table("", ("budget", "killed", "of", "share", "bar", "alive"), _curve(power)),
        _table("## Classes", _heads("class", "defects"), _classes(power.killings)),
        _table("## Legal stand-ins", ("variant", "runs", "alarms"), _legal(power)),
        _table(
            "## Defects",
            ("defect", "killed after", "by", "beside"),
            (row(killing) for killing in power.killings),
        ),
        _table(
            "## MUST clauses",
            ("clause", "breaks under", "kills alone, or why it stands"),
            (_clause(clause, power) for clause in CLAUSES if clause.level is Level.MUST),
        ),
    ]
    if power.unseen:
        parts.append(_UNSEEN)
        parts += [f"- `{defect.name}`: {_cell(defect.statement)}" for defect in power.unseen]
        parts.append("")
    return "\n".join(parts)


_UNSEEN = """## Counted apart

What no client can see: the stand-in's log shows it.
"""


def killed(page: str, budget: int) -> frozenset[str]:
    """The defects that a page says a run of so many requests kills; StopIteration without a row."""
    curve = next(each for each in page.splitlines() if each.startswith(f"| {budget} |"))
    table = page.partition("\n## Defects\n")[2].partition("\n## ")[0]
    names = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    return frozenset(names).difference(re.findall(r"`([^`]+)`", curve))


def row(killing: Killing) -> tuple[str, ...]:
    """The cells of one defect."""
    defect = killing.defect
    if killing.first is None:
        after = "**alive**"
    elif defect.socket_only:
        after = f"≤ {next(n for n, k in killing.after.items() if k is not None)}"
    else:
        after = str(killing.first)
    return (f"`{defect.name}`", after, _ids(killing.by), _ids(killing.beside))


def line(cells: Iterable[str]) -> str:
    """One row of a Markdown table."""
    return f"| {' | '.join(map(_cell, cells))} |"


def _heads(*first: str) -> tuple[str, ...]:
    return (*first, *(f"at {budget}" for budget in BUDGETS), "alive")


def _curve(power: Power) -> Iterator[tuple[str, ...]]:
    total = len(power.killings)
    for budget in BUDGETS:
        alive = power.survivors(budget)
        share, least = percent(power.share(budget)), f"{BAR[budget]:.0%}"
        yield (str(budget), str(total - len(alive)), str(total), share, least, _ids(alive))


def _classes(killings: Sequence[Killing]) -> Iterator[tuple[str, ...]]:
    for group in dict.fromkeys(killing.defect.group for killing in killings):
        mine = [killing for killing in killings if killing.defect.group == group]
        counts = [sum(k.after.get(budget) is not None for k in mine) for budget in BUDGETS]
        alive = [k.defect.name for k in mine if k.first is None]
        name = f"{group}, {GROUPS[group]}" if group in GROUPS else group
        yield (name, str(len(mine)), *map(str, counts), _ids(alive))


def _legal(power: Power) -> Iterator[tuple[str, ...]]:
    for name, runs in power.legal.items():
        mine = [str(alarm) for alarm in power.alarms if (alarm.name or "") == name]
        yield (f"`{name}`" if name else "none", str(runs), "; ".join(mine) or "0")


def _clause(clause: Clause, power: Power) -> tuple[str, ...]:
    sole = power.sole.get(clause.id, [])
    broken = power.shared[clause.id]
    return (f"`{clause.id}`", str(broken), _ids(sole) or standing(clause, power))


def standing(clause: Clause, power: Power) -> str:
    """Why a clause stands that kills nothing alone."""
    if clause.id in STANDS:
        return STANDS[clause.id]
    beside = [k.defect.name for k in power.killings if clause.id in k.by or clause.id in k.beside]
    if not beside:
        return "**nothing known breaks it**"
    shown = _ids(beside[:3]) + (" …" if len(beside) > 3 else "")
    return f"names another symptom of {shown}"


def trace(outcome: TrialOutcome) -> str:
    """One run in one line."""
    trial = outcome.trial
    name = trial.defect or trial.variant or "clean"
    broken = ", ".join(f"{clause} {count}" for clause, count in outcome.broken.items())
    run = f"{name} seed {trial.seed}, {outcome.arrived} of {trial.requests}"
    return f"{run}: {outcome.verdict}, killed after {outcome.killed_after}: {broken}\n"


def terminal(power: Power, outcomes: Sequence[TrialOutcome], *, seconds: float) -> str:
    """A summary with what is alive, and how fast it was."""
    arrived = sum(outcome.arrived for outcome in outcomes)
    lines = [
        f"{len(outcomes)} runs, {arrived} requests in {seconds:.0f} s",
        *(_terminal_row(killing) for killing in power.killings),
        "",
        *(" ".join(cells[:5]) for cells in _classes(power.killings)),
        "",
    ]
    for budget in BUDGETS:
        alive = power.survivors(budget)
        killed = len(power.killings) - len(alive)
        text = f"{killed} of {len(power.killings)} killed ({percent(power.share(budget))})"
        lines.append(f"{budget:4} requests: {text}; alive: {', '.join(alive) or 'none'}")
    lines.append(f"{sum(power.legal.values())} runs on legal stand-ins, {len(power.alarms)} alarms")
    return "\n".join(lines) + "\n"


def _terminal_row(killing: Killing) -> str:
    by = ", ".join(killing.by) or f"nothing listed; failing: {', '.join(killing.beside) or 'none'}"
    after = "alive" if killing.first is None else killing.first
    return f"{after:>6}  {killing.defect.name:38} {by}"


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [title, ""] if title else []
    lines += [line(heads), "|" + "---|" * len(heads), *map(line, rows), ""]
    return "\n".join(lines)


def _ids(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
