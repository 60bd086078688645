"""Run a module that knows nothing of ``thecal://``, with that address known to pyserial."""

from __future__ import annotations

import runpy
import sys

from thecal.failures import WRONG_USAGE

if len(sys.argv) == 1:
    print(
        "which module? For example: python -m thecal.urls serial.tools.miniterm thecal://peristaltic", file=sys.stderr
    )
    sys.exit(WRONG_USAGE)
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
