"""Colours, heat and places: what is drawn lies where it belongs."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from tests.eval.show.pages import seen

from texthawk.decode.regions import find_regions
from texthawk.eval.show.colours import palette, pyramid_colours
from texthawk.eval.show.contact import ContactSheet
from texthawk.eval.show.mosaic import heat_of, laid_out, view_boxes
from texthawk.eval.show.pictures import framed, heated
from texthawk.eval.show.shown import in_rows, whole
from texthawk.image.rows import RowSetting
from texthawk.types import Box, TileLayout


def test_colours_follow_the_directions_in_which_features_differ_most():
    torch.manual_seed(0)
    turn, _ = torch.linalg.qr(torch.randn(8, 8))
    spread = torch.tensor([9.0, 5.0, 3.0, 0.1, 0.1, 0.1, 0.1, 0.1])
    places = torch.rand(20, 30, 8)
    colours = palette([places * spread @ turn])(places * spread @ turn).float()
    for channel in range(3):
        found = np.corrcoef(colours[..., channel].flatten(), places[..., channel].flatten())[0, 1]
        assert abs(found) > 0.98
    assert colours.amax() == 255 and colours.amin() == 0


def test_features_of_one_and_of_two_channels_have_colours_too():
    for width in (1, 2, 3):
        colours = palette([torch.randn(4, 5, width)])(torch.randn(4, 5, width))
        assert colours.shape == (4, 5, 3) and colours.dtype == torch.uint8


def test_views_are_laid_out_as_they_were_cut():
    for last in (False, True):
        layout = TileLayout(2, 3, True, 8, 12, 4, thumbnail_last=last)
        views = [torch.full((2, 2), float(number)) for number in range(7)]
        cuts, thumbnail = laid_out(views, layout)
        first = 0 if last else 1
        assert cuts[::2, ::2].flatten().tolist() == [first + k for k in range(6)]
        assert thumbnail[0, 0] == (6 if last else 0)
        boxes = view_boxes(layout, (120, 80))
        assert tuple(boxes[first + 5]) == (80, 40, 120, 80)
        assert tuple(boxes[6 if last else 0]) == (0, 0, 120, 80)


def test_heat_keeps_its_sum_and_its_place():
    layout = TileLayout(1, 2, True, 8, 16, 8)
    views = [torch.zeros(4, 4) for _ in range(3)]
    views[2][1, 3] = 0.75  # of the right half: its second row, last column
    heat = heat_of(views, layout, (80, 40))
    assert heat.sum() == pytest.approx(0.75)
    rows, columns = np.nonzero(heat)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 19, 70, 79)
    views[0][0, 0] = 0.25
    both = heat_of(views, layout, (80, 40))
    assert both[:10, :20].sum() == pytest.approx(0.25)
    assert both.sum() == pytest.approx(1.0)


def test_heat_on_rows_goes_back_to_the_line_it_was_cut_from():
    page = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(page)
    for number, text in enumerate(("first line of text", "second line of text", "third line")):
        draw.text((30, 40 + 80 * number), text, fill="black", font_size=16)
    (shown,) = in_rows(page, find_regions(page), RowSetting())
    assert len(shown.boxes) == 3
    second = shown.window.places[1].to_canvas(np.array([shown.boxes[1]]))[0].round().astype(int)
    heat = np.zeros(shown.image.size[::-1], dtype=np.float32)
    middle = (second[0] + second[2]) // 2
    heat[second[1] : second[3], second[0] : middle] = 1
    laid = shown.on_page(heat, page.size)
    assert laid.shape == (300, 400)
    box = shown.boxes[1]
    rows, columns = np.nonzero(laid > 0.5)
    assert box.top - 1 <= rows.min() and rows.max() <= box.bottom
    assert box.left - 1 <= columns.min() and columns.max() == pytest.approx((box.left + box.right) / 2, abs=3)
    assert whole(page)[0].on_page(laid, page.size) is laid


def test_a_page_without_text_has_no_rows():
    with pytest.raises(ValueError, match="no line of text"):
        in_rows(Image.new("RGB", (100, 100), "white"), [], RowSetting())


def test_heat_hides_nothing_where_there_is_none():
    page = Image.new("RGB", (20, 10), (128, 128, 128))
    heat = np.zeros((10, 20), dtype=np.float32)
    plain = np.asarray(heated(page, heat))
    assert np.ptp(plain) == 0
    heat[:5, :5], heat[5:, 5:10] = 0.5, 1.0
    drawn = np.asarray(heated(page, heat)).astype(int)
    assert (drawn[:, 10:] == plain[:, 10:]).all()
    assert drawn[9, 9, 1] < drawn[0, 0, 1] < plain[0, 0, 1]


def test_frames_leave_the_picture_within_them_alone():
    page = Image.new("RGB", (60, 40), "white")
    (box,) = view_boxes(TileLayout(1, 1, False, 40, 60), page.size)
    drawn = np.asarray(framed(page, [box], ["0"]))
    assert (drawn[0] != 255).any(axis=-1).all() and (drawn[-1, :, 0] != 255).all()
    assert (drawn[20:38, 2:58] == 255).all()
    assert np.asarray(page).min() == 255


def test_labels_stand_where_they_hide_neither_lines_nor_each_other():
    page = Image.new("RGB", (400, 200), "white")
    lines = [Box(60, 40 + 24 * k, 300, 60 + 24 * k) for k in range(4)]
    halves = [*lines[:3], Box(60, 112, 180, 132), Box(180, 112, 300, 132)]
    plain, labelled = (np.asarray(framed(page, halves, labels)).astype(int) for labels in ((), ["10"] * 5))
    for box in lines:
        inside = (slice(int(box.top), int(box.bottom)), slice(int(box.left), int(box.right)))
        assert (plain[inside] == labelled[inside]).all()
    tags = (plain != labelled).any(-1)
    left, right = tags[:, :60], tags[:, 300:]
    assert left.any(1).sum() > 4 * 12, "a line has its label on its left"
    assert right.any(), "the second half of a line has it on its right"
    assert not right[:110].any()


def seen_colours(one):
    """The tower's map of each view in its own colours."""
    paint = palette([group.levels[-1] for group in one.groups])
    views = [paint(view) for group in one.groups for view in group.levels[-1]]
    return [views[k] for k in one.order]


