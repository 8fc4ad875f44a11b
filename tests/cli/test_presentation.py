from persona_tui.cli import presentation
from persona_tui.cli.presentation import Presentation
from persona_tui.engine.progress import Progress


def test_a_stage_that_takes_long_is_told_again_with_short_numbers(capsys, monkeypatch):
    moments = iter((0.0, 6.0))
    monkeypatch.setattr(presentation, "monotonic", lambda: next(moments))
    with Presentation(progress="lines").reporting() as report:
        for done in (8_388_608, 43_100_000):
            report(Progress(stage="load", done=done, total=50_331_648))
    assert capsys.readouterr().err.splitlines() == ["load …", "load 43.1M of 50.3M"]
