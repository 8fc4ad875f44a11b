"""Decks that several tests read again."""

import pytest
from deck_samples import nasty_report
from pptx import Presentation
from report_samples import make_report

from persona_tui.engine.analytics.pptx import write_deck


@pytest.fixture(scope="session")
def decks_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("decks")


@pytest.fixture(scope="session")
def deck(decks_folder):
    return Presentation(write_deck(make_report(), decks_folder / "plain.pptx"))


@pytest.fixture(scope="session")
def nasty_deck(decks_folder):
    return Presentation(write_deck(nasty_report(), decks_folder / "nasty.pptx"))
