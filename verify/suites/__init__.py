"""The property suites: what is claimed, tried in thousands of ways, each layer by a suite of its own.

A suite is product code so that three can run it: the tests, ``thecal verify mutants``, and whoever changes a part.
Hypothesis draws the examples of most of them; it comes with the extra ``thecal[verify]``.
"""
