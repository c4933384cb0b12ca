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
    routes = list(dict.fromkeys(row.route for row in found.rows))
    shares = {(row.group, row.kind, row.route): row.share.text for row in found.rows}
    kinds = dict.fromkeys((row.group, row.kind) for row in found.rows)
    told = ["", "## Repeated requests", "", f"{_asked(found)}.", ""]
    told += [
        f"| requests with | error | {' | '.join(routes)} |",
        f"|---|---|{'---|' * len(routes)}",
    ]
    for group, kind in kinds:
        cells = (shares.get((group, kind, route), "not asked") for route in routes)
        told.append(f"| {group} | {kind} | {' | '.join(cells)} |")
    told += ["", *(f"- {text}" for text in _differences(found))]
    return told + [f"- {each.result}: {each.text}" for each in found.judged]


def _asked(found: Repetition) -> str:
    rounds = f"{found.rounds} of {found.times} rounds, {len(found.answers)} answers"
    return f"{rounds} ({found.ended})" if found.ended else rounds


def _differences(found: Repetition) -> list[str]:
    """Each difference between routes, and whether it is more than one route's own halves show."""
    return [
        f"{each.kind} ({each.group}), {each.a} less {each.b}: {_points(each.difference)} "
        f"({_points(each.low)} to {_points(each.high)}; halves of one route: "
        f"{each.floor * 100:.1f}), {'the routes differ' if each.apart else 'no difference shown'}"
        for each in found.pairs
    ]


def _points(share: float) -> str:
    return f"{share * 100:+.1f} points"
