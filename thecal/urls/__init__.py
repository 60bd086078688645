"""``thecal://``: an emulated pump as a pyserial port, in the process of the program that opens it.

Importing this package tells pyserial of the address:

>>> import serial, thecal.urls
>>> port = serial.serial_for_url("thecal://peristaltic?speed=x60", timeout=1)
>>> port.close()

A program that cannot be changed is run as ``python -m thecal.urls MODULE ARGUMENTS…``, for example
``python -m thecal.urls serial.tools.miniterm thecal://peristaltic``. Not for clinical use.
"""

from __future__ import annotations

import serial

if __name__ not in serial.protocol_handler_packages:
    serial.protocol_handler_packages.append(__name__)
