"""What can become of a row of results: the first that applies, in this order. Nothing is dropped."""

STATUSES = (
    "refused",
    "timeout",
    "error",
    "domain",
    "overflow",
    "underflow",
    "step_vanished",
    "no_derivative",
    "uncertified",
    "ok",
)
