"""What a repeated run found, as lines for a terminal and as a section of `report.md`."""

from harness.contract.repeat.repetition import Repetition


def lines(found: Repetition) -> list[str]:
    """The errors that came, the routes that differ, and the objectives, for a terminal."""
    told = [f"repeated: {_asked(found)}"]
    told += [
        f"  {each.route:7} {each.group:6} {each.kind:22} {each.share.text}"
        for each in found.rows
        if each.share.count
    ]
    told += ["  no error in any answer"] if found.answers and len(told) == 1 else []
    told += [f"  {text}" for text in _differences(found)]
    return told + [f"  {each.result}: {each.text}" for each in found.judged]


def markdown(found: Repetition) -> list[str]:
    """The same as a table of every share, the good ones too."""
    told = ["", "## Repeated requests", "", f"{_asked(found)}.", ""]
    told += ["| route | requests with | error | share |", "|---|---|---|---|"]
    told += [f"| {e.route} | {e.group} | {e.kind} | {e.share.text} |" for e in found.rows]
    told += ["", *(f"- {text}" for text in _differences(found))]
    return told + [
        f"- {each.result}: `{each.objective}` on {each.route}: {each.share.text}"
        f"{'; ' + each.settles if each.settles else ''}"
        for each in found.judged
    ]


def _asked(found: Repetition) -> str:
    rounds = f"{found.rounds} of {found.times} rounds, {len(found.answers)} answers"
    return f"{rounds} ({found.ended})" if found.ended else rounds


def _differences(found: Repetition) -> list[str]:
    """Each difference between routes, and whether it is more than one route's own halves show."""
    return [
        f"{each.kind} ({each.group}), {each.a} less {each.b}: {each.difference:+.1%} "
        f"({each.low:+.1%} to {each.high:+.1%}; halves of one route: {each.floor:.1%}), "
        f"{'the routes differ' if each.apart else 'no difference shown'}"
        for each in found.pairs
    ]
