"""A chain of functions, differentiated three ways: by a difference, by hand, by walking the graph back.

The experiments of the first steps of Saitoh, Deep Learning from Scratch 3 (DeZero): x^2 at 2, and the
composite (exp(x^2))^2 at 0.5, with functions of one's own.
"""

import numpy as np
import pictures

import diffbench as db
from diffbench import Function, Variable


class Square(Function):
    def forward(self, x):
        return x**2

    def backward(self, gy):
        return 2 * self.input.data * gy


class Exp(Function):
    def forward(self, x):
        return np.exp(x)

    def backward(self, gy):
        return np.exp(self.input.data) * gy


def composite(x):
    return Square()(Exp()(Square()(x)))


def numerical(f, x, h=1e-4):
    """The central difference, from two forward passes."""
    return (f(Variable(x.data + h)).data - f(Variable(x.data - h)).data) / (2 * h)


# numerically -------------------------------------------------------------------------------------------

slope = numerical(lambda x: Square()(x), Variable(2.0))
print("x^2 at 2, numerically:            ", slope)
assert float(slope) == 4.000000000004

slope = numerical(composite, Variable(0.5))
print("(exp(x^2))^2 at 0.5, numerically: ", slope)
assert float(slope) == 3.2974426293330694

# forward: every result remembers the function that made it ---------------------------------------------

A, B, C = Square(), Exp(), Square()
x = Variable(0.5, name="x")
a = A(x)
b = B(a)
y = C(b)
print("forward:                          ", y.data)
assert float(y.data) == 1.648721270700128

assert y.creator is C
assert y.creator.input is b
assert y.creator.input.creator is B
assert y.creator.input.creator.input is a
assert y.creator.input.creator.input.creator is A
assert y.creator.input.creator.input.creator.input is x
assert A.output is a and B.output is b and C.output is y
assert x.creator is None

# backward, by hand -------------------------------------------------------------------------------------

y.grad = np.array(1.0)
b.grad = C.backward(y.grad)
a.grad = B.backward(b.grad)
x.grad = A.backward(a.grad)
print("backward, by hand:                ", x.grad)
assert float(x.grad) == 3.297442541400256

# backward, by itself -----------------------------------------------------------------------------------

for variable in (x, a, b, y):
    variable.cleargrad()
y.backward()
print("backward, by itself:              ", x.grad)
assert float(x.grad) == 3.297442541400256

# the picture: no step reaches what backpropagation gives -----------------------------------------------


def plain(x):
    return np.exp(x**2) ** 2


exact = db.reference(plain, 0.5)
gap = abs(float(exact.value - float(x.grad)))  # subtracted in 50 digits
assert gap <= 2**-51, "half a unit in the last place of 3.3, or little more"

rows = db.sweep(plain, 0.5, formats=("float64",), stencils=("forward-1", "central-2")).frame
rows = rows[(rows["status"] == "ok") & (rows["error"] != 0)]
with pictures.drawing():
    figure, (axes,) = pictures.canvas(
        "(exp(x²))² at 0.5 in float64: difference quotients and backpropagation"
    )
    looks = {"forward-1": (pictures.VERMILLION, "-"), "central-2": (pictures.BLUE, "--")}
    for name, (color, dash) in looks.items():
        curve = rows[rows["stencil"] == name]
        axes.loglog(curve["h"], curve["error"].abs(), color=color, linestyle=dash, label=name)
    axes.axhline(gap, color=pictures.GREEN, linestyle=":", label="backpropagation")
    axes.axvline(1e-4, color=pictures.GREY, linewidth=0.8)
    axes.text(1.2e-4, 1e-11, "h = 1e-4", color=pictures.GREY)
    axes.set(xlabel="step h", ylabel="absolute error")
    figure.legend(loc="upper left", bbox_to_anchor=(0.02, 0.93), ncols=3)
    pictures.save(figure, pictures.folder() / "chain_of_functions")

best = rows.loc[rows["stencil"] == "central-2", "error"].abs().min()
print("best of all steps, central:       ", best, " backpropagation:", gap)
