"""How fast thecal is, beside its neighbours in the same run."""
