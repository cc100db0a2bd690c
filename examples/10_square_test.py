"""A unittest of one's own Square: forward, backward, and a gradient check with a random input."""

import unittest

import numpy as np
import pictures

from diffbench import Function, Variable


class Square(Function):
    def forward(self, x):
        return x**2

    def backward(self, gy):
        return 2 * self.input.data * gy


def numerical(f, x, h=1e-4):
    return (f(Variable(x.data + h)).data - f(Variable(x.data - h)).data) / (2 * h)


def gradient(x):
    y = Square()(x)
    y.backward()
    return x.grad


class SquareTest(unittest.TestCase):
    def test_forward(self):
        self.assertEqual(Square()(Variable(2.0)).data, 4.0)

    def test_backward(self):
        self.assertEqual(gradient(Variable(3.0)), 6.0)

    def test_gradient_check(self):
        x = Variable(np.random.default_rng().random(1))
        y = Square()(x)
        y.backward()
        self.assertTrue(np.allclose(x.grad, numerical(lambda v: Square()(v), x)))


result = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(SquareTest))
assert result.wasSuccessful() and result.testsRun == 3

# np.allclose lets pass what is within 1e-8 + 1e-5 |b|: a factor of 1.00001 goes unseen, in every format
points = np.random.default_rng(1).random(200)
gaps = np.array(
    [abs(float(gradient(Variable(p)) - numerical(lambda v: Square()(v), Variable(p)))) for p in points]
)
allowed = 1e-8 + 1e-5 * 2 * points
assert np.all(gaps < allowed / 100)
assert np.allclose(2 * points * (1 + 5e-6), 2 * points)

with pictures.drawing():
    figure, (axes,) = pictures.canvas(
        "The gradient check of x²: what is measured, and what np.allclose lets pass"
    )
    axes.semilogy(
        points, np.maximum(gaps, 1e-16), "o", ms=3, color=pictures.BLUE, label="gap to the central difference"
    )
    order = np.argsort(points)
    axes.semilogy(
        points[order], allowed[order], "--", color=pictures.VERMILLION, label="allowed by np.allclose"
    )
    axes.set(xlabel="x", ylabel="gap", ylim=(5e-17, 1e-3))
    figure.legend(loc="upper left", bbox_to_anchor=(0.02, 0.93), ncols=2)
    pictures.save(figure, pictures.folder() / "square_test")
