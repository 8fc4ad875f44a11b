"""Several files as one table: columns matched by name, in the order of the files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from persona_tui.engine.data.readers.parts import Part, Stamp
from persona_tui.engine.data.readers.tables import LINE, Batch, Table
from persona_tui.engine.errors import DataError
from persona_tui.engine.working_folders import WorkingFolder

_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_SHOWN = 3


class JoinedTable:
    """One table of one or several files of a format.

    Parameters
    ----------
    name : str
        What the source is called in messages.
    parts : sequence of (Part, Table)
        In the order in which they are read.
    stamps : sequence of tuple
        Of the parts, taken before they were opened.
    notes : sequence of str
        What was settled in finding them.
    spooled : WorkingFolder, optional
        Removed when the table is no longer used.

    Notes
    -----
    A column that a file does not have is null there. Types that differ become one that holds both
    exactly, else text. A file that changes after it was opened raises ``DataError`` when it is next read.
    """

    def __init__(
        self,
        name: str,
        parts: Sequence[tuple[Part, Table]],
        *,
        stamps: Sequence[Stamp],
        notes: Sequence[str] = (),
        spooled: WorkingFolder | None = None,
    ) -> None:
        self._name = name
        self._parts = tuple(parts)
        self._stamps = tuple(stamps)
        self._schemas = [_full_schema(part, table) for part, table in self._parts]
        for (part, _), (full, _) in zip(self._parts, self._schemas, strict=True):
            for column in full:
                if _is_reserved(column):
                    raise DataError(
                        f"'{part.name}' has a column '{column}', a reserved name.", hint="Rename it."
                    )
        self._schema, told = _join_schemas([part.name for part, _ in self._parts], self._schemas)
        self._before, self._after = notes, [*_partition_notes(self._parts), *told]
        self._spooled = spooled

    @property
    def name(self) -> str:
        """Return what the source is called in messages."""
        return self._name

    @property
    def schema(self) -> pl.Schema:
        """Return the columns of all files with their types."""
        return self._schema

    @property
    def size(self) -> int:
        """Return the sum over the files."""
        return sum(table.size for _, table in self._parts)

    @property
    def n_rows(self) -> int | None:
        """Return the number of rows, where every file tells it."""
        known = [rows for _, table in self._parts if (rows := table.n_rows) is not None]
        return sum(known) if len(known) == len(self._parts) else None

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what was settled or repaired in opening it and in the last reading, a sentence each."""
        inner = [note for _, table in self._parts for note in table.notes]
        return tuple(dict.fromkeys([*self._before, *inner, *self._after]))

    @property
    def decimal_comma(self) -> bool:
        """Return whether numbers are written with one."""
        return any(getattr(table, "decimal_comma", False) for _, table in self._parts)

    def head(self, n_rows: int = 1_000) -> pl.DataFrame:
        """Return the first rows, all columns, without ``LINE``."""
        frames: list[pl.DataFrame] = []
        missing = n_rows
        for place, (_, table) in enumerate(self._parts):
            frames.append(table.head(missing).select(self._shapes(place, self._schema.names())))
            missing -= frames[-1].height
            if missing <= 0:
                break
        return pl.concat(frames)

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Yield the rows with some columns only, file by file.

        Raises
        ------
        DataError
            If a file has changed since it was opened, or is damaged.
        """
        before = 0
        for place, (_, table) in enumerate(self._parts):
            self._require_unchanged(place)
            own = self._schemas[place][1]
            shapes = self._shapes(place, columns)
            for batch in table.batches([name for name in columns if name in own]):
                yield Batch(
                    frame=batch.frame.select(LINE, *shapes),
                    rejects=batch.rejects,
                    file=batch.file,
                    done=before + batch.done,
                )
            self._require_unchanged(place)
            before += table.size

    def fingerprint(self) -> str:
        """Return the SHA-256 of the content of the source, as 64 hexadecimal digits.

        Notes
        -----
        Over each file's place below the folder that holds all, its member of a zip, the columns that
        folders name, and its own SHA-256: a source that is moved keeps its fingerprint. A single file
        has that of its bytes.
        """
        known: dict[Path, str] = {}
        for place, (part, _) in enumerate(self._parts):
            if part.path not in known:
                self._require_unchanged(place)
                known[part.path] = part.fingerprint()
                self._require_unchanged(place)
        if len(known) == 1 and not self._parts[0][0].partition:
            return next(iter(known.values()))
        folders = [set(path.parents) for path in known]
        root = max(set.intersection(*folders), key=lambda each: len(each.parts))
        whole = hashlib.sha256()
        for part, _ in self._parts:
            place_below = "\0".join([part.path.relative_to(root).as_posix(), *sum(part.partition, ())])
            whole.update(
                f"{place_below}\0{part.member}\0{known[part.path]}\n".encode(errors="surrogateescape")
            )
        return whole.hexdigest()

    def _require_unchanged(self, place: int) -> None:
        part = self._parts[place][0]
        try:
            same = part.stamp() == self._stamps[place]
        except OSError:
            raise DataError(f"'{part.name}' was moved or deleted while it was read.") from None
        if not same:
            raise DataError(
                f"'{part.name}' changed while it was read.", hint="Start again when it is written completely."
            )

    def _shapes(self, place: int, columns: Sequence[str]) -> list[pl.Expr]:
        """Return the columns of the whole as expressions over those of one file."""
        part, (_, own) = self._parts[place][0], self._schemas[place]
        partition = dict(part.partition)
        shapes = []
        for name in columns:
            wanted = self._schema[name]
            if name not in own:
                value = partition.get(name)
                given = None if value == _NULL_PARTITION else value
                shapes.append(pl.lit(given, dtype=pl.String).cast(wanted).alias(name))
            elif own[name] != wanted:
                shapes.append(_cast(name, own[name], wanted))
            else:
                shapes.append(pl.col(name))
        return shapes


def _full_schema(part: Part, table: Table) -> tuple[pl.Schema, pl.Schema]:
    """Return a file's columns with those of its partition, and those that it holds itself."""
    own = table.schema
    named = {name: pl.String() for name, _ in part.partition if name not in own}
    return pl.Schema({**own, **named}), own


