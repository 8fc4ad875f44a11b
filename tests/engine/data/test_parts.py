import gzip
import os
from functools import partial

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.readers.parts import Part
from persona_tui.engine.errors import DataError

PACKINGS = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}


@pytest.mark.parametrize("suffix", PACKINGS)
@given(content=st.binary(max_size=300), size=st.integers(1, 64))
def test_a_packed_part_gives_the_bytes_of_the_plain_one(tmp_path_factory, suffix, content, size):
    path = tmp_path_factory.mktemp("part") / "bytes"
    half = len(content) // 2
    path.write_bytes(PACKINGS[suffix](content[:half]) + PACKINGS[suffix](content[half:]))
    with Part(path=path, packing=suffix[1:]).open() as stream:
        assert b"".join(iter(partial(stream.read, size), b"")) == content


@pytest.mark.parametrize("suffix", PACKINGS)
@given(share=st.floats(0.05, 0.95))
def test_a_packed_file_that_is_cut_off_is_an_error_wherever_it_is_cut(tmp_path_factory, suffix, share):
    whole = PACKINGS[suffix](os.urandom(5_000))
    path = tmp_path_factory.mktemp("part") / f"log{suffix}"
    path.write_bytes(whole[: int(share * len(whole))])
    with Part(path=path, packing=suffix[1:]).open() as stream, pytest.raises(DataError, match="incomplete"):
        stream.read()


def test_damage_names_the_file_and_how_far_it_got(tmp_path):
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(os.urandom(3_000_000))[:2_000_000])
    with Part(path=path, packing="gz").open() as stream, pytest.raises(DataError) as fault:
        stream.read()
    assert str(path) in str(fault.value)
    assert " after 1," in str(fault.value)


@pytest.mark.parametrize("suffix", PACKINGS)
def test_a_part_unpacked_to_a_file_is_removed_afterwards(tmp_path, monkeypatch, suffix):
    monkeypatch.setenv("PERSONA_TUI_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / f"log{suffix}"
    path.write_bytes(PACKINGS[suffix](b"content"))
    with Part(path=path, packing=suffix[1:]).as_file() as copy:
        assert copy.read_bytes() == b"content"
        assert (tmp_path / "cache") in copy.parents
        assert copy.stat().st_mode & 0o077 == 0
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_part_that_is_not_packed_is_its_own_file(tmp_path):
    with Part(path=tmp_path / "log").as_file() as path:
        assert path == tmp_path / "log"


def test_another_content_has_another_stamp(tmp_path):
    part = Part(path=tmp_path / "log")
    part.path.write_bytes(b"one")
    before = part.stamp()
    assert part.stamp() == before
    part.path.write_bytes(b"longer")
    assert part.stamp() != before
