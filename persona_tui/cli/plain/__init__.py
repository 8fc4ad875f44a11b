"""Plain mode: the jobs of the app as questions and tables, for screen readers and dumb terminals."""
