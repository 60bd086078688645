"""The door: the command line, and nothing else."""
