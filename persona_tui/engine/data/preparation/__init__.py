"""Steps from a source to the log that is studied, replayable in their order; each kind is registered.

Steps on rows and on event types act as rows are read, in the order listed: a step sees the names that
those before it gave. Then rare event types are folded, copies of the source's events are left out,
sessions are cut on what is left, and steps on journeys act last, wherever they are listed.
"""
