"""Bytes become timed text, and timed text becomes passages. The tour is `pipeline.py`."""
