"""Programs that subtract nearly equal numbers inside f: its error is far above one ulp of its value."""

import numpy as np

from diffbench.problems.registry import problem

GROUP = "cancellation in f"

SHI = "Shi, Xie, Xuan & Nocedal, SIAM J. Sci. Comput. 44 (2022) A2302-A2321, arXiv:2110.06380"
HAMMING = "Hamming, Numerical Methods for Scientists and Engineers, chapter 3"


@problem(at=-8.0, cite=SHI, tags=("composite", "textbook"), scale=1.0)
def exp_minus_one_squared(x):
    return (np.exp(x) - 1) ** 2


@problem(
    at=(1.0, 2.0**-10),
    cite="Gill, Murray, Saunders & Wright, SIAM J. Sci. Stat. Comput. 4 (1983) 310-321, equation 4",
    tags=("composite", "textbook"),
)
def gill_murray(x):
    return (np.exp(x) - 1) ** 2 + (1 / np.sqrt(1 + x**2) - 1) ** 2


@problem(at=0.99999, cite=SHI, tags=("polynomial", "textbook"))
def quartic_near_minimum(x):
    return x**4 + 3 * x**2 - 10 * x


@problem(
    at=2.0**-10,
    cite="Higham, Accuracy and Stability of Numerical Algorithms, chapter 1",
    tags=("composite", "textbook"),
)
def exp_minus_one_over_x(x):
    return (np.exp(x) - 1) / x


@problem(
    at=2.0**-5,
    cite="Higham, Accuracy and Stability of Numerical Algorithms, section 1.7",
    tags=("composite", "textbook", "even"),
)
def one_minus_cos(x):
    return (1 - np.cos(x)) / x**2


@problem(
    at=2.0**-10,
    cite="Goldberg, ACM Computing Surveys 23 (1991) 5-48",
    tags=("elementary",),
    domain=(-1, np.inf),
)
def log_of_one_plus(x):
    return np.log(1 + x)


# (x - 2)^9 multiplied out: values near 1e-8 from terms near 1e5
@problem(
    at=2.125,
    cite="Demmel, Applied Numerical Linear Algebra (SIAM, 1997), chapter 1",
    tags=("polynomial", "textbook", "overflow"),
)
def ninth_power_expanded(x):
    return (
        x**9
        - 18 * x**8
        + 144 * x**7
        - 672 * x**6
        + 2016 * x**5
        - 4032 * x**4
        + 5376 * x**3
        - 4608 * x**2
        + 2304 * x
        - 512
    )


@problem(at=1000.0, cite=HAMMING, tags=("composite", "textbook"), domain=(0, np.inf))
def sqrt_difference(x):
    return np.sqrt(x + 1) - np.sqrt(x)


@problem(at=100.0, cite=HAMMING, tags=("rational", "textbook"), domain=(0, np.inf))
def reciprocal_difference(x):
    return 1 / (x + 1) - 1 / x
