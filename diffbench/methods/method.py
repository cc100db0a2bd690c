"""What a method is: a name, what it costs to have it, and one function that estimates derivatives.

A family of methods is a module (or a folder) with a function that lists its methods; the registry in
:mod:`diffbench.methods` joins the families. A method never sees where its function came from, whether its
calls are counted, or what the true derivative is (``oracle`` methods excepted, which are marked).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from diffbench.arithmetic.formats import Format
from diffbench.methods.estimate import Estimate
from diffbench.stencils import Stencil, stencil_from_name

#: What a method does: (program, format, points of the format's dtype, derivative order) -> Estimate.
Estimator = Callable[..., Estimate]

FAMILIES = (
    "stencil",  # a stencil at a step that a rule or a selector chose
    "extrapolation",
    "complex plane",
    "autodiff",
    "automatic",
    "rival",
)


@dataclass(frozen=True)
class Method:
    """Anything that returns a derivative estimate, as ``methods()`` lists it.

    Attributes
    ----------
    name : str
        ``stencil@rule`` or a plain name; a bare stencil name uses the default rule.
    estimate : callable
        ``estimate(f, format, points, derivative)`` -> Estimate, with ``points`` an array of the format's
        dtype. It takes ``step=`` too if ``takes_step``, and ``truth=`` if ``oracle``: a callable, order k ->
        the true f^(k) at the points (float64).
    family : str
        One of ``FAMILIES``.
    rule : str
        How the step is chosen, for methods that have one.
    derivatives : tuple of int or None
        The orders it can do; None means any from 1 on.
    formats : tuple of str or None
        The formats it accepts; None means every format. ``lacks`` says why not the others.
    available : bool
        Whether what it needs is installed; ``extra`` names the extra that installs it.
    source : str
        Where it is described.
    prepare : callable or None
        Imports and caches of the first use. It is called before any call that is limited in time: a limit
        that strikes during an import would leave a library broken for the rest of the process.
    """

    name: str
    estimate: Estimator
    family: str = "stencil"
    rule: str = "none"
    derivatives: tuple[int, ...] | None = None
    formats: tuple[str, ...] | None = None
    available: bool = True
    extra: str = ""
    source: str = ""
    oracle: bool = False
    takes_step: bool = False
    lacks: str = ""
    prepare: Callable[[], None] | None = None

    def refusal(self, fmt: Format, derivative: int) -> str:
        """Why the method cannot do this, or an empty text."""
        if self.derivatives is not None and derivative not in self.derivatives:
            listed = ", ".join(map(str, self.derivatives))
            return f"{self.name} does derivatives of order {listed}, not {derivative}"
        if self.formats is not None and fmt.name not in self.formats:
            why = f" ({self.lacks})" if self.lacks else ""
            return f"{self.name} has no {fmt.name}{why}: use one of {', '.join(self.formats)}"
        if not self.available:
            return f"{self.name} is not installed: pip install 'diffbench[{self.extra}]'"
        return ""

    def stencil(self, derivative: int) -> Stencil:
        """The stencil of a ``stencil@rule`` method."""
        return stencil_from_name(self.name.partition("@")[0], derivative=derivative)

    def __str__(self) -> str:
        return self.name if self.rule == "none" or "@" in self.name else f"{self.name}@{self.rule}"
