"""``persona-tui personas`` as one person would use it."""

import csv
import json
import math
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import golden

COMPARE = ("--compare", "1", "--compare", "3")
EVIL_COMPARE = ("--compare", "1", "--compare", "2")
STUDY = 'events = "{events}"\nclusters = 2\nn_personas = 60\n'


@dataclass(frozen=True)
class Asked:
    """What the verb said of one log, from a cache that was empty at first."""

    folder: Path
    page: str
    narration: str
    answer: str
    document: dict
    memberships: list[dict]


@pytest.fixture(scope="module")
def ask(small_csv, run_in, tmp_path_factory):
    """Return a runner in a folder that has a study."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "study").mkdir()
    (folder / "study" / "study.toml").write_text(STUDY.format(events=small_csv))

    def run(*arguments, code=0, **environment):
        cache = str(folder / "cache")
        done = run_in(*arguments, cwd=folder, **{"COLUMNS": "80", "XDG_CACHE_HOME": cache, **environment})
        assert done.returncode == code, done.stderr
        return done

    run.folder = folder
    return run


@pytest.fixture(scope="module")
def asked(ask, small_csv):
    shown = ask("personas", small_csv)
    answer = ask("personas", small_csv, "--persona", "2", *COMPARE, "--quiet")
    written = ask("personas", small_csv, "--json", "--csv", "memberships.csv", *COMPARE, "--clusterers")
    with (ask.folder / "memberships.csv").open() as file:
        memberships = list(csv.DictReader(file))
    return Asked(
        folder=ask.folder,
        page=shown.stdout,
        narration=shown.stderr,
        answer=answer.stdout,
        document=json.loads(written.stdout),
        memberships=memberships,
    )


def test_the_page_looks_as_it_was_designed_at_80_columns(asked):
    golden("personas.txt", asked.page)


def test_one_persona_in_full_and_two_side_by_side_look_as_they_were_designed(asked):
    golden("personas-answer.txt", asked.answer)


def test_no_line_is_wider_than_the_terminal_or_ends_in_blanks(asked):
    for line in (asked.page + asked.answer).splitlines():
        assert len(line) <= 80
        assert line == line.rstrip()


def test_the_help_is_as_kept(ask):
    golden("personas-help.txt", ask("personas", "--help").stdout)


def test_the_document_holds_the_ladder_the_personas_and_the_recipe(asked):
    document = asked.document
    assert document["schema"] == "persona-tui/personas/1"
    assert document["selection"]["n_clusters"] == document["n_clusters"] == len(document["personas"])
    assert [rung["n_clusters"] for rung in document["selection"]["ladder"]][:2] == [1, 2]
    assert sum(each["share"] for each in document["personas"]) == pytest.approx(1)
    assert all(each["generated_name"] == each["name"] for each in document["personas"])
    assert document["recipe"]["settings"]["clusters"] == document["n_clusters"]


def test_the_document_says_of_every_persona_who_it_is_and_whether_chains_describe_it(asked):
    document = asked.document
    for persona in document["personas"]:
        low, high = persona["share_interval"]
        assert low <= persona["share"] <= high
        assert {each["name"] for each in persona["traits"]} >= {"pace", "depth", "returns"}
        assert persona["attributes"]["tested"] == len(document["personas"]) * len(
            persona["attributes"]["lifts"]
        )
        assert persona["typical_journey"]
        assert len(persona["typical_users"][0]["memberships"]) == document["n_clusters"]
        assert persona["early_conversion"]["users"] >= 0
        assert len(persona["order"]["bits_per_event"]) == 3
        assert all(each["quantity"] == "wait" for each in persona["waits"])
    assert document["order"]["first_order_is_enough"] == (document["order"]["warning"] is None)
    assert document["fit"]["bic"] == pytest.approx(
        document["ladder"]["rungs"][document["n_clusters"] - 1]["bic"], rel=1e-6
    )


def test_the_document_describes_every_rung_of_the_ladder(asked):
    document = asked.document
    for rung, described in zip(document["selection"]["ladder"], document["ladder"]["rungs"], strict=True):
        assert described.items() >= rung.items()
        assert described["bic"] <= described["icl"] + 1e-6
        assert (described["stability"] is None) == (rung["n_clusters"] == 1)


def test_the_comparison_holds_every_move_and_adds_up_to_the_distance(asked):
    comparison = asked.document["comparison"]
    names = [each["name"] for each in asked.document["personas"]]
    assert (comparison["first"], comparison["second"]) == (names[0], names[2])
    parts = math.fsum(move["bits"] for move in comparison["moves"]) + comparison["unseen_bits"]
    assert parts == pytest.approx(comparison["distance"])
    assert [each["name"] for each in comparison["traits"]][:2] == ["pace", "depth"]


def test_other_clusterers_stand_beside_the_mixture(asked):
    mixture, *others = asked.document["clusterers"]
    assert [each["name"] for each in (mixture, *others)] == ["mixture", "kmeans", "nmf"]
    assert mixture["excess"] == 0
    assert all(each["bits_per_event"] > 0 for each in others)


def test_the_second_time_no_refit_is_made(ask, asked, small_csv):
    again = ask("personas", small_csv)
    assert again.stdout == asked.page
    assert "stability" in asked.narration
    assert "stability" not in again.stderr


def test_a_description_that_is_damaged_is_made_anew(ask, asked, small_csv):
    (kept,) = (
        path
        for path in (ask.folder / "cache").rglob("*.ladder.json")
        if len(json.loads(path.read_text())["ladder"]["rungs"]) == len(asked.document["ladder"]["rungs"])
    )
    whole = kept.read_text()
    kept.write_text(whole[: len(whole) // 2])
    assert ask("personas", small_csv, "--quiet").stdout == asked.page
    assert kept.read_text() == whole


def test_every_user_has_a_row_of_memberships(asked):
    names = {str(each["id"]): each["name"] for each in asked.document["personas"]}
    assert len(asked.memberships) == asked.document["data"]["users"]
    for row in asked.memberships:
        chances = [float(row[f"p_{number}"]) for number in names]
        assert sum(chances) == pytest.approx(1)
        assert float(row["membership"]) == max(chances)
        assert row["persona"] == names[row["persona_id"]]


def test_defaults_that_are_told_are_options_of_the_verb(asked):
    (told,) = (line for line in asked.narration.splitlines() if line.startswith("Defaults used: "))
    assert "--clusters" in told
    assert "--modification" not in told


def test_a_log_alone_gets_no_study(asked):
    assert not (asked.folder / "exports").exists()


def test_names_and_pins_are_shown_and_used_by_later_commands(ask):
    page = ask("personas", "study", "--rename", '2="Window shoppers"', "--pin", "2").stdout
    kept = tomllib.loads((ask.folder / "study" / "personas" / "personas.toml").read_text())["personas"]
    old = kept[0]["generated"]
    assert kept == [{"generated": old, "name": "Window shoppers", "place": 2}]
    assert f"found as '{old}', pinned" in " ".join(page.split())
    change = f'friction:factor=0.1,personas="{old}"'
    document = json.loads(ask("preview", "study", "--modification", change, "--json", "--quiet").stdout)
    assert document["personas"][1]["name"] == "Window shoppers"
    assert "Window shoppers" in document["experiments"][0]["description"]
    again = json.loads(ask("personas", "study", "--json", "--unpin", "2").stdout)
    assert [each["pinned"] for each in again["personas"]] == [False, False]
    assert again["personas"][1]["name"] == "Window shoppers"


def test_later_commands_predict_without_who_is_excluded_and_say_so(ask):
    page = " ".join(ask("personas", "study", "--exclude", "2").stdout.split())
    assert "(excluded)" in page
    assert "predictions are without its users" in page
    shown = ask("preview", "study")
    for told in (shown.stdout, shown.stderr):
        assert re.search(r"[Ww]ithout '.+' \(\d+ % of users\)", " ".join(told.split()))
    document = json.loads(ask("plan", "study", "--json", "--quiet").stdout)
    assert document["recipe"]["settings"]["excluded"]
    refused = ask("preview", "study", "--modification", "friction:factor=0.1,personas=2", "--quiet", code=2)
    assert "is excluded from predictions" in refused.stderr
    again = json.loads(ask("personas", "study", "--include", "2", "--json", "--quiet").stdout)
    assert not any("excluded" in each for each in again["personas"])


def test_a_persona_that_another_fit_does_not_have_is_told(ask):
    ask("personas", "study", "--rename", "1=Mine")
    page = ask("personas", "study", "--clusters", "1").stdout
    assert "was called 'Mine'" in " ".join(page.split())


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "persona-tui personas data/sample_events.csv"),
        (("nosuch.csv",), 3, "nosuch.csv"),
        (("study", "--rename", "2"), 2, "write it as persona=name"),
        (("study", "--rename", "nobody=x"), 2, "Unknown persona 'nobody'"),
        (("study", "--rename", f"1={'n' * 41}"), 2, "at most 40 characters, not 41"),
        (("study", "--exclude", "1", "--exclude", "2"), 2, "nobody to predict"),
        (("study", "--exclude", "1", "--include", "1"), 2, "--exclude: '1' is settled twice"),
        (("study", "--include", "7"), 2, "Unknown persona '7'"),
        (("study", "--compare", "1"), 2, "--compare 1 --compare 2"),
        (("study", "--compare", "1", "--compare", "1"), 2, "are the same persona"),
        (("study", "--persona", "3"), 2, "Unknown persona '3'"),
        (("study", "--csv", "nosuch/m.csv"), 1, "'nosuch' does not exist"),
        (("study", "--completion", "signup"), 2, "Did you mean 'signup_"),
        (("study", "--csv", "study/study.toml"), 2, "named as the file of a study"),
        (("study", "--assign", "x.csv", "--persona", "1", "--clusterers"), 2, "--persona and --clusterers"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_next_step(ask, arguments, code, told):
    done = ask("personas", *arguments, "--quiet", code=code)
    assert told in done.stderr
    assert (done.stdout, "Traceback" in done.stderr) == ("", False)


@pytest.mark.parametrize(
    "asked_for",
    [
        ("--persona", "nosuch"),
        ("--compare", "1", "--compare", "nosuch"),
        ("--compare", "1", "--compare", "1"),
    ],
)
def test_nothing_is_settled_where_what_is_asked_is_refused(ask, asked_for):
    kept = ask.folder / "study" / "personas" / "personas.toml"
    before = kept.read_text() if kept.exists() else None
    ask("personas", "study", "--rename", "1=Never", "--pin", "2", *asked_for, "--quiet", code=2)
    assert (kept.read_text() if kept.exists() else None) == before


def test_a_warning_is_told_as_a_sentence(ask, write_log):
    log = write_log(
        "alike.csv", [(f"u{user}", minute, "ab"[minute]) for user in range(9) for minute in (0, 1)]
    )
    told = ask("personas", log, "--completion", "b", "--clusters", "2", "--quiet").stderr
    assert told.startswith("Mind: ")
    assert "The users are all alike" in told
    assert "UserWarning" not in told


def test_a_log_keeps_no_names(ask, small_csv):
    done = ask("personas", small_csv, "--pin", "1", code=2)
    assert f"persona-tui batch {small_csv} --output exports/small" in done.stderr


@pytest.fixture
def write_log(ask):
    def write(name, rows):
        path = ask.folder / name
        lines = [f"{user},2026-01-01T10:{minute:02d}:00Z,{event}" for user, minute, event in rows]
        path.write_text("\n".join(["user_id,timestamp,event_type", *lines]) + "\n")
        return path

    return write


def test_one_user_is_one_persona(ask, write_log):
    log = write_log("one.csv", [("u", 0, "a"), ("u", 1, "buy")])
    page = ask("personas", log, "--completion", "buy").stdout
    assert "One persona: there is one user" in page
    assert "too few users to hold some out" in page
    assert "Typical: a → buy." in ask("personas", log, "--completion", "buy", "--persona", "1").stdout
    document = json.loads(ask("personas", log, "--completion", "buy", "--json").stdout)
    assert (document["ladder"], document["order"]) == (None, None)


def test_a_log_of_one_event_type_has_no_structure(ask, write_log):
    log = write_log("type.csv", [(f"u{user}", minute, "a") for user in range(9) for minute in range(2)])
    page = ask("personas", log, "--completion", "a").stdout
    assert "One persona: no structure." in page
    assert "-0.0000" not in page
    compared = ask("personas", log, "--completion", "a", "--compare", "1", "--compare", "1", code=2)
    assert "There is one persona" in compared.stderr


def test_text_of_the_log_neither_styles_nor_steers_what_shows_it(ask, write_log):
    kinds = (("[/red]a", "b\x1b[2J", "buy"), ("b\x1b[2J", "b\x1b[2J", "c"))
    rows = [
        (f"{'=' if user else '@'}u{user}\u202e\x1b[31m", minute, event)
        for user in range(60)
        for minute, event in enumerate(kinds[user % 2])
    ]
    options = ("--completion", "buy", "--clusters", "2", "--csv", "harmless.csv")
    log = write_log("evil.csv", rows)
    page = ask("personas", log, *options, NO_COLOR="1").stdout
    page += ask("personas", log, *options, "--persona", "1", *EVIL_COMPARE, NO_COLOR="1").stdout
    assert "[/red]a" in page
    assert "\\u202e" in page
    assert "\x1b" not in page
    assert max(map(len, page.splitlines())) <= 80
    users = (ask.folder / "harmless.csv").read_text().splitlines()[1:]
    assert all(line.startswith("'") for line in users)


def test_a_persona_that_never_converts_and_has_no_attributes_reads_well(ask, write_log):
    kinds = (("a", "b", "a", "buy"), ("a", "y", "y", "z"))
    rows = [(f"u{user}", minute, event) for user in range(90) for minute, event in enumerate(kinds[user % 2])]
    log = write_log("never.csv", rows)
    page = ask("personas", log, "--completion", "buy", "--clusters", "2").stdout
    assert "2 personas, as asked for" in page
    assert "0.0\u202f% (0.0" in page
    assert "nan" not in page
    page = ask("personas", log, "--completion", "buy", "--clusters", "2", "--persona", "2").stdout
    assert "There is no attribute to compare personas by." in page
