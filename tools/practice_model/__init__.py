"""Trains the practice model: a real but tiny Whisper that knows only this project's own sentences.

`python -m tools.practice_model.train DIR`, `… .export DIR MODEL_DIR` and `… .evaluate` in that order;
`… .interview DIR` makes the spoken sample. README.md beside this file has the recipe and the figures.
"""
