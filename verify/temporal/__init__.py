"""A small language for what must hold over time, and its exact evaluation on recorded signals."""