def _partition_notes(parts: Sequence[tuple[Part, Table]]) -> list[str]:
    names = list(dict.fromkeys(name for part, _ in parts for name, _ in part.partition))
    doubled = {name for part, table in parts for name, _ in part.partition if name in table.schema}
    told = [f"columns from the names of folders: {', '.join(names)}"] if names else []
    return [
        *told,
        *(f"'{name}' is read from the files, not from the names of folders" for name in sorted(doubled)),
    ]


def _join_schemas(
    files: Sequence[str], schemas: Sequence[tuple[pl.Schema, pl.Schema]]
) -> tuple[pl.Schema, list[str]]:
    joined: dict[str, pl.DataType] = {}
    clashes: dict[str, list[str]] = {}
    for file, (full, _) in zip(files, schemas, strict=True):
        for name, dtype in full.items():
            known = joined.setdefault(name, dtype)
            if known != dtype:
                joined[name] = _common_type(known, dtype)
                if joined[name] == pl.String and pl.Null not in {known, dtype}:
                    clashes.setdefault(name, [f"{known} before", f"{dtype} in '{file}'"])
    told = [f"'{name}' is read as text: it is {', '.join(types)}" for name, types in clashes.items()]
    for name in joined:
        without = [file for file, (full, _) in zip(files, schemas, strict=True) if name not in full]
        if without:
            shown = ", ".join(f"'{file}'" for file in without[:_SHOWN])
            more = f" and {len(without) - _SHOWN} more" if len(without) > _SHOWN else ""
            told.append(f"'{name}' is empty for the files without it: {shown}{more}")
    return pl.Schema(joined), told


def _common_type(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    """Return a type that holds the values of both exactly, else text."""
    kinds = ("is_integer", "is_float", "is_temporal", "is_nested")
    alike = any(getattr(one, kind)() and getattr(other, kind)() for kind in kinds)
    if not alike and pl.Null not in {one, other}:
        return pl.String()
    try:
        empty = [pl.DataFrame(schema={"column": each}) for each in (one, other)]
        return pl.concat(empty, how="vertical_relaxed").schema["column"]
    except pl.exceptions.PolarsError:
        return pl.String()


def _cast(name: str, own: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    if wanted == pl.String and own.is_nested():
        return pl.struct(pl.col(name)).struct.json_encode().alias(name)
    if wanted == pl.String and own == pl.Binary:
        return pl.col(name).bin.encode("hex")
    return pl.col(name).cast(wanted)


def _is_reserved(column: str) -> bool:
    """Return whether no column can be called so: as ``LINE``, or as polars writes patterns."""
    return column in {LINE, "*"} or (column.startswith("^") and column.endswith("$"))
