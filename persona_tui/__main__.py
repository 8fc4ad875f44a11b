"""``python -m persona_tui`` and the ``persona-tui`` command."""

from persona_tui.cli.entry import main

if __name__ == "__main__":
    main()
