"""Scripts: what people, faults, weather and time do to a pump, one action after the other, as plain data.

A script says where it begins and which actions follow; playing it gives the same run every time, on any machine. The
property suites draw scripts, a failure is kept as one, and ``thecal verify replay`` plays it again. Nothing here
needs Hypothesis.
"""
