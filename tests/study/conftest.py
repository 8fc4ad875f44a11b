from pathlib import Path

import pytest

from persona_tui.engine.errors import DataError
from persona_tui.study.config import merge_settings, read_settings


@pytest.fixture
def study_of(tmp_path):
    """Return a reader of the settings in the text of a study file."""

    def read(text):
        path = tmp_path / "study.toml"
        path.write_text(text, encoding="utf-8")
        return merge_settings(read_settings(path), {})

    return read


@pytest.fixture
def faults_of(tmp_path):
    """Return a reader of what is wrong with the text of a study file, one sentence a fault."""

    def read(text):
        path = tmp_path / "study.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DataError) as caught:
            read_settings(path)
        count, _, told = str(caught.value).partition(f" in {path}: line ")
        faults = told.split(" line ")
        assert int(count.split()[0]) == len(faults)
        return faults

    return read


@pytest.fixture(scope="session")
def sample_study():
    return Path(__file__).parents[2] / "data" / "sample_study.toml"
