"""Tell what a table is: which schema it follows, and what plays which part of an event log."""
