"""Measurements; nothing here is a test. `python -m benchmarks` compares with other frameworks."""
