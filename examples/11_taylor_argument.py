"""Why the forward difference is O(h) and the central one O(h^2): truncation beside its leading term.

The argument is on the page docs/textbook.md.
"""

import numpy as np
import pictures

import diffbench as db

X = 1.0


def f(x):
    return np.exp(np.sin(x))


second, third = (float(db.reference(f, X, derivative=k).value) for k in (2, 3))
leading = {"forward-1": lambda h: h / 2 * second, "central-2": lambda h: h**2 / 6 * third}

rows = db.sweep(f, X, formats=("float64",), stencils=tuple(leading)).frame
rows = rows[(rows["status"] == "ok") & (rows["h"] <= 0.01)]
for name, term in leading.items():
    curve = rows[rows["stencil"] == name]
    ratio = curve["truncation"] / term(curve["h"])
    print(
        f"{name}: truncation over leading term, from h = 1e-2 to {curve['h'].min():.0e}:",
        ratio.iloc[[0, -1]].tolist(),
    )
    assert np.all(
        np.abs(ratio - 1) < 2 * curve["h"] + 1e-15
    )  # the next term is smaller by a factor of h or more

with pictures.drawing():
    figure, (axes,) = pictures.canvas(
        "exp(sin x) at 1: truncation (points) and the first term of Taylor's series (lines)"
    )
    looks = {
        "forward-1": (pictures.VERMILLION, "o", "h/2 f''"),
        "central-2": (pictures.BLUE, "s", "h²/6 f'''"),
    }
    for name, (color, marker, text) in looks.items():
        curve = rows[rows["stencil"] == name].iloc[::8]
        axes.loglog(curve["h"], curve["truncation"].abs(), marker, ms=4, color=color, label=name)
        axes.loglog(curve["h"], abs(leading[name](curve["h"])), color=color, linewidth=0.9, label=text)
    axes.set(xlabel="step h", ylabel="truncation error")
    figure.legend(loc="upper left", bbox_to_anchor=(0.02, 0.93), ncols=4)
    pictures.save(figure, pictures.folder() / "taylor_argument")
