"""Generated defects: mutation operators applied to answers, requests and decisions.

A listed defect was thought of by somebody; these are what is left when nobody thinks. Their names
say what they do, so each can be made again from its name alone.
"""

from harness.defects.defect import Defect
from harness.defects.mutants.mutant import defect_of, parse
from harness.defects.mutants.shares import OPERATOR, of_share


def generated(name: str) -> Defect:
    """The defect that a name such as `drop:plain.id@native/every-5` stands for.

    Also one of a share of the answers, such as `empty-calls:22-of-51@compat`.
    """
    if name.startswith(f"{OPERATOR}:"):
        return of_share(name)
    return defect_of(parse(name))
