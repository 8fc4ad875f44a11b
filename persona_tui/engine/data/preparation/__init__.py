"""Steps from a source to the log that is studied, replayable in their order; each kind is registered."""
