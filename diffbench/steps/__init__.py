"""How h is chosen; one module per family of rules.

* ``step_rules()``: every rule with a name, as a mapping name -> :class:`Rule`.
* ``find_rule("2^-10")``, ``find_rule("dumontet-vignes(relative=1e-15)")``: a rule by name, with its
  parameters, or a number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import import_module
from types import MappingProxyType

from diffbench.errors import UnknownNameError, UserError
from diffbench.steps.choice import RULES, Choice, Rule, rule

__all__ = ["RULES", "Choice", "Rule", "find_rule", "read_settings", "rule", "step_rules"]

FAMILIES = (
    "scaled",
    "constants",
    "oracle",
    "curtis_reid",
    "dumontet_vignes",
    "stepleman_winarsky",
    "gill_murray",
    "more_wild",
    "shi_xie",
    "mathur",
    "pnd",
    "pnd_kink",
    "fdm_bound",
)

_CALL = re.compile(r"([^()]+?)(?:\((.*)\))?")


@cache
def step_rules() -> Mapping[str, Rule]:
    """Every step rule with a name, in the order of the families; numbers are rules too."""
    for family in FAMILIES:
        import_module(f"{__name__}.{family}")
    return MappingProxyType(RULES)


@lru_cache(maxsize=512)
def find_rule(name: str) -> Rule:
    """The rule of that name.

    Raises
    ------
    UnknownNameError
        If there is none, or it has no such parameter; the message suggests the nearest.
    UserError
        If a number is not a positive one, or a parameter is not a number.
    """
    from diffbench.steps.constants import constant_rule, constant_value

    known = step_rules()
    text = str(name).strip()
    if (value := constant_value(text)) is not None or text.startswith("-"):
        if value is None or not 0 < value < float("inf"):
            raise UserError(f"the step {text!r} is not a positive finite number")
        return constant_rule(text, value)
    match = _CALL.fullmatch(text)
    if match is None or match[1] not in known:
        raise UnknownNameError("step rule", match[1] if match else text, known)
    return known[match[1]].with_settings(read_settings(text, match[2] or ""))


def read_settings(text: str, inside: str) -> dict[str, float]:
    """``a=1, b=2e-3`` as a mapping; ``text`` is the whole name, for the message."""
    settings = {}
    for part in filter(None, (p.strip() for p in inside.split(","))):
        key, equals, value = part.partition("=")
        try:
            settings[key.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals:
            raise UserError(f"write parameters as name=number, as in rule(relative=1e-15), not {text!r}")
    return settings
