"""What a gradient check does with one component: sample, fit, judge.

* :mod:`.block`: nine values of f on a line, fitted: a derivative, its error bound, kinks, plateaus.
* :mod:`.probe`: calls the user's function safely and knows how noisy it is.
* :mod:`.ladder`: blocks at several steps, and the error bound that they support together.
* :mod:`.search`: which steps to look at.
* :mod:`.many`: many values in the half formats, where nine say too little.
* :mod:`.along`: the gradient along a line, against what f does there.
* :mod:`.component`: the verdict on one component.
* :mod:`.result`: all verdicts, as a table and as text.
"""
