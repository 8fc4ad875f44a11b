"""The sizes that keep a file and a function readable."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "persona_tui"
FILES = sorted(PACKAGE.rglob("*.py"))
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40
BANNED_NAMES = {"utils", "helpers", "common", "misc"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_stay_small(path):
    source = path.read_text()
    assert len(source.splitlines()) <= MAX_FILE_LINES
    long = [
        f"{node.name} has {length} lines"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (length := body_lines(node)) > MAX_FUNCTION_LINES
    ]
    assert not long


def body_lines(node):
    """Return the lines of a function after its signature and docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
    return body[-1].end_lineno - body[0].lineno + 1


def test_no_module_is_a_drawer_for_leftovers():
    assert not [path for path in FILES if path.stem in BANNED_NAMES]