def test_a_pyramid_has_each_scale_before_and_after_its_details():
    one = seen("hiwin", "uhd")
    double, quadruple = pyramid_colours(one.eyes.connector, one.groups, one.order)
    for colours, scale in ((double, 2), (quadruple, 4)):
        for number, (height, width) in enumerate(one.layout.views):
            size = (scale * height // one.eyes.tower.patch, scale * width // one.eyes.tower.patch, 3)
            assert {part[number].shape for part in (colours.bilinear, colours.before, colours.after)} == {size}
    apart = (double.after[0].float() - double.before[0].float()).abs().mean()
    assert apart > 5, "details change the map"
    for colours, below in ((double, seen_colours(one)), (quadruple, double.after)):
        for before, under in zip(colours.before, below, strict=True):
            halved = before.float().unflatten(0, (-1, 2)).unflatten(2, (-1, 2)).mean((1, 3))
            assert (halved - under.float()).abs().mean() < 15, "a level begins as the one below, enlarged"
    assert pyramid_colours(seen("uhd1", "uhd").eyes.connector, one.groups, one.order) == []


def test_a_contact_sheet_lists_every_picture_and_keeps_text_as_text(tmp_path):
    sheet = ContactSheet(tmp_path / "new", 'a <b> & "c"')
    sheet.section("<script>alert(1)</script>", "1 < 2")
    picture = Image.new("RGB", (4, 4))
    for name in ("one", "two"):
        sheet.add(name, picture, f"<i>{name}</i>")
    sheet.section("empty", "nothing here")
    path = sheet.finish()
    html = path.read_text()
    assert "<script" not in html and "<i>" not in html and "<b>" not in html
    assert "a &lt;b&gt; &amp;" in html
    assert {file.name for file in path.parent.glob("*.png")} == {"one.png", "two.png"}
    assert html.count('src="one.png"') == html.count('src="two.png"') == 1
    assert "http" not in html and "nothing here" not in html
