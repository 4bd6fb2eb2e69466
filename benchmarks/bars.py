"""Bars of ratios as SVG, without a library."""

from collections.abc import Sequence
from html import escape

WIDTH, LEFT, ROW, BAR, TOP = 760, 260, 22, 14, 46
SHORTEST_AXIS = 2.0
COLOURS = {True: "#2a7a4b", False: "#b5542c"}


def drawn(title: str, bars: Sequence[tuple[str, str, float]]) -> str:
    """Return a picture with a bar for each file, peer and ratio; a line marks the ratio 1."""
    scale = (WIDTH - LEFT - 60) / max(SHORTEST_AXIS, *(ratio for _, _, ratio in bars))
    height = TOP + ROW * len(bars) + 10
    one = LEFT + scale
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="10" y="24" font-size="15">{escape(title)}</text>',
        *(_bar(place, bar, scale) for place, bar in enumerate(bars)),
        f'<line x1="{one}" x2="{one}" y1="{TOP - 8}" y2="{height - 6}" stroke="black" stroke-dasharray="3"/>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bar(place: int, bar: tuple[str, str, float], scale: float) -> str:
    name, peer, ratio = bar
    top = TOP + ROW * place
    length = ratio * scale
    return (
        f'<text x="{LEFT - 8}" y="{top + 11}" text-anchor="end">{escape(name)}, {escape(peer)}</text>'
        f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{COLOURS[ratio <= 1]}"/>'
        f'<text x="{LEFT + length + 6:.1f}" y="{top + 11}">{ratio:.2f}</text>'
    )
