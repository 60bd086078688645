"""The clinician programmer: the drug library, the workflow of a visit, and three-valued results."""
