"""The same derivatives of plain NumPy functions: nothing is written for differentiation."""

import numpy as np
import pictures

import diffbench as db


def square(x):
    return x**2


def composite(x):
    return np.exp(x**2) ** 2


slope = db.derivative(square, 2.0, method="central-2", step=1e-4).value
print("x^2 at 2, central difference:          ", slope)
assert slope == 4.000000000004

slope = db.derivative(composite, 0.5, method="central-2", step=1e-4).value
print("(exp(x^2))^2 at 0.5, central:          ", slope)
assert slope == 3.2974426293330694

value, slope = composite(0.5), db.grad(composite)(0.5)
print("forward and reverse mode:              ", value, slope)
assert value == 1.648721270700128
assert slope == 3.297442541400256
assert db.grad(square)(2.0) == 4.0

second = db.grad(db.grad(composite))(0.5)
print("second derivative, reverse over reverse:", second)
assert abs(second - 8 * np.exp(0.5)) < 1e-14  # (4 + 16 x^2) exp(2 x^2) at 0.5

# the picture: the error over an interval ---------------------------------------------------------------

points = np.linspace(0.05, 1.5, 59)
truth = [db.reference(composite, p) for p in points]
reverse = db.grad(lambda x: np.sum(composite(x)))(points)
central = np.asarray(db.derivative(composite, points, method="central-2", step=1e-4))


def relative(estimates):
    gaps = [abs(float((t.value - float(e)) / t.value)) for t, e in zip(truth, estimates, strict=True)]
    return np.maximum(gaps, 1e-17)


with pictures.drawing():
    figure, (axes,) = pictures.canvas("The derivative of (exp(x²))² in float64: how far from the truth")
    axes.semilogy(
        points, relative(central), "s--", ms=3, color=pictures.BLUE, label="central difference, h = 1e-4"
    )
    axes.semilogy(points, relative(reverse), "o-", ms=3, color=pictures.GREEN, label="reverse mode")
    axes.axhspan(1e-17, 2**-53, color=pictures.PALE, zorder=0, label="below the unit roundoff")
    axes.set(xlabel="x", ylabel="relative error", ylim=(1e-17, 1e-5))
    figure.legend(loc="upper left", bbox_to_anchor=(0.02, 0.93), ncols=3)
    pictures.save(figure, pictures.folder() / "plain_numpy")

assert relative(reverse).max() < 20 * 2**-53
assert relative(central).min() > 1e-9
