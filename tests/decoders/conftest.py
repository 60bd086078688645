"""A running pump, as the tests of the command line have it."""

from tests.thecal.conftest import run, start_pump

__all__ = ["run", "start_pump"]
