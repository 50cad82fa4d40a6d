"""Draws the log of a run as a picture:

    python training/curves.py out/training/run/log.jsonl [--out FILE.svg] [--names loss cls mask]

One small chart for each number, over the minutes of the run. The SVG is written as plain text.
"""

import argparse
import json
from pathlib import Path

WIDTH, HEIGHT, GAP, COLUMNS = 300, 170, 14, 3
MARGIN_LEFT, MARGIN_TOP, MARGIN_BOTTOM = 52, 24, 20
# Numbers that are no curves.
NOT_DRAWN = ("step", "progress", "minutes")


def read_log(path):
    """Lines of the log as dictionaries."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def series(lines, name):
    """Pairs (minutes, value) of the lines that have this number."""
    return [(line["minutes"], line[name]) for line in lines if isinstance(line.get(name), (int, float))]


def smoothed(points, share=0.3):
    """Values that follow the points slowly."""
    out, value = [], None
    for x, y in points:
        value = y if value is None else value + share * (y - value)
        out.append((x, value))
    return out


def line_of(points, place, colour, width):
    """A line through points as an SVG element."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, points))
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def chart(name, points, left, top):
    """The elements of one chart with its upper left corner at (left, top)."""
    x0, x1 = min(x for x, _ in points), max(x for x, _ in points)
    y0, y1 = min(y for _, y in points), max(y for _, y in points)
    across, down = WIDTH - MARGIN_LEFT, HEIGHT - MARGIN_TOP - MARGIN_BOTTOM

    def place(point):
        x = (point[0] - x0) / max(x1 - x0, 1e-9)
        y = (point[1] - y0) / max(y1 - y0, 1e-9)
        return left + MARGIN_LEFT + x * across, top + MARGIN_TOP + (1 - y) * down

    def text(x, y, content, anchor="start"):
        return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{content}</text>'

    low, right = top + MARGIN_TOP + down, left + WIDTH
    corner = f'x="{left + MARGIN_LEFT}" y="{top + MARGIN_TOP}"'
    return [
        f'<rect {corner} width="{across}" height="{down}" fill="none" stroke="#bbb"/>',
        text(left + MARGIN_LEFT, top + MARGIN_TOP - 7, f"{name}: {points[-1][1]:.4g}"),
        text(left + MARGIN_LEFT - 4, top + MARGIN_TOP + 8, f"{y1:.3g}", "end"),
        text(left + MARGIN_LEFT - 4, low, f"{y0:.3g}", "end"),
        text(left + MARGIN_LEFT, low + 14, f"{x0:.3g} min"),
        text(right, low + 14, f"{x1:.3g} min", "end"),
        line_of(points, place, "#9cf", 1),
        line_of(smoothed(points), place, "#036", 1.5),
    ]


def drawing(lines, names):
    """The SVG file's text."""
    charts = {name: series(lines, name) for name in names}
    charts = {name: points for name, points in charts.items() if points}
    rows = -(-len(charts) // COLUMNS)
    width, height = COLUMNS * (WIDTH + GAP) + GAP, rows * (HEIGHT + GAP) + GAP
    body = []
    for index, (name, points) in enumerate(charts.items()):
        left = GAP + index % COLUMNS * (WIDTH + GAP)
        body += chart(name, points, left, GAP + index // COLUMNS * (HEIGHT + GAP))
    size = f'width="{width}" height="{height}" font-family="sans-serif" font-size="11"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *body, "</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("log", type=Path)
    parser.add_argument("--out", type=Path, help="beside the log by default")
    parser.add_argument("--names", nargs="*", help="numbers to draw, all of them by default")
    args = parser.parse_args()
    lines = read_log(args.log)
    if not lines:
        raise SystemExit(f"{args.log} has no lines yet: detector_train.py writes one every few steps")
    names = args.names or list(dict.fromkeys(k for line in lines for k in line if k not in NOT_DRAWN))
    out = args.out or args.log.with_suffix(".svg")
    out.write_text(drawing(lines, names))
    print(out)


if __name__ == "__main__":
    main()
