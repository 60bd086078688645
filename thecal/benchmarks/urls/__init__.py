"""Addresses of our own for pyserial, found by the names of the modules in here."""
