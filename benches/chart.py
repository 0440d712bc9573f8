"""Chart of the main figures relative to mezon-sdk, for light and dark pages."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path
from typing import Final

import report
from rows import ROWS

#: The rows of the chart and their labels.
BARS: Final = {
    ("messages_async", "rate"): "messages, async handler",
    ("messages_async", "cpu"): "CPU per message",
    ("typing", "rate"): "events without a handler",
    ("send", "cpu"): "CPU per acked send",
    ("imports", "seconds"): "time of import mezon",
    ("memory_burst", "peak"): "memory in a burst of 20,000",
}

#: Colours: text, secondary text, bar, line of mezon-sdk.
COLOURS: Final = {
    "light": ("#1f2328", "#59636e", "#0969da", "#d1d9e0"),
    "dark": ("#f0f6fc", "#9198a1", "#4493f8", "#3d444d"),
}

WIDTH: Final = 760
#: Start of the bars and end of the longest bar.
LEFT: Final = 250
RIGHT: Final = 520
ROW: Final = 34
TOP: Final = 46


def _lines(measured: report.Measured) -> list[tuple[str, float, str]]:
    """Return title, ratio and the two values of a bar."""
    lines = []
    for row in ROWS:
        title = BARS.get((row.case, row.figure))
        values = report.medians(measured, row)
        ours, reference = values.get("ours"), values.get("reference")
        if title is not None and ours and reference:
            times = ours / reference if row.more else reference / ours
            unit = "" if row.unit == "/s" else f" {row.unit}"
            said = f"{report.number(ours)}{unit} against {report.number(reference)}{unit}"
            lines.append((title, times, said))
    return lines


def draw(measured: report.Measured, theme: str) -> str:
    """Draw the chart as SVG; the bars' scale is logarithmic."""
    text, weak, bar, edge = COLOURS[theme]
    lines = _lines(measured)
    most = math.log10(max([10.0, *(times for _, times, _ in lines)]))
    height = TOP + ROW * len(lines) + 12
    title = "Times better than mezon-sdk 1.8.3 (logarithmic)"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f'<text x="0" y="22" fill="{text}" font-size="15" font-weight="600">{title}</text>',
        f'<line x1="{LEFT}" y1="{TOP - 6}" x2="{LEFT}" y2="{height - 8}" stroke="{edge}"/>',
    ]
    for number, (name, times, said) in enumerate(lines):
        top = TOP + ROW * number
        length = max(2.0, math.log10(max(times, 1.0)) / most * (RIGHT - LEFT))
        parts += [
            f'<text x="{LEFT - 10}" y="{top + 16}" fill="{text}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{top + 3}" width="{length:.1f}" height="18" rx="3" fill="{bar}"/>',
            f'<text x="{LEFT + length + 8:.1f}" y="{top + 16}" fill="{text}" font-weight="600">'
            f"{times:,.{0 if times >= 10 else 1}f} x"
            f'<tspan dx="8" fill="{weak}" font-weight="400" font-size="11">{escape(said)}</tspan></text>',
        ]
    return "\n".join([*parts, "</svg>\n"])


def write(folder: Path, measured: report.Measured) -> None:
    """Write ``benchmark-light.svg`` and ``benchmark-dark.svg``."""
    folder.mkdir(parents=True, exist_ok=True)
    for theme in COLOURS:
        (folder / f"benchmark-{theme}.svg").write_text(draw(measured, theme))
