import json
import tomllib


def test_a_study_in_place_of_a_log_is_told_where_it_belongs(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "study.toml").write_text("seed = 1")
    done = run("batch", "--events", "mine")
    assert done.returncode == 2
    assert "persona-tui batch mine" in done.stderr
    assert done.stdout == ""


def test_a_bad_study_is_refused_with_every_fault_and_line(run, tmp_path):
    (tmp_path / "study.toml").write_text('events = "log.csv"\nsede = 1\n[[scenarios]]\nname = "all"\n')
    done = run("batch", "study.toml")
    assert done.returncode == 3
    assert "3 faults in study.toml: line 2: unknown key 'sede'" in done.stderr
    assert "line 3: effects must be a list" in done.stderr
    assert "line 4: name == 'all'" in done.stderr


def test_a_study_with_scenarios_is_done_again_to_the_same_bytes(run, small_csv, tmp_path):
    (tmp_path / "study.toml").write_text(
        f"""
events = "{small_csv}"
clusters = 1
n_personas = 50
[[scenarios]]
name = "Friction"
effects = [{{ effect = "friction", factor = 0.1, at = ["signup_start"] }}]
vary = {{ parameter = "factor", values = [0.05, 0.1] }}
[report]
lead = "Friction: factor=0.1"
"""
    )
    first = run("batch", "study.toml", "--json", "--quiet")
    assert first.returncode == 0, first.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    written = tomllib.loads((folder / "run.toml").read_text())
    assert [each["dose"]["value"] for each in written["scenarios"]] == [0.05, 0.1]
    again = run("batch", folder / "run.toml", "--json", "--quiet")
    assert again.stdout == first.stdout
    other = run("batch", "study.toml", "--json", "--quiet", "--modification", "friction:factor=0")
    (experiment,) = json.loads(other.stdout)["experiments"]
    assert experiment["uplifts"]["treatment"]["completion_rate"]["value"] == 0
