"""The mutant bank: failures of real devices seeded into the pump, one by one, to see whether a suite notices.

A suite that finds nothing may be right or blind. So each mutant is one small wrong change to the safety-relevant
code, with the failure behind it, and some property of ``verify.suites`` must break for it. A mutant that survives is
a fault of the suites. The bank is data: the ``.toml`` files beside this one, by layer.
"""
