"""A step that is too small: what float16 makes of 1e-4 and 1e-50, and what that makes of the quotient."""

import numpy as np
import pictures

import diffbench as db

h = np.float16(1e-4)
print("np.float16(1e-4)  =", h, " which is", float(h))
assert float(h) == 0.00010001659393310547

vanished = np.float16(1e-50)
print("np.float16(1e-50) =", vanished)
assert vanished == 0


def quotient(x, h):
    """The forward difference quotient of x^2, as it is written."""
    return ((x + h) ** 2 - x**2) / h


x = np.float16(2)
assert x + h == x, "h is not lost, but x + h is x"
print("h = 1e-4:  (x + h)^2 - x^2 =", (x + h) ** 2 - x**2, " quotient", quotient(x, h))
assert quotient(x, h) == 0  # the true slope is 4

with np.errstate(invalid="ignore"):
    nothing = quotient(x, vanished)
print("h = 1e-50: 0/0 =", nothing)
assert np.isnan(nothing)

# 64 bits only move the limits
assert 1e-50 != 0 and 2.0 + 1e-50 == 2.0
assert quotient(2.0, 1e-50) == 0

# the picture -------------------------------------------------------------------------------------------

rows = db.sweep(lambda x: x**2, 2.0, formats=("float16",), stencils=("forward-1",)).frame
shown = rows[rows["h"] > 0]
vanish = shown["status"] == "step_vanished"
with pictures.drawing():
    figure, (axes,) = pictures.canvas("The slope of x² at 2 in float16, by (f(x + h) - f(x)) / h")
    axes.semilogx(
        shown["h"][~vanish],
        shown["estimate"][~vanish],
        "o-",
        ms=3,
        color=pictures.VERMILLION,
        label="quotient",
    )
    axes.semilogx(
        shown["h"][vanish],
        shown["estimate"][vanish],
        "x",
        ms=4,
        color=pictures.GREY,
        label="x + h rounds to x",
    )
    axes.axhline(4, color=pictures.BLUE, linestyle="--", label="true slope")
    axes.set(xlabel="step h", ylabel="estimate", ylim=(-0.5, 9))
    figure.legend(loc="upper left", bbox_to_anchor=(0.02, 0.93), ncols=3)
    pictures.save(figure, pictures.folder() / "vanishing_step")

assert (shown["estimate"][vanish] == 0).all() and vanish.any()
