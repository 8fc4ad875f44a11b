"""The parts of the page: its template, its style and its script."""
