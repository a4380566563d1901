"""Equations as data: expressions, functions, systems; read, printed, checked."""
