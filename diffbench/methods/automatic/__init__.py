"""``auto``: a first or second derivative with an error bound, for a function known only by its values.

* ``estimate(sample, x, fmt)``: one point -> :class:`Result` (value, bound, evaluations, status, reason, and
  what was seen on the way: noise, f'', f''', the length of the function, every pair h, D, E).
* ``estimate_many(sample, points, fmt)``: many points, their nodes sampled together.
* ``second_steps``: the engine of the second derivative, as ``estimate_many(..., engine=second_steps)``.
* ``estimate_array(sample, x, fmt)``: many points as arrays; easy ones are treated in blocks.
"""

from diffbench.methods.automatic.drive import Columns, estimate, estimate_array, estimate_many
from diffbench.methods.automatic.engine import Result
from diffbench.methods.automatic.second import second_steps

__all__ = ["Columns", "Result", "estimate", "estimate_array", "estimate_many", "second_steps"]
