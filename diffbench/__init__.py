"""Measure, split and explain the error of numerical derivatives.

* ``sweep(f, x)``: the error of stencils over a grid of steps, split into five exact parts.
* ``reference(f, x)``: the true derivative at the exact point, with a guaranteed radius.
* ``stencil("central", accuracy=4)``: exact weights and error constants.
* ``derivative(f, x)``: one estimate by one method.
* ``tournament()``: every method on every problem, ranked; ``diffbench compare`` does it for one function.
* ``check_gradient(f, gradient, x)``: is this gradient right? Judged per component, in the format it runs in.
* ``gradient(f, x)``, ``jacobian``, ``hessian``, ``directional(f, x, v)``, ``partial(f, x, (2, 0, 1))``.
* ``grad(f)``, ``Variable``, ``Function``, ``no_grad``: reverse mode.
* ``problems()``, ``methods()``, ``formats()``: what there is, by name.

A public name is imported when it is first used (PEP 562), so ``import diffbench`` stays cheap.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspect import Signature

    from diffbench import errors as errors
    from diffbench.advice import Advice as Advice
    from diffbench.advice import advise as advise
    from diffbench.arithmetic.formats import formats as formats
    from diffbench.arithmetic.tape import Function as Function
    from diffbench.arithmetic.tape import Variable as Variable
    from diffbench.arithmetic.tape import grad as grad
    from diffbench.arithmetic.tape import no_grad as no_grad
    from diffbench.gradient_check import GradientCheck as GradientCheck
    from diffbench.gradient_check import check_gradient as check_gradient
    from diffbench.methods import Estimate as Estimate
    from diffbench.methods import derivative as derivative
    from diffbench.methods import methods as methods
    from diffbench.multivariate import Partials as Partials
    from diffbench.multivariate import directional as directional
    from diffbench.multivariate import gradient as gradient
    from diffbench.multivariate import hessian as hessian
    from diffbench.multivariate import jacobian as jacobian
    from diffbench.multivariate import partial as partial
    from diffbench.opaque import OpaqueFunction as OpaqueFunction
    from diffbench.opaque import command as command
    from diffbench.opaque import opaque as opaque
    from diffbench.problems import problems as problems
    from diffbench.reference import Reference as Reference
    from diffbench.reference import reference as reference
    from diffbench.stencils import Stencil as Stencil
    from diffbench.stencils import stencil as stencil
    from diffbench.sweep import Sweep as Sweep
    from diffbench.sweep import sweep as sweep
    from diffbench.tournament import Tournament as Tournament
    from diffbench.tournament import tournament as tournament

    __version__: str

# public name -> the submodule it lives in
_HOMES = {
    "Advice": "advice",
    "Estimate": "methods",
    "Function": "arithmetic.tape",
    "GradientCheck": "gradient_check",
    "OpaqueFunction": "opaque",
    "Partials": "multivariate",
    "Reference": "reference",
    "Stencil": "stencils",
    "Sweep": "sweep",
    "Tournament": "tournament",
    "Variable": "arithmetic.tape",
    "advise": "advice",
    "check_gradient": "gradient_check",
    "command": "opaque",
    "derivative": "methods",
    "directional": "multivariate",
    "errors": "errors",
    "formats": "arithmetic.formats",
    "grad": "arithmetic.tape",
    "gradient": "multivariate",
    "hessian": "multivariate",
    "jacobian": "multivariate",
    "methods": "methods",
    "no_grad": "arithmetic.tape",
    "opaque": "opaque",
    "partial": "multivariate",
    "problems": "problems",
    "reference": "reference",
    "stencil": "stencils",
    "sweep": "sweep",
    "tournament": "tournament",
}

__all__ = [*_HOMES, "__version__"]

# Six functions share their name with the submodule they live in, and Python gives such a name to the
# submodule as soon as anything imports it:
#
#     import diffbench as db
#     db.sweep(f, 1.0)                       # the function
#     from diffbench.sweep import Sweep      # now Python sets db.sweep to the *module*
#     db.sweep(f, 1.0)                       # TypeError: 'module' object is not callable
#
# So these submodules can be called, and calling one calls its function. db.sweep is then one object in
# every import order, and `import diffbench.sweep as m` still gives a module with all that is in it.
_CALLED_LIKE_THEIR_MODULE = frozenset(name for name, home in _HOMES.items() if name == home != "errors")


class _CallableModule(ModuleType):
    """A submodule that passes a call on to the function of its own name."""

    @property
    def _function(self) -> Any:
        return getattr(self, self.__name__.rpartition(".")[2])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    @property
    def __signature__(self) -> Signature:  # what inspect.signature and editors show
        from inspect import signature

        return signature(self._function)

    def __reduce__(self) -> tuple[Any, ...]:  # db.sweep can be sent to another process, as a function can
        return import_module, (self.__name__,)


class _Package(ModuleType):
    """This package: it notices the import of its submodules, by whatever route."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in _CALLED_LIKE_THEIR_MODULE and isinstance(value, ModuleType):
            value.__class__ = _CallableModule
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = _version()
    elif name in _HOMES:
        module = import_module(f"{__name__}.{_HOMES[name]}")
        value = module if name == _HOMES[name] else getattr(module, name)
    else:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message, name=name, obj=sys.modules[__name__])
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(__name__)
    except PackageNotFoundError:  # imported from a folder, not installed
        return "0+unknown"
