"""Generated defects: mutation operators applied to answers, requests and decisions.

A listed defect was thought of by somebody; these are what is left when nobody thinks. Their names
say what they do, so each can be made again from its name alone.
"""

from harness.defects.defect import Defect
from harness.defects.mutants.mutant import defect_of, of_share, parse


def generated(name: str) -> Defect:
    """The defect that a name such as `drop:plain.id@native/every-5` stands for.

    Also one of a share of the answers, such as `empty-calls:22-of-51@compat`.
    """
    return of_share(name) if name.startswith("empty-calls:") else defect_of(parse(name))
