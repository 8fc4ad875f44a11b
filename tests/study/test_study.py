import pytest
from support import make_log

from persona_tui.engine.errors import DataError
from persona_tui.study import log as study_log
from persona_tui.study.options import Settings


def test_more_event_types_than_can_be_modelled_are_refused_with_the_limit_and_a_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(study_log, "MAX_EVENT_TYPES", 2)
    log = tmp_path / "log.parquet"
    make_log({"ann": [["a", "b", "c"]]}).write_parquet(log)
    with pytest.raises(DataError, match=r"3 event types are more than the 2(.|\n)*merge rare events"):
        study_log.prepare_log(Settings(events=str(log)))
