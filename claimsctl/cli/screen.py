"""Text on a terminal as it is: no markup, no control characters, no blanks at line ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

MAX_NAMES: Final = 6
_UNPRINTABLE: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Screen:
    """The console, printing text as it is: no markup, no highlighting, no control characters."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.unicode = console.encoding.lower().startswith("utf")

    def text(self, text: str, style: str = "") -> Text:
        """Text that the terminal can show and that cannot command it."""
        from rich.text import Text

        clean = _UNPRINTABLE.sub("?", text)
        encoding = self.console.encoding
        return Text(clean.encode(encoding, "replace").decode(encoding), style)

    def line(self, text: str, style: str = "", indent: int = 0) -> None:
        """One line that is never broken, so that paths and commands can be copied."""
        for part in text.split("\n"):
            self.console.print(self.text(" " * indent + part, style), soft_wrap=True, highlight=False)

    def wrapped(self, text: str, indent: int = 0, style: str = "") -> None:
        """Text broken into lines that fit."""
        self.block(self.text(text, style), indent)

    def labelled(self, label: str, text: str, indent: int = 0, width: int = 10) -> None:
        """A bold label in a column of its own, and text beside it broken into lines that fit."""
        from rich.table import Table

        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=width, no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(self.text(label, "bold"), self.text(text))
        self.block(grid, indent)

    def block(self, content: Table | Text, indent: int = 2, least: int = 20) -> None:
        """Something that fits itself to the width, if that is not below `least`.

        Without the blanks that Rich fills lines up with.
        """
        from rich.text import Text

        options = self.console.options.update_width(max(self.console.width - indent, least))
        for segments in self.console.render_lines(content, options, pad=False):
            line = Text(" " * indent)
            for segment in segments:
                line.append(segment.text, segment.style)
            line.rstrip()
            self.console.print(line, soft_wrap=True, highlight=False)

    def gap(self) -> None:
        """An empty line."""
        self.console.print()

    def heading(self, text: str) -> None:
        """An empty line and a bold one."""
        self.gap()
        self.line(text, "bold")


def new_table(*header: str) -> Table:
    """A table without rules."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in header:
        table.add_column(name)
    return table


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more


def count(number: int, noun: str) -> str:
    """ "1 row", "1,200 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """ "0.42 s", "1 min 05 s", "2 h 10 min"."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def byte_size(size: float) -> str:
    """ "512 B", "34 MB", "1.2 GB"; 1 kB is 1,000 bytes."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
