"""Reverse mode: a graph recorded while a plain NumPy program runs, and walked back for its gradient.

* :mod:`~diffbench.arithmetic.tape.variable`: what a program sees.
* :mod:`~diffbench.arithmetic.tape.function`: one node of the graph, forward and backward.
* :mod:`~diffbench.arithmetic.tape.backward`: the walk.
* ``elementwise``, ``moving``, ``reductions``, ``numpy_calls``: NumPy's functions as nodes.
* :mod:`~diffbench.arithmetic.tape.arithmetic`: a format whose numbers are Variables.
* :mod:`~diffbench.arithmetic.tape.gradient`: ``grad(f)``.
"""

from diffbench.arithmetic.tape.arithmetic import TapeArithmetic, as_variable
from diffbench.arithmetic.tape.function import Function, no_grad
from diffbench.arithmetic.tape.gradient import grad
from diffbench.arithmetic.tape.variable import Variable

__all__ = ["Function", "TapeArithmetic", "Variable", "as_variable", "grad", "no_grad"]
