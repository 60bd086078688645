"""USB-serial adapter chips, modelled closely enough for Linux's own drivers to work with them.

A model is the chip's silicon and its wire; the driver, the terminal layer and everything above are the real ones. The
models plug into any Linux host through its virtual host controller (``modprobe vhci-hcd``).

===============  ==============================================================================
``wire_end``     the serial side: octets on a wire, at their pace, with modem lines and damage
``chip``         what every USB device has: descriptors, endpoints, standard requests
``ft232r`` …     one module for each chip: its vendor requests and the packets it sends
``models``       all of these by name
``usbip``        transfers as the virtual host controller speaks them
``hub``          where models are plugged in and pulled out, and the thread that serves them
===============  ==============================================================================
"""
