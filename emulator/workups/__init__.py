"""Examinations that a clinician orders: each answers from the truth, as well as published. Not for clinical use."""
