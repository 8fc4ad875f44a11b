"""Change flows and predict what the change does."""
