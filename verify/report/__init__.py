"""The report: evidence that other commands produced, collected on one page and into one folder. It runs nothing."""
