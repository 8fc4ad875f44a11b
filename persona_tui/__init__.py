"""Predict what a change of a product flow does to conversion, and for whom."""

__version__ = "0.1.0"
