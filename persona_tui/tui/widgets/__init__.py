"""Widgets of the app: figures drawn in cells, and the parts that screens share."""
