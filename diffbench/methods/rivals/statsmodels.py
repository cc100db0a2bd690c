"""statsmodels: one- and two-sided differences and the complex step of its numerical score functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffbench.methods.estimate import Estimate
from diffbench.methods.rivals.rival import rival

TESTED = "0.15.0"
MODULE = DOCS = "statsmodels.tools.numdiff"


@rival(package="statsmodels", tested=TESTED, docs=DOCS, module=MODULE, name="statsmodels.forward")
def forward(f: Any, x: Any) -> Estimate:
    """statsmodels.tools.numdiff.approx_fprime(np.array([x]), f)"""
    from statsmodels.tools.numdiff import approx_fprime

    return Estimate(approx_fprime(np.array([x]), f))


@rival(package="statsmodels", tested=TESTED, docs=DOCS, module=MODULE, name="statsmodels.centered")
def centered(f: Any, x: Any) -> Estimate:
    """statsmodels.tools.numdiff.approx_fprime(np.array([x]), f, centered=True)"""
    from statsmodels.tools.numdiff import approx_fprime

    return Estimate(approx_fprime(np.array([x]), f, centered=True))


@rival(
    package="statsmodels",
    tested=TESTED,
    docs=DOCS,
    module=MODULE,
    name="statsmodels.complex",
    formats=("float64",),
    lacks="complex numbers here are complex128",
)
def complex_step(f: Any, x: Any) -> Estimate:
    """statsmodels.tools.numdiff.approx_fprime_cs(np.array([x]), f)"""
    from statsmodels.tools.numdiff import approx_fprime_cs

    return Estimate(approx_fprime_cs(np.array([x]), f))
