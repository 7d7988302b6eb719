"""Measured facts about MassGen runs, from local log trees."""

__version__ = "0.1.0"
