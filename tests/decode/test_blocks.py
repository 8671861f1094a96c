"""Two blocks at the top of a letter or an invoice are read one after the other; rows of tables and forms stay rows."""

import numpy as np
import pytest

from texthawk.decode.columns import reading_order

HEIGHT, PITCH = 14.0, 22.0
Boxes = list[tuple[float, float, float, float]]


def block(left: float, top: float, widths: list[float]) -> Boxes:
    return [(left, top + PITCH * n, left + wide, top + PITCH * n + HEIGHT) for n, wide in enumerate(widths)]


def order_of(boxes: Boxes) -> list[int]:
    return [int(k) for rows in reading_order(np.array(boxes), HEIGHT) for row in rows for k in row]


ADDRESS = block(60, 100, [170, 130, 90, 120, 110])
BUYER = block(60, 300, [80, 150, 140, 120])
TITLE = [(60.0, 40.0, 300.0, 66.0)]


@pytest.mark.parametrize("lines", [2, 3])
def test_numbers_beside_an_address_are_read_after_it_also_on_common_rows(lines: int) -> None:
    numbers = block(460, 100, [200, 180, 190][:lines])
    boxes = [*TITLE, *ADDRESS, *numbers, *BUYER]
    assert order_of(boxes) == list(range(len(boxes)))


def test_a_large_title_on_the_right_and_numbers_off_the_rows_of_the_address_are_a_block() -> None:
    numbers = [(560.0, 102.0, 690.0, 128.0), *block(460, 152, [180, 200])]
    boxes = [*ADDRESS, *numbers, *BUYER]
    assert order_of(boxes) == list(range(len(boxes)))


def test_columns_above_a_table_end_where_its_rows_begin() -> None:
    numbers = [(560.0, 102.0, 690.0, 128.0), *block(460, 152, [180, 200, 190])]
    names, prices = block(60, 450, [90, 110, 70, 100, 90]), block(640, 450, [50, 50, 50, 50, 50])
    amounts = block(500, 450, [30, 20, 30, 30, 20])
    above = [*ADDRESS, *numbers, *BUYER]
    table = [cell for row in zip(names, amounts, prices, strict=True) for cell in row]
    assert order_of([*above, *table]) == list(range(len(above) + len(table)))


def by_rows(left: Boxes, right: Boxes) -> list[int]:
    boxes = [*left, *right]
    return sorted(range(len(boxes)), key=lambda k: (boxes[k][1], boxes[k][0]))


def test_labels_and_values_of_a_form_are_read_row_by_row() -> None:
    labels, values = block(60, 100, [90, 60, 100, 80]), block(460, 100, [200, 150, 180, 120])
    assert order_of([*labels, *values]) == by_rows(labels, values)


def test_prices_beside_the_first_lines_of_a_receipt_stay_in_their_rows() -> None:
    goods, prices = block(60, 100, [170, 130, 160, 120, 200, 180]), block(600, 100, [50, 50, 50, 50])
    assert order_of([*goods, *prices]) == by_rows(goods, prices)
