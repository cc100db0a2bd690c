"""What a worker process needs in memory before its first cell; imported by the server that forks workers.

A module that cannot be imported is no error here: the cell that needs it says so.
"""

from contextlib import suppress

with suppress(ImportError):
    import pyarrow.parquet  # noqa: F401

    import diffbench.runs.execute
    import diffbench.sweep  # noqa: F401
