"""The contract as a page to read, made from the clauses: `contracts/README.md`.

python -m harness.contract.output.readme > contracts/README.md
"""

import sys
from collections import Counter

from harness.contract.clause import Clause, Level, Profile
from harness.contract.topics.catalogue import CLAUSES, TOPICS

_HEAD = """# The contract, executable

{count} clauses over the three routes: {levels}.
Each stands on the pure check that judges it, beside the probe that it needs
(`harness/contract/topics/`). This page is made from them:
`python -m harness.contract.output.readme > contracts/README.md`.

    gateway-harness verify --target mock          # the embedded gateway, no socket, seconds
    gateway-harness verify --target local         # the same on a real socket
    gateway-harness verify --target http://127.0.0.1:8787
    gateway-harness verify --target live          # the gateway of your settings, few requests
    pytest contracts --target mock -k stream      # the same as plain pytest

- **MUST** is documented or specified: broken, the run fails (exit 1). **SHOULD** is observed or
  good practice: a warning, and a failure with `--strict`. **RECORD** is documented by nobody: what
  the target does is written down (`--record FILE`, `--against FILE`) and never fails.
- One run of about 300 requests feeds all clauses; a test shows the result of one clause on one
  route. Requests come in the order of their power (`harness/contract/requests/order.py`), drawn
  ones last. How much that is, budget by budget and defect by defect, is measured:
  [POWER.md](POWER.md).
- A failing request is sent again twice and reduced greedily, a failing sequence played once more;
  all of it counts in the budget, and the report says how often of how often it failed.
- What cannot be judged (refused, TLS, timeouts, 429 or 5xx throughout, credentials refused on every
  route, a budget that ended too early) is `unknown`, exit 3. It is never green.
- No check assumes that a model echoes or is deterministic: where a plain answer and its stream
  differ each is asked three times more, and only a model that repeats itself (A/A) is judged;
  lengths are judged with room for any tokenizer.
- *needs* names a setting without which a clause is not applicable: `auth`, `cache`, `rate` are
  declared by `GATEWAY_EXPECT_*`. `clock` is a wait that a run can afford: a cache TTL of up to 5 s,
  a rate limit of up to 30 requests in up to 60 s; on the mock any, since its time is virtual.
- A declared rate limit paces the run, and the time for it grows: 300 requests at 100/60 take three
  minutes. `--max-requests` shortens that.
"""


def render() -> str:
    """The page as Markdown."""
    levels = Counter(clause.level for clause in CLAUSES)
    counted = ", ".join(f"{levels[level]} {level}" for level in Level)
    parts = [_HEAD.format(count=len(CLAUSES), levels=counted)]
    parts += [_topic(name, clauses) for name, clauses in TOPICS.items()]
    return "\n".join(parts)


def _topic(name: str, clauses: tuple[Clause, ...]) -> str:
    head = f"## {name}\n\n| clause | level | routes | statement | why |\n|---|---|---|---|---|"
    return "\n".join([head, *map(_row, clauses), ""])


def _row(clause: Clause) -> str:
    routes = "all" if len(clause.routes) == 3 else ", ".join(clause.routes)
    extended = " (extended)" if clause.profile is Profile.EXTENDED else ""
    needs = f" *needs {', '.join(clause.needs)}*" if clause.needs else ""
    cells = (
        f"`{clause.id}`{extended}",
        str(clause.level),
        routes,
        f"{clause.statement}{needs}",
        f"{clause.rationale} [{clause.source}]",
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(render())
