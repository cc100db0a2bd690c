"""Smooth functions on their natural scale: where textbook error curves look like the textbook."""

import numpy as np

from diffbench.problems.registry import problem

GROUP = "smooth"

DUMONTET_VIGNES = "Dumontet & Vignes, RAIRO Anal. Numer. 11 (1977) 13-25, p. 23"
OLIVER = "Oliver, J. Comput. Appl. Math. 6 (1980) 145-160, table 1"
SQUIRE_TRAPP = "Squire & Trapp, SIAM Review 40 (1998) 110-112"
FORNBERG = "Fornberg, Math. Comp. 51 (1988) 699-706: stencils are exact on polynomials of low degree"


@problem(at=1.0, cite=DUMONTET_VIGNES, tags=("elementary", "textbook"))
def exp(x):
    return np.exp(x)


@problem(at=1.0, cite=DUMONTET_VIGNES, tags=("elementary", "textbook", "odd", "periodic"))
def sin(x):
    return np.sin(x)


@problem(at=1.0, cite="NIST DLMF, section 4.14", tags=("elementary", "even", "periodic"))
def cos(x):
    return np.cos(x)


@problem(at=1.5, cite=DUMONTET_VIGNES, tags=("elementary", "textbook"), domain=(0, np.inf))
def log(x):
    return np.log(x)


@problem(at=1.0, cite=DUMONTET_VIGNES, tags=("elementary", "textbook"), domain=(0, np.inf))
def sqrt(x):
    return np.sqrt(x)


@problem(at=0.5, cite=DUMONTET_VIGNES, tags=("elementary", "textbook", "odd"))
def arctan(x):
    return np.arctan(x)


@problem(at=0.5, cite="NIST DLMF, section 4.23", tags=("elementary", "odd"), domain=(-1, 1))
def arcsin(x):
    return np.arcsin(x)


@problem(at=1.0, cite="NIST DLMF, section 4.37", tags=("elementary", "odd"))
def arcsinh(x):
    return np.arcsinh(x)


@problem(at=1.0, cite=OLIVER, tags=("rational",), domain=(0, np.inf))
def reciprocal(x):
    return 1 / x


@problem(at=1.0, cite=FORNBERG, tags=("polynomial", "odd"))
def cube(x):
    return x**3


@problem(at=1.0, cite=FORNBERG, tags=("polynomial", "even"))
def fourth_power(x):
    return x**4


@problem(at=1.0, cite=OLIVER, tags=("elementary", "textbook"), scale=0.25)
def oliver_1(x):
    return np.exp(4 * x)


@problem(at=1.0, cite=OLIVER, tags=("composite", "textbook", "even"), scale=0.5)
def oliver_2(x):
    return np.exp(x**2)


@problem(at=1.5, cite=OLIVER, tags=("composite", "textbook"), domain=(0, np.inf))
def oliver_3(x):
    return x**2 * np.log(x)


# sin^3 + cos^3 = (sin + cos)(1 - sin cos) is positive on (-pi/4, 3 pi/4) and 0 at both ends
@problem(
    at=1.5,
    cite="Martins, Sturdza & Alonso, ACM TOMS 29 (2003) 245-262, figure 1",
    tags=("composite", "textbook", "complex-step"),
    domain=(-np.pi / 4, 3 * np.pi / 4),
    scale=0.5,
)
def martins(x):
    return np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3)


@problem(
    at=(0.75, 1.5),
    cite=SQUIRE_TRAPP,
    tags=("composite", "textbook", "complex-step"),
    domain=(-np.pi / 4, 3 * np.pi / 4),
    scale=0.5,
)
def squire_trapp(x):
    return np.exp(x) / (np.sin(x) ** 3 + np.cos(x) ** 3)


@problem(at=1.5, cite=SQUIRE_TRAPP, tags=("elementary", "textbook", "complex-step"), domain=(0, np.inf))
def nine_halves(x):
    return x**4.5


@problem(
    at=2.0,
    cite="Higham, Differentiation with(out) a difference (2018)",
    tags=("composite", "textbook", "complex-step"),
)
def higham(x):
    return np.arctan(x) / (1 + np.exp(-(x**2)))


@problem(
    at=1.0,
    cite="Trefethen, Spectral Methods in MATLAB (SIAM, 2000), chapter 3",
    tags=("composite", "periodic"),
)
def exp_of_sin(x):
    return np.exp(np.sin(x))


@problem(at=2.2, cite="NIST DLMF, sections 4.2 and 4.14", tags=("composite",))
def exp_times_sin(x):
    return np.exp(x) * np.sin(x)


@problem(at=1.0, cite="NIST DLMF, section 4.14", tags=("composite", "even", "periodic"))
def nested_cosines(x):
    return np.cos(np.sin(np.sin(np.cos(x))))


# poles at +-0.2i: the Taylor series at 1/4 converges to a distance of 0.32 only
@problem(
    at=0.25,
    cite="Runge, Zeitschrift fuer Mathematik und Physik 46 (1901) 224-243",
    tags=("rational", "even", "textbook"),
    scale=0.2,
)
def runge(x):
    return 1 / (1 + 25 * x**2)


@problem(at=2.5, cite="NIST DLMF, section 5.2", tags=("special", "scipy"), domain=(0, np.inf))
def gamma(x):
    from scipy import special

    return special.gamma(x)


@problem(at=2.5, cite="NIST DLMF, section 5.2", tags=("special", "scipy"), domain=(0, np.inf))
def log_gamma(x):
    from scipy import special

    return special.gammaln(x)


@problem(at=0.5, cite="NIST DLMF, section 7.2", tags=("special", "scipy", "odd"))
def error_function(x):
    from scipy import special

    return special.erf(x)
