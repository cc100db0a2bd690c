"""The tangent line of 0.01 x^2 + 0.1 x at 5, with a slope that a difference quotient gave.

Saitoh, Deep Learning from Scratch, chapter 4.
"""

import numpy as np
import pictures

import diffbench as db


def f(x):
    return 0.01 * x**2 + 0.1 * x


def numerical(f, x, h=1e-4):
    return (f(x + h) - f(x - h)) / (2 * h)


def tangent(f, x, slope):
    """The line through (x, f(x))."""
    return lambda t: slope * (t - x) + f(x)


slope = numerical(f, 5)
print("slope at 5: ", slope, " by reverse mode:", db.grad(f)(5.0))
assert slope == 0.1999999999990898
assert numerical(f, 10) == 0.2999999999986347
assert abs(db.grad(f)(5.0) - 0.2) <= 2**-54

line = tangent(f, 5, slope)
assert line(5) == f(5)
t = np.linspace(0, 20, 201)
assert np.all(f(t) >= line(t) - 1e-11), "a convex function lies above its tangent"

with pictures.drawing():
    figure, (axes,) = pictures.canvas("0.01 x² + 0.1 x and its tangent at 5")
    axes.plot(t, f(t), color=pictures.BLUE, label="f")
    axes.plot(t, line(t), color=pictures.VERMILLION, linestyle="--", label=f"tangent, slope {slope}")
    axes.plot(5, f(5), "o", color=pictures.BLACK)
    axes.set(xlabel="x", ylabel="f(x)", xlim=(0, 20))
    figure.legend(loc="upper left", bbox_to_anchor=(0.02, 0.93), ncols=2)
    pictures.save(figure, pictures.folder() / "tangent_line")
