"""Read event logs, check them, and derive features from them."""
