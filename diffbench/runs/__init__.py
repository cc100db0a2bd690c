"""Runs: a suite -> cells -> worker processes -> a folder of tables that can be resumed and shared.

* :func:`run`: compute a suite into a folder; :func:`load`: read the folder back.
* :func:`load_suite`: a suite by name or file.
"""

from diffbench.runs.execute import Progress, RunInterrupted
from diffbench.runs.folder import Run, load
from diffbench.runs.run import default_jobs, run
from diffbench.runs.suite import Suite, load_suite, suite_names

__all__ = [
    "Progress",
    "Run",
    "RunInterrupted",
    "Suite",
    "default_jobs",
    "load",
    "load_suite",
    "run",
    "suite_names",
]
