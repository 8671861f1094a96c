"""The numbers of an axis are read one after the other; the first column of a table is read with its rows."""

import numpy as np

from texthawk.decode.columns import reading_order

HEIGHT = 14.0
TICKS = [(40.0 - 9 * (n > 0), 100.0 + 60 * n, 60.0, 114.0 + 60 * n) for n in range(6)]
TITLE, NAMES = (200.0, 40.0, 500.0, 56.0), [(60.0 + 120 * n, 440.0, 130.0 + 120 * n, 454.0) for n in range(4)]


def order_of(boxes: list[tuple[float, float, float, float]]) -> list[int]:
    return [int(k) for rows in reading_order(np.array(boxes), HEIGHT) for row in rows for k in row]


def test_the_numbers_of_an_axis_are_read_before_the_labels_of_points() -> None:
    labels = [(150.0 + 70 * n, 103.0 + 67 * (4 - n), 210.0 + 70 * n, 117.0 + 67 * (4 - n)) for n in range(5)]
    found = order_of([TITLE, *TICKS, *labels, *NAMES])
    assert found[:7] == [0, 1, 2, 3, 4, 5, 6]
    assert sorted(found[7:12]) == [7, 8, 9, 10, 11] and found[12:] == [12, 13, 14, 15]


def test_a_column_whose_rows_go_on_beside_it_is_no_axis() -> None:
    cells = [(150.0 + 90 * n, top, 210.0 + 90 * n, bottom) for _, top, _, bottom in TICKS for n in range(3)]
    found = order_of([*TICKS, *cells])
    assert found == [k for row in range(6) for k in (row, 6 + 3 * row, 7 + 3 * row, 8 + 3 * row)]


def test_numbers_before_items_of_several_lines_are_no_axis() -> None:
    lines = [(90.0, top + 20 * n, 480.0, bottom + 20 * n) for _, top, _, bottom in TICKS for n in range(3)]
    found = order_of([*TICKS, *lines])
    assert [found.index(k) < found.index(6 + 3 * k) < found.index(k + 1) for k in range(5)] == [True] * 5


BARS = [(100.0 - 12 * n, 100.0 + 60 * n, 150.0, 114.0 + 60 * n) for n in range(5)]
PARTS = [(180.0 + 90 * n, top, 210.0 + 90 * n, bottom) for _, top, _, bottom in BARS for n in range(2)]


def named(name: tuple[float, float, float, float]) -> list[int]:
    boxes = np.array([TITLE, *BARS, *PARTS])
    rows = reading_order(boxes, HEIGHT, names=np.array([name]))
    return [int(k) for group in rows for row in group for k in row]


def test_names_of_bars_are_read_before_the_numbers_of_their_parts_where_the_axis_has_a_name() -> None:
    assert named((20.0, 200.0, 34.0, 254.0)) == list(range(16))


def test_a_line_on_its_side_elsewhere_makes_no_axis_of_a_column() -> None:
    by_rows = [0, *(k for row in range(5) for k in (1 + row, 6 + 2 * row, 7 + 2 * row))]
    for elsewhere in ((20.0, 60.0, 34.0, 130.0), (800.0, 200.0, 814.0, 254.0)):
        assert named(elsewhere) == by_rows
