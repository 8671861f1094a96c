"""Where nobody says which visual tokens to show, those on print are chosen."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tests.eval.show.pages import seen
from tests.model.tiny import model, processor

from texthawk.eval.show.choice import chosen, moved_by_print
from texthawk.eval.show.looking import look, untrained_eyes
from texthawk.eval.show.mosaic import heat_of
from texthawk.eval.show.sources import token_map


def page(where):
    """A white page with three lines of print in one of its quarters."""
    image = Image.new("RGB", (256, 256), "white")
    for number in range(3):
        place = (128 * where[0] + 6, 128 * where[1] + 10 + 36 * number)
        ImageDraw.Draw(image).text(place, "quick fox", fill="black", font_size=24)
    return image


@pytest.mark.parametrize("where", [(0, 0), (1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize(("connector", "tiling"), [("mlp", "native"), ("merge2x2", "adaptive"), ("hiwin", "uhd")])
def test_the_chosen_tokens_draw_on_print(connector, tiling, where):
    image = page(where)
    eyes = untrained_eyes(model().requires_grad_(False), processor().image_processor, connector, tiling)
    one = look(eyes, image)
    numbers = chosen(one, 3)
    assert len(set(numbers)) == 3 and numbers == sorted(numbers)
    for number in numbers:
        levels = token_map(one, one.token(number)).levels
        heat = np.sum([heat_of(level.views, one.layout, image.size) for level in levels], axis=0)
        quarter = heat[128 * where[1] : 128 * (where[1] + 1), 128 * where[0] : 128 * (where[0] + 1)]
        assert quarter.sum() > 0.5 * heat.sum()


def test_tokens_that_see_no_print_stay_where_they_are():
    eyes = untrained_eyes(model().requires_grad_(False), processor().image_processor, "mlp", "native")
    moved = moved_by_print(look(eyes, page((0, 0)))).unflatten(0, (64, 64))
    assert (moved[:32, :32] > 0).any() and not moved[32:].any() and not moved[:, 32:].any()


def test_a_page_that_is_all_print_and_one_without_any_have_tokens_to_show():
    eyes = untrained_eyes(model().requires_grad_(False), processor().image_processor, "mlp", "adaptive")
    for one in (seen("mlp"), look(eyes, Image.new("RGB", (200, 100), "white"))):
        assert len(chosen(one, 3)) == 3
