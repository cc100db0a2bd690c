"""A fixture for other people's tests: ``gradient_check``.

    def test_loss_gradient(gradient_check):
        gradient_check(loss, loss_gradient, weights, format="float32")

It fails the test with a table when a component disagrees; ``strict=True`` also when the check cannot tell.
pytest finds this module through the entry point ``pytest11``; nothing heavy is imported before the first
check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from diffbench.gradient_check import GradientCheck


class Checker(Protocol):
    """What the fixture gives: the arguments of :func:`diffbench.check_gradient`, and ``strict``."""

    def __call__(self, *arguments: Any, strict: bool = False, **keywords: Any) -> GradientCheck:
        """Check a gradient, fail the test if it is wrong, and return the check."""


@pytest.fixture(scope="session")
def gradient_check() -> Checker:
    """Check a gradient: ``gradient_check(f, gradient, x, format="float64", along=False, strict=False)``."""

    def check(*arguments: Any, strict: bool = False, **keywords: Any) -> GradientCheck:
        __tracebackhide__ = True
        from diffbench.errors import UserError
        from diffbench.gradient_check import check_gradient

        try:
            result = check_gradient(*arguments, **keywords)
        except UserError as error:  # shown at the line of the test; what f itself raised stays as the cause
            raise error.with_traceback(None) from error.__cause__
        result.assert_ok(strict)
        return result

    return check
