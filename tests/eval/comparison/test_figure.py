"""What the picture shows of connectors that cost the same."""

from texthawk.eval.comparison.figure import rings


def test_points_on_one_spot_are_rings_about_each_other():
    spot, beside, higher = (144, 2.26), (146, 2.30), (144, 3.0)
    assert rings([spot, higher, spot, beside, (576, 8.0)]) == [0, 0, 1, 2, 0]
