"""The wire: bytes, frames, messages and a secure channel. No port, no clock, no thread."""
