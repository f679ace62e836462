"""Draw docs/assets/demo.svg: what `specter2 demo` prints on a terminal, run as it is now: `make picture`."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "assets" / "demo.svg"
WIDTH = 104
_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"


def printed(*arguments: str) -> str:
    """Return what a command prints on a terminal with colours, its progress left out."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "specter2_plugins", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return done.stdout


def main() -> None:
    """Run the demo and draw it."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text("$ specter2 demo", style="bold green"))
    console.print(Text.from_ansi(printed("demo")))
    picture = console.export_svg(title="A terminal", theme=MONOKAI, unique_id="demo")
    # Rich names a font on a server; whoever looks at the picture has one for terminals.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    PICTURE.write_text(re.sub(r"Fira Code(, monospace)?", _FONTS, picture), encoding="utf-8")


if __name__ == "__main__":
    main()
