"""Numbers and names as a person would write them.

* ``number(0.0000123)`` gives ``1.23×10⁻⁵``; ``power_of_ten(-8)`` gives ``10⁻⁸``; ``percent(0.25)`` ``25 %``.
* ``NONE`` stands wherever a value does not exist; every table that shows it says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

NONE = "–"
_STUCK = "\u00a0"  # a space that does not break a line
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_DERIVATIVES = {0: "function", 1: "first derivative", 2: "second derivative", 3: "third derivative"}


def number(value: object, digits: int = 3) -> str:
    """A number with `digits` significant digits, in powers of ten outside 0.001 to 99999; `NONE` for NaN.

    >>> number(0.00625), number(1.2345e-5), number(float("inf")), number(float("nan")), number(40)
    ('0.00625', '1.23×10⁻⁵', '∞', '–', '40')
    """
    try:
        x = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return NONE
    if math.isnan(x):
        return NONE
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    if x == 0:
        return "0"
    mantissa, exponent = f"{abs(x):.{digits - 1}e}".split("e")
    sign, power = "−" if x < 0 else "", int(exponent)
    if -3 <= power < 5:
        plain = f"{float(mantissa + 'e' + exponent):.{max(digits - 1 - power, 0)}f}"
        return sign + (plain.rstrip("0").rstrip(".") if "." in plain else plain)
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{sign}{power_of_ten(power)}" if mantissa == "1" else f"{sign}{mantissa}×{power_of_ten(power)}"


def fixed(value: object, decimals: int = 1) -> str:
    """A number with a fixed count of decimals, as in a column of digits; `NONE` for NaN or None."""
    try:
        x = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return NONE
    if not math.isfinite(x):
        return number(x)
    return f"{x:.{decimals}f}".replace("-", "−")


def power_of_ten(exponent: int) -> str:
    """``10⁻⁸`` for -8, in characters that read the same in a figure, in Markdown and on a terminal."""
    return "1" if exponent == 0 else "10" if exponent == 1 else "10" + str(exponent).translate(_SUPERSCRIPT)


def percent(share: float) -> str:
    """A share of 1 as a percentage without decimals, never rounded to 0 or 100 unless it is."""
    if math.isnan(share):
        return NONE
    if 0 < share < 0.01:
        return f"under 1{_STUCK}%"
    if 0.99 < share < 1:
        return f"over 99{_STUCK}%"
    return f"{100 * share:.0f}{_STUCK}%"


def derivative_name(order: int) -> str:
    """``first derivative`` for 1; ``4th derivative`` for 4."""
    return _DERIVATIVES.get(order, f"{order}th derivative")


def derivative_symbol(order: int) -> str:
    """``f′(x)`` for 1, ``f⁽⁴⁾(x)`` for 4."""
    mark = (
        "′″‴"[order - 1]
        if 1 <= order <= 3
        else ""
        if order == 0
        else f"⁽{str(order).translate(_SUPERSCRIPT)}⁾"
    )
    return f"f{mark}(x)"


def point_text(point: object) -> str:
    """A point as it is read: ``1`` for ``1.0``, six digits of a long one."""
    return number(point, 6)


def listing(items: Sequence[str], most: int = 6) -> str:
    """``a, b and c``; after `most` items ``and 5 more``."""
    names = list(items)
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else "none"


def count(n: int, noun: str, plural: str | None = None) -> str:
    """``1 row``, ``1 200 rows``: a count with its noun."""
    return f"{grouped(n)} {noun if n == 1 else plural or noun + 's'}"


def grouped(n: int) -> str:
    """``1 200``: thousands apart, with narrow spaces that do not break."""
    return f"{n:,}".replace(",", "\u202f")
