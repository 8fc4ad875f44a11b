"""What ``persona-tui personas`` prints, a part a module."""

from persona_tui.cli.persona_pages.clusterers import print_clusterers
from persona_tui.cli.persona_pages.comparison import print_comparison
from persona_tui.cli.persona_pages.one_persona import print_persona
from persona_tui.cli.persona_pages.overview import print_overview, print_settled

__all__ = ["print_clusterers", "print_comparison", "print_overview", "print_persona", "print_settled"]
