"""Every failure, caused in a fresh pump: what notices it, how soon, and what reached the patient meanwhile."""
