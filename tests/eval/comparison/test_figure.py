"""What the picture shows of connectors that cost the same."""

from texthawk.eval.comparison.figure import rings


def test_points_on_one_spot_are_rings_about_each_other():
    spot, beside, higher = (144, 2.26), (146, 2.30), (144, 3.0)
    assert rings([spot, higher, spot, beside, (576, 8.0)]) == [0, 0, 1, 2, 0]


def test_points_are_as_near_as_the_panel_shows_them():
    hiwin, uhd1 = (1033, 18.7), (1014, 16.5)
    assert rings([hiwin, uhd1, (144, 2.3), (2304, 72.0)]) == [0, 1, 0, 0], "a wide panel draws them over each other"
    assert rings([hiwin, uhd1]) == [0, 0], "a panel of these two alone has them in its corners"


def test_connectors_that_cost_the_very_same_are_told_apart():
    assert rings([(144, 2.3)]) == [0]
    assert rings([(144, 2.3)] * 3) == [0, 1, 2]
