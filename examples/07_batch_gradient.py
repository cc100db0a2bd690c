"""The gradient of x0^2 + x1^2 at every point of a grid: the loop of the books, one call, and a trap.

The loop moves one component at a time, in place, and puts it back. Given integers it still runs, and answers
with numbers that have nothing to do with the gradient.
"""

import numpy as np
import pictures

import diffbench as db


def f(x):
    return np.sum(x**2, axis=-1)


def gradient_by_loop(f, x, h=1e-4):
    """Central differences, component by component, on the caller's own array."""
    gradient = np.zeros_like(x)
    for i in range(x.size):
        kept = x[i]
        x[i] = kept + h
        above = f(x)
        x[i] = kept - h
        below = f(x)
        gradient[i] = (above - below) / (2 * h)
        x[i] = kept
    return gradient


def gradients_at_once(f, points, h=1e-4):
    """The same differences for all points together: a copy of the batch per component and side."""
    moves = h * np.eye(points.shape[-1])
    return np.stack([(f(points + move) - f(points - move)) / (2 * h) for move in moves], axis=-1)


for point, expected in (([3.0, 4.0], [6, 8]), ([0.0, 2.0], [0, 4]), ([3.0, 0.0], [6, 0])):
    found = gradient_by_loop(f, np.array(point))
    print("gradient at", point, "by the loop:", found)
    assert np.allclose(found, expected, rtol=1e-11, atol=1e-11)

# the batch, three ways ---------------------------------------------------------------------------------

axis = np.linspace(-2, 2, 17)
grid = np.stack(np.meshgrid(axis, axis), axis=-1)
points = grid.reshape(-1, 2)
looped = np.array([gradient_by_loop(f, point) for point in points.copy()])
at_once = gradients_at_once(f, points)
reverse = db.grad(lambda x: np.sum(f(x)))(points)  # the sum's gradient holds the gradient of every point
assert np.array_equal(looped, at_once), "the same operations, so the same bits"
assert np.array_equal(reverse, 2 * points)
assert np.abs(looped - reverse).max() < 1e-11
print("batch of", len(points), "points: largest gap to reverse mode", np.abs(looped - reverse).max())

# the trap ----------------------------------------------------------------------------------------------

integers = np.array([3, 4])
wrong = gradient_by_loop(f, integers)
print("the loop on integers:", wrong, " (3 + 1e-4 is stored as 3, and 3 - 1e-4 as 2)")
assert wrong.tolist() == [25000, 35000]
assert db.grad(f)(integers).tolist() == [6.0, 8.0], "diffbench takes integers for float64, on purpose"

# the picture -------------------------------------------------------------------------------------------

with pictures.drawing():
    figure, (axes,) = pictures.canvas("The direction of steepest descent of x0² + x1²", height=5.4, width=5.6)
    axes.quiver(points[:, 0], points[:, 1], -at_once[:, 0], -at_once[:, 1], color=pictures.BLUE, angles="xy")
    axes.set(xlabel="x0", ylabel="x1", xlim=(-2.3, 2.3), ylim=(-2.3, 2.3), aspect="equal")
    pictures.save(figure, pictures.folder() / "batch_gradient")
