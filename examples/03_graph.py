"""The computation graph of x^2 + x at 2: the 5 that arrives at x is 4 by one way plus 1 by the other."""

import pictures

import diffbench as db
from diffbench.errors import DiffbenchError
from diffbench.graph import draw, to_dot

x = db.Variable(2.0, name="x")
y = x**2 + x
y.name = "y"
y.backward()
print("y =", y.data, " dy/dx =", x.grad)
assert float(y.data) == 6.0
assert float(x.grad) == 5.0

dot = to_dot(y, title="x² + x at 2")
assert 'label="x = 2\\ngrad 5"' in dot
assert 'label="y = 6\\ngrad 1"' in dot

folder = pictures.folder()
draw(dot, folder / "graph.dot")
try:
    draw(dot, folder / "graph.svg")
    draw(dot, folder / "graph.png")
except DiffbenchError as error:  # without Graphviz there is the text
    print(error)
