"""NumPy's elementary functions under their own names, for numbers and arrays that are no Variables yet.

``square(0.5)`` is ``np.square(Variable(0.5))``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffbench.arithmetic.tape.arithmetic import as_variable


def _recorded(function: Callable[..., Any]) -> Callable[[Any], Any]:
    def call(x: Any) -> Any:
        return function(as_variable(x))

    call.__name__ = call.__qualname__ = function.__name__
    call.__doc__ = f"``np.{function.__name__}``, recorded: a Variable for anything that can be one."
    return call


square, sqrt, absolute = _recorded(np.square), _recorded(np.sqrt), _recorded(np.absolute)
exp, expm1, log, log1p = _recorded(np.exp), _recorded(np.expm1), _recorded(np.log), _recorded(np.log1p)
sin, cos, tan = _recorded(np.sin), _recorded(np.cos), _recorded(np.tan)
sinh, cosh, tanh = _recorded(np.sinh), _recorded(np.cosh), _recorded(np.tanh)
sum, mean = _recorded(np.sum), _recorded(np.mean)
