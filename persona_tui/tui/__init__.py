"""The terminal app: screens and widgets over the study and engine functions that the command line calls."""
