"""``python -m thecal``: the same as the command ``thecal``."""

from thecal.cli import main

if __name__ == "__main__":
    main()
