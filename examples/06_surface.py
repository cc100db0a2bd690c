"""The surface x0^2 + x1^2 and its partial derivatives at (3, 4): hold one, differentiate the other."""

import numpy as np
import pictures

import diffbench as db


def f(x):
    return x[0] ** 2 + x[1] ** 2


def numerical(f, x, h=1e-4):
    return (f(x + h) - f(x - h)) / (2 * h)


first = numerical(lambda x0: f((x0, 4.0)), 3.0)
second = numerical(lambda x1: f((3.0, x1)), 4.0)
print("partial derivatives at (3, 4), numerically:", first, second)
assert first == 6.00000000000378
assert second == 7.999999999999119

gradient = db.grad(f)(np.array([3.0, 4.0]))
print("the gradient, by one backward pass:        ", gradient)
assert gradient.tolist() == [6.0, 8.0]

# the picture -------------------------------------------------------------------------------------------

axis = np.linspace(-3, 3, 61)
x0, x1 = np.meshgrid(axis, axis)
height = f((x0, x1))
assert height.min() == 0 and height.max() == 18

with pictures.drawing():
    figure, (flat,) = pictures.canvas("x0² + x1²", columns=1, height=5, width=6.4)
    flat.remove()
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.86), projection="3d")
    axes.plot_surface(x0, x1, height, cmap="cividis", rstride=2, cstride=2, linewidth=0.2, edgecolor="white")
    axes.set(xlabel="x0", ylabel="x1", zlabel="f")
    axes.view_init(elev=28, azim=-60)
    pictures.save(figure, pictures.folder() / "surface")
