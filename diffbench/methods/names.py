"""The names of methods that are a stencil with a step rule, and which of them are listed.

    STENCIL[/VARIANT]@RULE[(PARAMETER=NUMBER, ...)][:ROUNDING]

``central-2@1e-4``, ``central-4@eps-scaled:plain``, ``central-2/mixed@2^-4``,
``central-2@dumontet-vignes(relative=1e-15)``, ``custom(-1,0,2)@dyadic``. The variant is ``integer`` (the
default), ``float`` or ``mixed``; the rounding ``plain``, ``representable`` or ``power-of-two``, by default
the rule's own. Every valid combination is a method, whether listed or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module

from diffbench.arithmetic.formats import formats
from diffbench.errors import UnknownNameError, UserError
from diffbench.methods.estimators import ESTIMATORS, Estimator
from diffbench.methods.finite_differences import VARIANTS
from diffbench.methods.method import Method
from diffbench.methods.step_rules import Plan
from diffbench.stencils import stencil_from_name, stencil_names
from diffbench.steps import find_rule, read_settings, step_rules
from diffbench.steps.rounding import ROUNDINGS

DEFAULT_RULE = "eps-scaled"


@lru_cache(maxsize=2048)
def stencil_method(name: str) -> Method:
    """The method of that name: ``stencil@rule``, or a bare stencil with the default rule.

    Raises
    ------
    UnknownNameError
        If a part of the name does not exist; the message suggests the nearest.
    UserError
        If the parts exist but do not go together.
    """
    formula, at, how = name.partition("@")
    stencil, slash, variant = _split(formula)
    if slash and variant not in VARIANTS:
        raise UnknownNameError("variant", variant, VARIANTS)
    made = stencil_from_name(stencil)
    chosen, colon, rounding = how.partition(":") if at else (DEFAULT_RULE, "", "")
    if colon and rounding not in ROUNDINGS:
        raise UnknownNameError("rounding of a step", rounding, ROUNDINGS)
    rule = find_rule(chosen)
    if rule.stencils is not None and made.name not in rule.stencils:
        raise UserError(f"the step rule {rule.name} is for {' and '.join(rule.stencils)}, not {made.name}")
    plan = Plan(stencil, rule, variant or "integer", rounding or rule.rounding)
    half = tuple(f for f, fmt in formats().items() if fmt.precision < 24)
    return Method(
        name,
        plan.estimate,
        rule=rule.name,
        derivatives=rule.derivatives,
        formats=half if variant == "mixed" else None,
        source=rule.source,
        oracle=rule.kind == "oracle",
        takes_step=not at,
    )


def _split(formula: str) -> tuple[str, str, str]:
    """Stencil, "/" and variant; the slash of an offset, custom(0,1/3,1), is not one."""
    stencil, slash, variant = formula.rpartition("/")
    return (stencil, slash, variant) if slash and not variant.endswith(")") else (formula, "", "")


@lru_cache(maxsize=512)
def plain_method(name: str) -> Method | None:
    """An estimator with parameters in its name, ``ridders(start=0.5)``, or None if there is no such
    estimator.

    Raises
    ------
    UnknownNameError
        If it has no such parameter.
    """
    plain, bracket, inside = name.partition("(")
    known = estimators()
    if plain not in known or (bracket and not inside.endswith(")")):
        return None
    found = known[plain]
    return (found.with_settings(name, read_settings(name, inside[:-1])) if bracket else found).method()


def estimators() -> Mapping[str, Estimator]:
    """The methods that are one function, by name."""
    for module in ("extrapolation", "complex_plane", "cauchy"):
        import_module(f"diffbench.methods.{module}")
    return ESTIMATORS


def near(name: str, listed: Iterable[str]) -> list[str]:
    """Names a mistyped one may have meant: listed ones, and its own parts put right."""
    formula, at, how = name.partition("@")
    choices = list(listed)
    if at:
        stencil, slash, variant = _split(formula)
        rule, colon, rounding = how.partition(":")
        stencils = get_close_matches(stencil, stencil_names(1), n=1, cutoff=0.6)
        variants = get_close_matches(variant, VARIANTS, n=1) if slash else [""]
        rules = get_close_matches(rule, step_rules(), n=2, cutoff=0.6) or [rule]
        roundings = get_close_matches(rounding, ROUNDINGS, n=1) if colon else [""]
        choices += [
            f"{s}{slash}{v}@{r}{colon}{w}"
            for s in stencils
            for v in variants
            for r in rules
            for w in roundings
        ]
    return [choice for choice in dict.fromkeys(choices) if choice != name]


# What `diffbench list methods` and a tournament take: stencils with the rules that make sense for them.
_SCALINGS = (
    "eps-absolute",
    "eps-relative",
    "eps-statsmodels",
    "eps-plus-one",
    "eps-finitediff",
    "eps-log",
    "pnd-stepx",
    "numerical-recipes",
)
LISTED: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("central-2",), ("1e-2", "1e-3", "1e-4", "1e-5", "1e-6", "1e-7", "1e-8", "1/1024")),
    (("forward-1",), ("1e-4", "1e-6", "1e-7", "1e-8")),
    (("central-4", "central-6"), ("1e-2", "1e-3")),
    (
        ("forward-1", "central-2", "central-4", "central-6", "central-8", "forward-2"),
        ("eps-scaled", "dyadic"),
    ),
    (("forward-1", "central-2"), (*_SCALINGS, "nash")),
    (("central-2",), ("eps-scaled:plain", "eps-scaled:representable", "numderiv-start")),
    (("central-2", "central-2/mixed"), ("theano", "jax-half")),
    (("central-2/mixed",), ("1e-3", "1/1024", "1e-4", "1e-6", "dyadic", "eps-scaled")),
    (("central-4/mixed",), ("dyadic", "eps-scaled")),
    (("forward-1", "central-2", "central-4", "central-6", "central-8"), ("boost",)),
    (("forward-1", "central-2", "central-4", "central-6"), ("model-optimum",)),
    (("forward-1", "central-2"), ("numerical-recipes-true",)),
    (("forward-1",), ("gill-murray", "more-wild", "shi-xie-forward")),
    (
        ("central-2",),
        (
            "curtis-reid",
            "dumontet-vignes",
            "stepleman-winarsky",
            "shi-xie-central",
            "pnd-plugin",
            "pnd-curtis-reid",
            "pnd-kink",
        ),
    ),
    (("central-2", "central-4"), ("mathur",)),
    (("central-4", "central-6"), ("shi-xie",)),
    (("forward-2", "central-2", "central-4", "central-6"), ("fdm-bound",)),
)


def listed_names() -> list[str]:
    """The curated combinations, each once, by stencil and rule."""
    return list(dict.fromkeys(f"{s}@{r}" for stencils, rules in LISTED for s in stencils for r in rules))
