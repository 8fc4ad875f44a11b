"""Logs cut into parts by user, as large logs come."""

import polars as pl

from persona_tui.engine.data.sequences import encode_sequences


def parts_by_user(events, n_parts=2):
    """Return the sequences of parts of a log with the vocabulary of the whole, users dealt in turn."""
    whole = encode_sequences(events)
    names = pl.Enum(whole.vocabulary)
    found = []
    for part in range(n_parts):
        rows = events.filter(pl.col("user_id").is_in(whole.user_ids[part::n_parts]))
        if rows.height:
            flat = encode_sequences(rows)
            codes = pl.Series(flat.vocabulary, dtype=names).to_physical().to_numpy()[flat.codes]
            found.append(replaced(flat, whole.vocabulary, codes))
    return found


def replaced(flat, vocabulary, codes):
    return type(flat)(
        vocabulary=vocabulary,
        user_ids=flat.user_ids,
        codes=codes.astype(flat.codes.dtype),
        users=flat.users,
        sessions=flat.sessions,
        times=flat.times,
    )
