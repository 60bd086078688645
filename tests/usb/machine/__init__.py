"""A small virtual machine that runs a command of this host under another kernel, with USB adapters in it.

``parts`` fetches and keeps what the machine is made of, ``kernel`` turns a kernel package into what boots, ``wires``
joins what leaves the machine, ``boot`` starts it and waits for the result. ``python -m tests.usb.machine`` is the
command.
"""
