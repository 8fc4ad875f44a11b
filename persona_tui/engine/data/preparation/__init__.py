"""Steps from a source to the log that is studied, replayable in their order; each kind is registered.

Steps on rows act as rows are read, in the order listed. Then rare event types are folded, sessions are
cut on what is left, and steps on journeys act last, wherever they are listed.
"""
