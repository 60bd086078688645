"""Is this port, and the wire at it, fit to carry a pump's conversation? Measured, part by part."""
