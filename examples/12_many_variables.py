"""Several variables: a step and a bound for each coordinate, counted evaluations, a sparse Jacobian."""

import numpy as np
import pictures

import diffbench as db


def f(x):
    """Two coordinates of sizes a million times apart."""
    return np.exp(np.sin(x[0])) * np.log(x[1]) + 1e-12 * x[1] ** 2


x = np.array([0.75, 2e6])
exact = db.gradient(f, x, method="reverse").value
names = ["forward-1", "central-2", "central-4", "auto"]
found = {name: db.gradient(f, x, method=name) for name in names}
errors = {name: np.abs(g.value - exact) / np.abs(exact) for name, g in found.items()}
for name, g in found.items():
    print(f"{name:10} {g.evaluations:3} evaluations, steps {g.h}, relative errors {errors[name]}")
counts = [found[name].evaluations for name in names]
assert counts[:3] == [2 + 1, 2 * 2, 4 * 2]
assert found["central-2"].h[1] > 1e6 * found["central-2"].h[0], "each coordinate has its own step"
assert np.all(np.abs(found["auto"].value - exact) <= found["auto"].error), "auto bounds its error"


def tridiagonal(x):
    """Each output depends on its own coordinate and the neighbours: three entries in a row."""
    before, after = np.roll(x, 1, axis=0), np.roll(x, -1, axis=0)
    before[0], after[-1] = 0, 0
    return (3 - 2 * x) * x - before - 2 * after + 1


z = np.linspace(-1, 1, 1000)
jacobian = db.jacobian(tridiagonal, z, sparsity="detect")
print(f"sparse Jacobian: {jacobian.note}, {jacobian.evaluations} evaluations instead of {2 * len(z)}")
assert jacobian.groups.max() + 1 == 3
assert jacobian.evaluations == 6
assert np.allclose(jacobian.value.diagonal(), 3 - 4 * z, atol=1e-8)

with pictures.drawing():
    figure, (left, right) = pictures.canvas("Two coordinates of very different size", 2, legend_rows=0)
    places = np.arange(len(names))
    for k, colour in enumerate((pictures.BLUE, pictures.VERMILLION)):
        heights = [max(errors[name][k], 1e-17) for name in names]
        left.plot(places, heights, "os"[k], color=colour, label=f"x{k} = {x[k]:g}")
    left.set_yscale("log")
    left.set_xticks(places, names)
    left.set_title("relative error of the component")
    left.set_xlim(-0.5, 3.5)
    left.legend(loc="lower left")
    right.bar(places, counts, color=pictures.GREY)
    right.set_xticks(places, names)
    right.set_title("evaluations of f")
    pictures.save(figure, pictures.folder() / "many_variables")
