"""Turn results into tables, figures and decks."""
