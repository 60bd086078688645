"""A virtual patient: where the drug goes after it has left the pump, and what it does there. Not for clinical use."""
