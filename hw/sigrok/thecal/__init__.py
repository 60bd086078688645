"""The wire of Thecal, an emulated drug pump, stacked on UART.

Shows each frame with its link type, number and message, each field over the bytes that carry it, and bytes that are
no frame with the check that they fail. With a key log the sealed messages are opened, their seals verified; each
field then stands over its ciphertext. Not a medical device; not for clinical use.
"""

from .pd import Decoder as Decoder
