"""Ink, its components and white strips, each against the slow way to find it."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from texthawk.decode.ink import components_of, groups_of, ink_of, middle_of, opened, rules_of, runs_of


def flooded(ink: np.ndarray) -> set[tuple[tuple[int, int, int, int], int]]:
    """Boxes and areas of components, found by walking from pixel to pixel."""
    left = {(int(y), int(x)) for y, x in np.argwhere(ink)}
    found = set()
    while left:
        reached = [left.pop()]
        for y, x in reached:
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            reached += near
        ys, xs = zip(*reached, strict=True)
        found.add(((min(xs), min(ys), max(xs) + 1, max(ys) + 1), len(reached)))
    return found


@pytest.mark.parametrize("share", [0.02, 0.2, 0.45, 0.8])
def test_components_are_what_can_be_walked_without_leaving_the_ink(share: float) -> None:
    ink = np.random.default_rng(7).random((37, 53)) < share
    parts = components_of(ink)
    boxes = [tuple(box) for box in parts.boxes.tolist()]
    assert set(zip(boxes, parts.areas.tolist(), strict=True)) == flooded(ink)


def test_a_page_without_ink_has_no_components() -> None:
    parts = components_of(np.zeros((5, 9), dtype=bool))
    assert parts.boxes.shape == (0, 4) and parts.beside.shape == (0, 2)


def test_components_beside_each_other_face_along_a_row_with_nothing_between() -> None:
    ink = np.zeros((6, 30), dtype=bool)
    ink[1:5, 2:4] = ink[1:5, 10:12] = ink[1:5, 20:22] = ink[5, 26:28] = True
    parts = components_of(ink)
    faced = [(parts.boxes[a, 0], parts.boxes[b, 0]) for a, b in parts.beside]
    assert sorted(faced) == [(2, 10), (10, 20)]


@pytest.mark.parametrize(("height", "width"), [(1, 4), (5, 2), (3, 3), (40, 2)])
def test_an_opening_keeps_what_a_free_rectangle_covers(height: int, width: int) -> None:
    free = np.random.default_rng(3).random((24, 31)) < 0.9
    expected = np.zeros_like(free)
    for y in range(free.shape[0] - height + 1):
        for x in range(free.shape[1] - width + 1):
            if free[y : y + height, x : x + width].all():
                expected[y : y + height, x : x + width] = True
    assert np.array_equal(opened(free, height, width), expected)


def test_things_belong_together_through_others() -> None:
    group = groups_of(6, np.array([4, 1, 3]), np.array([3, 0, 1]))
    assert group[4] == group[3] == group[1] == group[0]
    assert len({group[0], group[2], group[5]}) == 3 and group.max() == 2


def test_runs_are_listed_row_by_row() -> None:
    row, start, end = runs_of(np.array([[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]], dtype=bool))
    assert list(zip(row.tolist(), start.tolist(), end.tolist(), strict=True)) == [(0, 0, 1), (0, 2, 4), (2, 0, 4)]


def test_only_long_straight_ink_is_a_rule() -> None:
    ink = np.zeros((200, 1000), dtype=bool)
    ink[50, 100:900] = ink[20:180, 30] = ink[100:110, 400:420] = True
    rules = rules_of(ink)
    assert rules[50, 100:900].all() and rules[20:180, 30].all() and not rules[100:110, 400:420].any()


def test_ink_differs_from_the_paper_around_it_whichever_is_darker() -> None:
    page = np.full((200, 400, 3), 240, dtype=np.uint8)
    page[:, 200:] = 20
    page[95:105, 90:110] = 0
    page[95:105, 290:310] = 250
    ink = ink_of(Image.fromarray(page))
    assert ink[100, 100] and ink[100, 300] and not ink[20, 20] and not ink[20, 380]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.49, 0.52, 1.0])
@pytest.mark.parametrize("side", [3, 15])
def test_the_paper_is_the_median_that_pillow_finds(share: float, side: int) -> None:
    """share: of the pixels that are not of the commonest grey, up to the picture's edges and in its corners."""
    dice = np.random.default_rng(3)
    grey = np.full((61, 47), 200, dtype=np.uint8)
    changed = dice.random(grey.shape) < share
    changed[:20, :20] = dice.random((20, 20)) < 0.5 * share  # so that both ways to find it are taken
    grey[changed] = dice.integers(0, 256, grey.shape, dtype=np.uint8)[changed]
    picture = Image.fromarray(grey)
    assert np.array_equal(middle_of(picture, side), np.asarray(picture.filter(ImageFilter.MedianFilter(side))))


def test_a_rule_is_found_wherever_it_begins_and_nothing_that_is_a_pixel_shorter() -> None:
    for start in range(51):
        ink = np.zeros((3, 90), dtype=bool)
        ink[1, start : start + 39] = True
        assert not rules_of(ink).any() and not rules_of(ink.T).any()
        ink[1, start + 39] = True
        assert np.array_equal(rules_of(ink), ink) and np.array_equal(rules_of(ink.T), ink.T)
