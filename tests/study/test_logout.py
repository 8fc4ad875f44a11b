import pytest

from persona_tui.study.logout import kills_at_logout


@pytest.fixture
def root(tmp_path):
    """Return a maker of a file system with these settings of logins."""

    def make(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("files", "kills"),
    [
        ({}, None),
        ({"etc/systemd/logind.conf": "[Login]\n"}, None),
        ({"etc/systemd/logind.conf": "[Login]\nKillUserProcesses=yes\n"}, True),
        ({"etc/systemd/logind.conf": "[Login]\nKillUserProcesses=0\n"}, False),
        ({"etc/systemd/logind.conf": "no settings at all"}, None),
    ],
)
def test_the_main_file_says_whether_processes_are_ended(root, files, kills):
    assert kills_at_logout(root(files)) is kills


def test_a_comment_tells_what_it_was_built_with(root):
    assert kills_at_logout(root({"usr/lib/systemd/logind.conf": "[Login]\n#KillUserProcesses=yes\n"})) is True


def test_a_drop_in_goes_before_the_main_file_and_the_last_name_before_the_others(root):
    files = {
        "etc/systemd/logind.conf": "[Login]\nKillUserProcesses=no\n",
        "usr/lib/systemd/logind.conf.d/50-site.conf": "[Login]\nKillUserProcesses=on\n",
    }
    assert kills_at_logout(root(files)) is True
    later = {"run/systemd/logind.conf.d/60-more.conf": "[Login]\nKillUserProcesses=off\n"}
    assert kills_at_logout(root(later)) is False


def test_a_drop_in_of_the_machine_replaces_that_of_the_same_name(root):
    files = {
        "usr/lib/systemd/logind.conf.d/50-site.conf": "[Login]\nKillUserProcesses=yes\n",
        "etc/systemd/logind.conf.d/50-site.conf": "[Login]\nKillUserProcesses=no\n",
    }
    assert kills_at_logout(root(files)) is False
