import polars as pl


def test_too_many_rejected_rows_stop_the_run_and_are_written_beside_the_study(run, small_csv, tmp_path):
    spoiled = tmp_path / "spoiled.csv"
    spoiled.write_text(small_csv.read_text() + "u1,s1,=never(),landing,\n" * 50)
    done = run("batch", spoiled, "--max-rejected", "0.1%", "--clusters", "1")
    assert done.returncode == 4
    assert "more than --max-rejected 0.1%" in done.stderr
    assert "exports/spoiled_rejects.csv'" in done.stderr
    assert pl.read_csv(tmp_path / "exports" / "spoiled_rejects.csv").height == 50
    assert not (tmp_path / "exports" / "spoiled").exists()
