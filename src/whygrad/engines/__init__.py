"""Engines: they compile a system into a program that maps arrays to arrays."""
