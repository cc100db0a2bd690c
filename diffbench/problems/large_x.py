"""Points where |x| is large: x + h rounds, and the rounded abscissa costs more than the rounded value."""

import numpy as np

from diffbench.problems.registry import problem

GROUP = "large x"


# sin varies over lengths of 1 wherever it is
@problem(at=1000.0, cite="NIST DLMF, section 4.14", tags=("elementary", "odd", "periodic"), scale=1.0)
def sin_at_1000(x):
    return np.sin(x)


@problem(at=128.0, cite="NIST DLMF, section 4.2", tags=("polynomial", "even"))
def square_at_128(x):
    return x**2


@problem(
    at=0.1, cite="Higham, Accuracy and Stability of Numerical Algorithms, chapter 1", tags=("polynomial",)
)
def hundred_plus_x(x):
    return 100 + x


@problem(at=4096.0, cite="NIST DLMF, section 4.2", tags=("elementary",), domain=(0, np.inf))
def log_at_4096(x):
    return np.log(x)


@problem(at=1000.0, cite="NIST DLMF, section 4.23", tags=("elementary", "odd"))
def arctan_at_1000(x):
    return np.arctan(x)


@problem(at=1024.0, cite="NIST DLMF, section 5.11", tags=("composite",), domain=(0, np.inf))
def x_log_x(x):
    return x * np.log(x)
