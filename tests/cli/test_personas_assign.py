"""``persona-tui personas --assign``: a fresh log met by personas that were learned before."""

import csv
import json

import pytest
from support import golden


@pytest.fixture(scope="module")
def ask(small_csv, run_in, tmp_path_factory):
    """Return a runner in a folder with a fresh log: half of the users, some events renamed."""
    folder = tmp_path_factory.mktemp("assigned")
    header, *rows = small_csv.read_text().splitlines()
    mine = [row for row in rows if row[3] in "02468"]
    (folder / "fresh.csv").write_text("\n".join([header, *mine]).replace(",help,", ",chat,") + "\n")
    (folder / "one.csv").write_text("\n".join([header, rows[0]]) + "\n")
    (folder / "foreign.csv").write_text("user_id,timestamp,event_type\nu,2025-01-01,x\nu,2025-01-02,y\n")

    def run(*arguments, code=0):
        cache = str(folder / "cache")
        done = run_in(
            "personas",
            small_csv,
            "--clusters",
            "2",
            *arguments,
            cwd=folder,
            COLUMNS="80",
            XDG_CACHE_HOME=cache,
        )
        assert done.returncode == code, done.stderr
        return done

    run.folder = folder
    return run


def test_the_page_looks_as_it_was_designed_at_80_columns(ask):
    golden("personas-assign.txt", ask("--assign", "fresh.csv").stdout)


def test_the_document_and_the_memberships_are_those_of_the_fresh_log(ask):
    done = ask("--assign", "fresh.csv", "--json", "--csv", "memberships.csv")
    document = json.loads(done.stdout)
    assert document["schema"] == "persona-tui/assignment/1"
    assert document["unknown_event_types"] == ["chat"]
    assert sum(each["share_now"] for each in document["personas"]) == pytest.approx(1)
    assert sum(each["change"] for each in document["personas"]) == pytest.approx(0)
    for each in document["personas"]:
        low, high = each["change_interval"]
        assert low < each["change"] < high
    with (ask.folder / "memberships.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == document["users"] > sum(each["users"] for each in document["personas"]) * 0.9
    assert {row["persona"] for row in rows} <= {each["name"] for each in document["personas"]}


def test_one_user_is_assigned_without_shares(ask):
    (likeliest,) = (
        each for each in json.loads(ask("--assign", "one.csv", "--json").stdout)["personas"] if each["users"]
    )
    assert likeliest["share_now"] is None
    assert "too few" in " ".join(ask("--assign", "one.csv").stdout.split())


def test_sessions_are_assigned_by_personas_of_sessions(ask):
    assert json.loads(ask("--unit", "session", "--assign", "fresh.csv", "--json").stdout)["personas"]


def test_the_log_of_the_fit_itself_has_the_shares_before(ask, small_csv):
    document = json.loads(ask("--assign", small_csv, "--json").stdout)
    assert not document["fits_badly"]
    assert document["bits_per_event"] == document["reference_bits_per_event"]
    for each in document["personas"]:
        assert each["change"] == pytest.approx(0, abs=1e-3)


def test_a_log_of_another_product_is_refused_with_what_to_do(ask):
    told = ask("--assign", "foreign.csv", code=2).stderr
    assert "know none of the 2 event types" in told
    assert "fit personas on this one" in " ".join(told.split())


def test_a_broken_or_missing_log_is_refused(ask):
    (ask.folder / "broken.csv").write_bytes(b"\x00\xff\x00")
    assert "not a text file" in ask("--assign", "broken.csv", code=3).stderr
    assert "nowhere.csv" in ask("--assign", "nowhere.csv", code=3).stderr


def test_the_fresh_log_is_not_overwritten_by_its_memberships(ask):
    assert "is the log itself" in ask("--assign", "fresh.csv", "--csv", "fresh.csv", code=2).stderr


def test_columns_of_other_names_are_detected_and_unknown_users_told(ask):
    (ask.folder / "other.csv").write_text(
        "client_id,time,action\n1,2025-01-01,landing\n2,2025-01-01,unheard\n1,2025-01-02,signup_start\n"
    )
    document = json.loads(ask("--assign", "other.csv", "--json").stdout)
    assert document["columns"]["user_id"] == "client_id"
    assert (document["users"], document["users_without_known_events"]) == (2, 1)
