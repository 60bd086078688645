"""The trace matrix: from hazards by way of requirements to properties, tests and results, and back."""
