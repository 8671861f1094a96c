"""Lines find the rows they were read from, also where there are more or fewer of them than rows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from texthawk.decode.placing import rows_of

WIDTHS = [400, 120, 390, 60, 410, 230, 405, 300]
HEIGHTS = [20] * 8


def letters(widths, letter):
    return [round(width / letter) for width in widths]


@pytest.mark.parametrize("letter", [7, 9, 12])
def test_as_many_lines_as_rows_stand_on_one_row_each(letter):
    assert rows_of(letters(WIDTHS, letter), WIDTHS, HEIGHTS) == list(range(8))


@pytest.mark.parametrize("letter", [7, 9, 12])
@pytest.mark.parametrize("skipped", range(8))
def test_the_row_that_no_line_was_read_from_is_found_by_the_lines_lengths(skipped, letter):
    kept = [row for row in range(8) if row != skipped]
    assert rows_of(letters([WIDTHS[row] for row in kept], letter), WIDTHS, HEIGHTS) == kept


@pytest.mark.parametrize("parted", [0, 2, 4, 7])
def test_a_row_that_was_read_as_two_lines_holds_both(parted):
    lines = letters(WIDTHS, 9)
    half = lines[parted] // 2
    lines[parted : parted + 1] = [half, lines[parted] - half]
    assert rows_of(lines, WIDTHS, HEIGHTS) == sorted([*range(8), parted])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=20), st.lists(st.floats(0, 2000), max_size=8))
def test_rows_never_fall_and_each_is_one_of_the_window(lines, widths):
    rows = rows_of(lines, widths, [20.0] * len(widths))
    if not lines or not widths:
        assert rows is None
        return
    assert rows is not None and rows == sorted(rows) and len(rows) == len(lines)
    assert 0 <= rows[0] and rows[-1] < len(widths)
    assert len(set(rows)) == min(len(lines), len(widths))
