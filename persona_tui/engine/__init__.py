"""The headless engine: data, personas, simulation and reports; it knows no user interface."""
