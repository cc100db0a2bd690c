"""What a gradient check does with one component: sample, fit, judge.

* :mod:`.reference`: ``auto`` along all coordinates, the first opinion in float32, float64 and longdouble.
* :mod:`.block`: nine values of f on a line, fitted: a derivative, its error bound, kinks, plateaus.
* :mod:`.probe`: calls the user's function safely and knows how noisy it is.
* :mod:`.ladder`: blocks at several steps, and the error bound that they support together.
* :mod:`.search`: which steps to look at.
* :mod:`.many`: many values in the half formats, where nine say too little.
* :mod:`.along`: the gradient along a line, against what f does there.
* :mod:`.nine`: the verdict from nine values, or from many.
* :mod:`.component`: the verdict on one component, from these opinions.
* :mod:`.finding`: one verdict, and what it rests on.
* :mod:`.result`: all verdicts, as a table and as text.
"""
