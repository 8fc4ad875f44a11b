import json

from persona_tui.cli.commands import formats
from persona_tui.engine.data.readers.registry import READERS
from persona_tui.engine.data.recognition.vendors import SCHEMAS


def test_every_reader_is_listed_with_its_suffixes(run):
    done = run("formats")
    assert done.returncode == 0, done.stderr
    for name in READERS.names():
        assert name in done.stdout
    assert ".parquet .pq" in done.stdout
    assert "postgresql://" in done.stdout


def test_every_recognised_schema_is_listed_with_what_it_is(run):
    shown = " ".join(run("formats").stdout.split())
    for name in SCHEMAS.names():
        assert f"{name}: {SCHEMAS.help(name)}" in shown
    document = json.loads(run("formats", "--json").stdout)
    assert [each["name"] for each in document["schemas"]] == list(SCHEMAS.names())


def test_an_extra_that_is_missing_is_named_with_its_cure(monkeypatch, capsys):
    monkeypatch.setattr(formats, "find_spec", lambda _module: None)
    formats.VERB.run(None, formats.Presentation())
    assert "Not installed: pip install 'persona-tui[excel]'" in " ".join(capsys.readouterr().out.split())


def test_json_holds_the_same(run):
    document = json.loads(run("formats", "--json").stdout)
    assert document["schema"] == "persona-tui/formats/1"
    assert [each["name"] for each in document["files"]] == list(READERS.names())
    assert all(each["help"] for each in document["written"])
