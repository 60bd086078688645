"""Bytes in the world: ports, ptys, adapters and loopback wires."""
