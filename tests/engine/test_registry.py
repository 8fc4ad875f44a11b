import pytest

from persona_tui.engine.errors import UnknownNameError
from persona_tui.engine.registry import Registry


def test_what_is_registered_is_found():
    shapes = Registry("shape")

    @shapes.register("square", help="Four sides.")
    class Square:
        pass

    assert shapes.get("square") is Square
    assert shapes.help("square") == "Four sides."


def test_names_keep_the_order_in_which_they_were_added():
    shapes = Registry("shape")
    for name in ("square", "circle", "arc"):
        shapes.register(name, help="")(object())
    assert shapes.names() == ("square", "circle", "arc")


def test_a_place_is_imported_only_when_it_is_asked_for():
    shapes = Registry("shape")
    shapes.add("broken", "no_such_module:thing", help="Never loads.")
    assert shapes.names() == ("broken",)
    assert shapes.help("broken") == "Never loads."
    with pytest.raises(ModuleNotFoundError):
        shapes.get("broken")


def test_a_place_gives_what_stands_there_each_time():
    shapes = Registry("shape")
    shapes.add("pi", "math:pi", help="A number.")
    assert shapes.get("pi") == shapes.get("pi") == pytest.approx(3.14159, abs=1e-5)


def test_an_unknown_name_says_the_kind_and_suggests_the_nearest():
    shapes = Registry("shape")
    shapes.register("circle", help="")(object())
    with pytest.raises(UnknownNameError, match=r"Unknown shape 'circel'\..*Did you mean 'circle'"):
        shapes.get("circel")


def test_help_for_an_unknown_name_suggests_the_nearest():
    shapes = Registry("shape")
    shapes.register("circle", help="")(object())
    with pytest.raises(UnknownNameError, match="Did you mean 'circle'"):
        shapes.help("circel")
