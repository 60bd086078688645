"""The emulated pump, its programmer and its bench. Deterministic: simulated time only, integers with units."""
