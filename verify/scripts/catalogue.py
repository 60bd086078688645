"""Every action there is: importing this module enters all of them into ``ACTIONS``."""

from __future__ import annotations

from verify.scripts import faults, fluids, mistakes, passing, people, therapy, unseen, wire
from verify.scripts.action import ACTIONS

__all__ = ["ACTIONS", "faults", "fluids", "mistakes", "passing", "people", "therapy", "unseen", "wire"]
