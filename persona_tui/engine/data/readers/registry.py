"""Which module reads which format.

To add one, write ``open_...(part: Part) -> Table`` in a module of this package and name it here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from persona_tui.engine.data.readers.parts import Part
from persona_tui.engine.data.readers.tables import Table
from persona_tui.engine.registry import Registry

Reader: TypeAlias = Callable[[Part], Table]
READERS: Final[Registry[Reader]] = Registry("file format")
