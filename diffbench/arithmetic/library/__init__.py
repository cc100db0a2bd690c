"""Another library's arrays as an arithmetic: the plain NumPy program runs in the library's own functions.

* :mod:`~diffbench.arithmetic.library.arithmetic`: what a library must tell, and how calls reach it.
* :mod:`~diffbench.arithmetic.library.values`: what a program sees.
* :mod:`~diffbench.arithmetic.library.formulas`: what NumPy composes of other calls.
"""

from diffbench.arithmetic.library.arithmetic import LibraryArithmetic

__all__ = ["LibraryArithmetic"]
