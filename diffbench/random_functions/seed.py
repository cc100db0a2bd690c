"""The seed of published tables, and the formats that random functions can be drawn in."""

from __future__ import annotations

from diffbench.arithmetic.formats import get_format
from diffbench.errors import UserError

#: Fixed by the commit in which the estimator was frozen (docs/auto.md): no constant was tuned on its cases.
#: Suites and benchmarks/random_set.py take it unless they name another. Tuning uses seeds below 1000.
SEED = 156845505

#: longdouble would need values that are more exact than float64.
FORMATS = ("float16", "bfloat16", "float32", "float64")


def check_format(name: str) -> str:
    """The name of a format of the set.

    Raises
    ------
    UserError
        No such format, or none that the set has.
    """
    fmt = get_format(name)
    if fmt.name not in FORMATS:
        raise UserError(f"the random functions have no {fmt.name}: use one of {', '.join(FORMATS)}")
    return fmt.name
