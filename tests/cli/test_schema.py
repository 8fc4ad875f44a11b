import json

from persona_tui.study.schema import study_schema


def test_the_schema_is_printed_alone(run):
    done = run("schema")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == study_schema()
    assert run("schema", "--json").stdout == done.stdout


def test_the_schema_takes_no_source(run):
    assert run("schema", "log.csv").returncode == 2
