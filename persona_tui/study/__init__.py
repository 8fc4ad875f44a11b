"""The service layer: settings, studies, runs and their files."""
