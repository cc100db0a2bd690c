"""The derivative along a direction v is the gradient times v: one number from one line through the point."""

import numpy as np
import pictures

import diffbench as db


def f(x):
    return x[0] ** 2 + x[1] ** 2


def along(x, v):
    """The function on the line x + t v, of the one variable t."""
    return lambda t: f((x[0] + t * v[0], x[1] + t * v[1]))


x = np.array([3.0, 4.0])
gradient = db.grad(f)(x)
v = np.array([0.6, -0.8])
assert abs(np.sum(v**2) - 1) < 1e-15

numerical = db.derivative(along(x, v), 0.0, method="central-2", step=1e-4).value
forward = db.derivative(along(x, v), 0.0, method="jet").value
product = np.sum(gradient * v)
print(
    "along (0.6, -0.8) at (3, 4): difference",
    numerical,
    " forward mode",
    forward,
    " gradient times v",
    product,
)
assert abs(product - (6 * 0.6 - 8 * 0.8)) < 1e-15
assert abs(forward - product) < 1e-14
assert abs(numerical - product) < 1e-10

angles = np.linspace(0, 2 * np.pi, 361)
slopes = np.array(
    [db.derivative(along(x, (np.cos(a), np.sin(a))), 0.0, method="jet").value for a in angles[::5]]
)
steepest = angles[::5][np.argmax(slopes)]
print("steepest at", np.degrees(steepest), "degrees; the gradient points to", np.degrees(np.arctan2(8, 6)))
assert abs(slopes.max() - 10) < 0.02, "the length of the gradient (6, 8), at one of the sampled angles"
assert abs(np.degrees(steepest) - np.degrees(np.arctan2(8, 6))) <= 2.5

with pictures.drawing():
    figure, (axes,) = pictures.canvas("x0² + x1² at (3, 4): the slope in every direction")
    axes.plot(
        np.degrees(angles),
        gradient @ [np.cos(angles), np.sin(angles)],
        color=pictures.BLUE,
        label="gradient · v",
    )
    axes.plot(
        np.degrees(angles[::5]), slopes, "o", ms=3, color=pictures.VERMILLION, label="derivative along v"
    )
    axes.axvline(
        np.degrees(np.arctan2(8, 6)), color=pictures.GREY, linestyle=":", label="direction of the gradient"
    )
    axes.axhline(0, color=pictures.GREY, linewidth=0.6)
    axes.set(xlabel="direction of v in degrees", ylabel="slope", xlim=(0, 360), xticks=range(0, 361, 45))
    figure.legend(loc="upper left", bbox_to_anchor=(0.02, 0.93), ncols=3)
    pictures.save(figure, pictures.folder() / "directional_derivative")
