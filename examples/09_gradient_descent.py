"""Gradient descent on x0^2 + x1^2 from (-3, 4), driven by numerical and by automatic gradients side by side.

Saitoh, Deep Learning from Scratch, chapter 4; rates 10 and 1e-10 are its examples of too large and too small.
"""

import numpy as np
import pictures
from matplotlib.patches import Circle

import diffbench as db


def f(x):
    return x[0] ** 2 + x[1] ** 2


def numerical_gradient(x, h=1e-4):
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(len(x))])


def descend(gradient, rate, steps=100, start=(-3.0, 4.0)):
    """Every point on the way, shape (steps + 1, 2)."""
    path = [np.array(start)]
    for _ in range(steps):
        path.append(path[-1] - rate * gradient(path[-1]))
    return np.array(path)


by_difference, by_tape = descend(numerical_gradient, 0.1), descend(db.grad(f), 0.1)
print("100 steps of 0.1, numerical gradient:", by_difference[-1])
print("100 steps of 0.1, reverse mode:      ", by_tape[-1])
exact = np.array([-3.0, 4.0]) * 0.8**100  # every step multiplies by 1 - 2 * 0.1
assert np.allclose(by_difference[-1], [-6.11110793e-10, 8.14814391e-10], rtol=1e-8)
assert np.allclose(by_tape[-1], exact, rtol=1e-13)
assert np.abs(by_difference - by_tape).max() < 1e-11

far, still = descend(db.grad(f), 10.0), descend(db.grad(f), 1e-10)
print("rate 10:   ", far[-1], " rate 1e-10:", still[-1])
assert np.abs(far[-1]).min() > 1e100
assert np.allclose(still[-1], [-2.99999994, 3.99999992])

# the trap of the difference: its gradient loses all digits far out, and the run ends somewhere else
lost = descend(numerical_gradient, 10.0)
print("rate 10 with the numerical gradient: ", lost[-1])
assert np.allclose(lost[-1], [-2.58983747e13, -1.29524862e12], rtol=1e-8)

with pictures.drawing():
    figure, (plane, gaps) = pictures.canvas("Gradient descent on x0² + x1², rate 0.1", columns=2, wspace=0.25)
    for radius in (1, 2, 3, 4, 5):
        plane.add_patch(Circle((0, 0), radius, fill=False, color=pictures.GREY, lw=0.6))
    plane.plot(*by_tape.T, "o-", ms=8, mfc="none", color=pictures.GREEN, label="reverse mode")
    plane.plot(*by_difference.T, "x", ms=4, color=pictures.VERMILLION, label="central difference, h = 1e-4")
    plane.set(xlabel="x0", ylabel="x1", xlim=(-4, 4), ylim=(-2.5, 5), aspect="equal")
    for path, color, dash in ((by_tape, pictures.GREEN, "-"), (by_difference, pictures.VERMILLION, "--")):
        truth = np.array([-3.0, 4.0]) * 0.8 ** np.arange(101)[:, None]
        gap = np.abs(path - truth).max(axis=1)
        gaps.semilogy(np.where(gap > 0, gap, np.nan), color=color, linestyle=dash)  # a gap of 0 has no place
    gaps.set(xlabel="step", ylabel="distance from the exact iterate")
    figure.legend(*plane.get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(0.02, 0.93), ncols=2)
    pictures.save(figure, pictures.folder() / "gradient_descent")
