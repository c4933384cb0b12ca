"""What a gate leaves in its folder: `gate.json`, `gate.md` and `gate.html`."""

from pathlib import Path

from harness.report import markdown, page
from harness.report.files import write_json, write_text
from harness.report.gate.judge import Gate


def write(gate: Gate, folder: Path) -> None:
    """Write the three files."""
    write_json(folder / "gate.json", gate.document())
    write_text(folder / "gate.md", markdown.render_gate(gate))
    write_text(folder / "gate.html", page.render_gate(gate))
