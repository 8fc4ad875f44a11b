"""Reports in the style of their house: from the study file or from the command line."""

import json
import re
import zlib

import pytest
from pptx import Presentation

ACCENT = "#0b6e4f"


def png():
    """A green picture of one pixel."""

    def chunk(kind, content):
        body = kind + content
        return len(content).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)

    header = (1).to_bytes(4) + (1).to_bytes(4) + bytes([8, 2, 0, 0, 0])
    pixel = zlib.compress(b"\x00\x0b\x6e\x4f")
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", pixel), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture(scope="module")
def dressed(run_in, small_csv, tmp_path_factory):
    """Return a study file with branding, and the folder of what was exported from it."""
    folder = tmp_path_factory.mktemp("dressed")
    (folder / "logo.png").write_bytes(png())
    study = folder / "study.toml"
    study.write_text(
        f'events = "{small_csv}"\n[report]\ntitle = "Spring <2026>"\nauthor = "Growth & Co"\n'
        f'logo = "logo.png"\naccent = "{ACCENT}"\n'
    )
    done = run_in("export", study, "--format", "html,md,xlsx,pptx", "--output", folder / "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    return study, folder / "out"


def test_the_page_carries_logo_author_and_accent(dressed):
    page = (dressed[1] / "report.html").read_text()
    assert '<img class="logo" src="data:image/png;base64,' in page
    assert "<title>Spring &lt;2026&gt;</title>" in page
    assert '<meta name="author" content="Growth &amp; Co">' in page
    assert f"--accent: {ACCENT}" in page


def test_markdown_and_files_know_their_author(dressed):
    assert (dressed[1] / "report.md").read_text().split("\n\n")[1] == r"*Growth \& Co*"
    deck = Presentation(str(dressed[1] / "simulation_report.pptx"))
    assert deck.core_properties.author == "Growth & Co"


def test_the_command_line_replaces_what_the_study_says(run_in, dressed, tmp_path):
    words = ("--format", "html", "--author", "Ada", "--title", "Mine", "--output", tmp_path / "out")
    assert run_in("export", dressed[0], *words, cwd=tmp_path).returncode == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert '<meta name="author" content="Ada">' in page
    assert "<h1>Mine</h1>" in page
    assert ACCENT in page


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--logo", "nowhere.png"), "The logo 'nowhere.png' cannot be read"),
        (("--logo", "log.csv"), "is no PNG or JPEG"),
        (("--accent", "green"), "accent == 'green', must be a colour"),
    ],
)
def test_what_cannot_dress_a_report_is_told_before_anything_is_worked_out(run_in, tmp_path, words, told):
    (tmp_path / "log.csv").write_text("user_id,timestamp,event\nu,2026-01-01,a\n")
    done = run_in("export", "log.csv", *words, cwd=tmp_path)
    assert done.returncode in {1, 2}
    assert told in done.stderr
    assert "load" not in done.stderr


def test_a_fault_in_the_study_is_told_with_its_line(run_in, small_csv, tmp_path):
    (tmp_path / "study.toml").write_text(f'events = "{small_csv}"\n[report]\naccent = "green"\n')
    done = run_in("export", "study.toml", cwd=tmp_path)
    assert done.returncode == 3
    assert re.search(r"line 3.*accent", done.stderr)


def test_branding_changes_no_number_and_stays_in_the_study_of_a_run(run_in, dressed, tmp_path):
    plain = tmp_path / "plain.toml"
    kept = dressed[0].read_text()
    plain.write_text(kept[: kept.index("[report]")])
    results = []
    for study, folder in ((dressed[0], "a"), (plain, "b")):
        done = run_in("simulate", study, "--output", folder, "--n-personas", 50, "--json", cwd=tmp_path)
        results.append(json.loads(done.stdout)["experiments"])
    assert results[0] == results[1]
    written = (tmp_path / "a" / "study.toml").read_text()
    assert f'logo = "{dressed[0].parent / "logo.png"}"' in written


def test_how_to_get_at_the_files_is_told(run_in, dressed, tmp_path):
    words = ("export", dressed[0], "--format", "md", "--output", tmp_path / "out", "--open-hint")
    over_ssh = run_in(*words, cwd=tmp_path, SSH_CONNECTION="10.0.0.9 50022 10.0.0.5 2222", LOGNAME="ada")
    assert f"ada@10.0.0.5:{tmp_path / 'out' / 'report.md'} ." in over_ssh.stderr
    assert "scp -P 2222 " in over_ssh.stderr
    here = run_in(*words, cwd=tmp_path, SSH_CONNECTION="")
    assert f"open {tmp_path / 'out' / 'report.md'}" in here.stderr
