"""Histograms of numbers and dates: how many values lie in each of BINS bins of equal width."""

from collections.abc import Mapping, Sequence

from duckdb import DuckDBPyConnection

from app.processors.dataset.part import Part
from app.processors.dataset.profile.counts import count_values_apart, grouped_apart
from app.processors.dataset.profile.statistics import Statistics, numeric

BINS = 20


def counts_of_bins(
    connection: DuckDBPyConnection,
    part: Part,
    statistics: Sequence[Statistics],
    rows: int,
) -> dict[int, dict[int, int]]:
    """Return how many values each bin of a column has, by the column's place and the bin's number."""
    ranges = {
        place: (known.low, known.high / BINS - known.low / BINS)
        for place, known in enumerate(statistics)
        if known.low is not None and known.high is not None and known.high > known.low
    }
    counts = {place: {0: known.finite} for place, known in enumerate(statistics) if known.low is not None}
    if ranges and grouped_apart(rows, len(ranges)):
        bins = {
            place: _bin(numeric(part.columns[place], part.cells[place]), *map(_double, range_))
            for place, range_ in ranges.items()
        }
        found = count_values_apart(connection, part.source, bins, most=BINS)
        counts |= {place: dict(counted.values) for place, counted in found.items()}
    else:
        counts |= _counts_as_pairs(connection, part, ranges)
    return counts


def _counts_as_pairs(
    connection: DuckDBPyConnection,
    part: Part,
    ranges: Mapping[int, tuple[float, float]],
) -> dict[int, dict[int, int]]:
    """Return how many values each bin has, from pairs of column and number; see `count_values`."""
    counts: dict[int, dict[int, int]] = {place: {} for place in ranges}

    def number(places: Sequence[int], cell: str) -> str:
        return numeric(part.columns[places[0]], cell) or cell

    for some, numbers in part.together(ranges, number):
        lists = (
            "unnest(CAST($places AS INTEGER[])) AS place",
            f"unnest({numbers}) AS number",
            "unnest(CAST($lows AS DOUBLE[])) AS low",
            "unnest(CAST($widths AS DOUBLE[])) AS width",
        )
        query = f"""
            SELECT place, bin, count(*)
            FROM (SELECT place, {_bin("number", "low", "width")} AS bin
                  FROM (SELECT {", ".join(lists)} FROM {part.source}))
            WHERE bin IS NOT NULL GROUP BY place, bin
        """
        lows, widths = zip(*(ranges[place] for place in some), strict=True)
        # To read the numbers from the query would take DuckDB longer than to count.
        given = {"places": some, "lows": list(lows), "widths": list(widths)}
        for place, bin_number, count in connection.execute(query, given).fetchall():
            counts[place][bin_number] = count
    return counts


def _double(number: float) -> str:
    return f"CAST({number!r} AS DOUBLE)"


def _bin(number: str | None, low: str, width: str) -> str:
    """Return SQL for the number of the bin; divided before subtracted, since high - low may overflow."""
    place = f"floor({number} / {width} - {low} / {width})"
    bin_number = f"CAST(greatest(0, least({BINS - 1}, {place})) AS UTINYINT)"
    return f"CASE WHEN {number} IS NOT NULL THEN {bin_number} END"
