"""ReSA: what each visual token may depend on, in which order tokens come, and how many there are."""

from dataclasses import replace

import pytest
import torch
from einops import rearrange

from texthawk.compress import COMPRESSORS, compressor_from_json, compressor_to_json
from texthawk.compress.resa import QueryGrid, ReSAConfig, tile_places
from texthawk.compress.views import ViewGroup
from texthawk.types import TileLayout

WIDTH, LANGUAGE = 16, 24
CONFIG = ReSAConfig(heads=2, intermediate=24, expansion=2, patches=8)  # 4x4 queries, 4 visual tokens a tile
SQUARE = QueryGrid.square(4)
WINDOWS = [(1, 1), (1, 2), (1, 4), (2, 2), (2, 1), (4, 4)]


def layout(rows, columns, thumbnail=False):
    return TileLayout(rows, columns, thumbnail, rows * 32, columns * 32, 32)


def built(config, language=LANGUAGE):
    torch.manual_seed(0)
    return config.build(encoder_width=WIDTH, language_width=language).eval()


def levels_for(*layouts, seed=1):
    generator = torch.Generator().manual_seed(seed)
    tiles = sum(each.tiles for each in layouts)
    return [torch.randn(tiles, 64, WIDTH, generator=generator) for _ in range(4)]


def groups(levels, side=8):
    """All tiles as the one group that they are, in the order of the pages."""
    tiles = len(levels[0])
    pixels = torch.zeros(tiles, 3, 4 * side, 4 * side)
    return [ViewGroup(torch.arange(tiles), [level.unflatten(1, (side, side)) for level in levels], pixels)]


def page(resa, levels, one):
    with torch.no_grad():
        return resa(groups(levels), [one])[0]


def changed(before, after):
    return set(((before - after).abs().amax(-1) > 1e-6).nonzero().flatten().tolist())


def plain_map(resa, queries, one):
    """The page's queries laid out by hand as rows and columns: what the order of tokens is checked against."""
    side = resa.config.side
    rows = [
        torch.cat([queries[r * one.columns + c].view(side, side, -1) for c in range(one.columns)], 1)
        for r in range(one.rows)
    ]
    return torch.cat(rows)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("scan", ["page", "tile"])
@pytest.mark.parametrize("thumbnail", [False, True])
def test_a_page_becomes_as_many_tokens_as_its_config_promises(window, scan, thumbnail):
    config, one = replace(CONFIG, window=window, scan=scan), layout(2, 3, thumbnail)
    tokens = page(built(config), levels_for(one), one)
    assert tokens.shape == (config.visual_tokens(one), LANGUAGE)
    assert config.visual_tokens(one) == (6 + thumbnail) * 16 // (window[0] * window[1])


def test_a_224_px_tile_costs_16_tokens():
    assert ReSAConfig().visual_tokens(layout(7, 5, True)) == 36 * 16
    assert replace(ReSAConfig(), resample=4, window=(1, 1)).visual_tokens(layout(1, 1)) == 16


@pytest.mark.parametrize("window", WINDOWS)
def test_page_scan_reads_line_by_line_across_tiles_and_joins_neighbours_in_order(window):
    a, b = window
    resa, one = built(replace(CONFIG, window=window), language=a * b * WIDTH), layout(2, 3)
    queries = torch.randn(6, 16, WIDTH)
    with torch.no_grad():
        resa.project.weight.copy_(torch.eye(a * b * WIDTH))
        resa.project.bias.zero_()
        tokens = resa.rearrange_page(queries, one)
    whole, expected = plain_map(resa, queries, one), []
    for y in range(0, whole.shape[0], a):
        for x in range(0, whole.shape[1], b):
            expected.append(torch.cat([whole[y + i, x + j] for i in range(a) for j in range(b)]))
    torch.testing.assert_close(tokens, torch.stack(expected))


@pytest.mark.parametrize("window", WINDOWS)
def test_page_and_tile_scan_give_the_same_tokens_in_another_order(window):
    one = layout(2, 3, True)
    by_page, by_tile = (
        page(built(replace(CONFIG, window=window, scan=scan)), levels_for(one), one) for scan in ("page", "tile")
    )
    per_tile, a, b = 16 // (window[0] * window[1]), 4 // window[0], 4 // window[1]
    torch.testing.assert_close(by_page[:per_tile], by_tile[:per_tile])
    tiles = rearrange(by_tile[per_tile:], "(R C y x) D -> (R y C x) D", R=2, C=3, y=a, x=b)
    torch.testing.assert_close(by_page[per_tile:], tiles)


def test_both_scans_agree_where_tiles_stand_below_each_other():
    one = layout(3, 1)
    by_page, by_tile = (page(built(replace(CONFIG, scan=scan)), levels_for(one), one) for scan in ("page", "tile"))
    assert torch.equal(by_page, by_tile)


@pytest.mark.parametrize("scan", ["page", "tile"])
def test_a_query_that_moves_moves_exactly_one_token(scan):
    resa, one = built(replace(CONFIG, scan=scan)), layout(2, 2, True)
    queries = torch.randn(5, 16, WIDTH)
    with torch.no_grad():
        before = resa.rearrange_page(queries, one)
        queries[4, 2 * 4 + 3] += 1.0  # last tile, third line, last column
        after = resa.rearrange_page(queries, one)
    assert changed(before, after) == {4 + (6 * 2 + 1 if scan == "page" else 3 * 4 + 2)}


@pytest.mark.parametrize("window", [(1, 4), (2, 2)])
def test_a_tile_that_changes_changes_its_own_tokens_and_no_others(window):
    config, one = replace(CONFIG, window=window), layout(2, 3, True)
    resa, levels = built(config), levels_for(one)
    before = page(resa, levels, one)
    for level in levels:
        level[1 + 4] += torch.randn(64, WIDTH)  # second row, second column; the thumbnail is tile 0
    a, b = 4 // window[0], 4 // window[1]
    own = {4 + (a + y) * 3 * b + b + x for y in range(a) for x in range(b)}
    assert changed(before, page(resa, levels, one)) == own


def test_a_picture_pasted_elsewhere_takes_its_tokens_along():
    resa, one = built(replace(CONFIG, positions="none")), layout(3, 3)
    blank, picture = torch.zeros(64, WIDTH), torch.randn(4, 64, WIDTH)

    def with_picture(row, column):
        levels = [blank.repeat(9, 1, 1) for _ in range(4)]
        for level, values in zip(levels, picture, strict=True):
            level[row * 3 + column] = values
        return rearrange(page(resa, levels, one), "(R y C) D -> R C y D", R=3, C=3)

    here, there = with_picture(0, 1), with_picture(2, 0)
    torch.testing.assert_close(here[0, 1], there[2, 0])
    assert not torch.allclose(here[0, 1], there[0, 1])


def test_a_place_on_the_page_changes_the_tokens_of_the_same_picture():
    one = layout(3, 3)
    picture = [level.expand(9, -1, -1) for level in levels_for(layout(1, 1))]
    for positions in ("scalable", "absolute"):
        tokens = page(built(replace(CONFIG, positions=positions)), picture, one)
        assert torch.pdist(tokens.view(3, 4, 3, LANGUAGE)[:, 0, 0]).min() > 1e-5


def test_pages_in_one_call_are_what_they_are_alone():
    pages = [layout(1, 2, True), layout(1, 1), layout(3, 2, True)]
    resa, levels = built(CONFIG), levels_for(*pages)
    with torch.no_grad():
        together = resa(groups(levels), pages)
    start = 0
    for tokens, one in zip(together, pages, strict=True):
        alone = page(resa, [level[start : start + one.tiles] for level in levels], one)
        torch.testing.assert_close(tokens, alone)
        start += one.tiles


def test_the_same_spot_has_the_same_place_from_any_grid():
    resa = built(CONFIG)
    thumbnail, large = (resa.places(tile_places([layout(n, n)]), SQUARE) for n in (1, 3))
    whole = plain_map(resa, large, layout(3, 3))
    torch.testing.assert_close(thumbnail.view(4, 4, WIDTH), whole[1::3, 1::3])


def test_a_3x2_and_a_6x4_grid_agree_at_the_same_spot():
    resa = built(CONFIG)
    coarse, fine = (
        plain_map(resa, resa.places(tile_places([layout(*n)]), SQUARE), layout(*n)) for n in [(3, 2), (6, 4)]
    )
    between = rearrange(fine, "(y a) (x b) W -> y x (a b) W", a=2, b=2).mean(2)
    torch.testing.assert_close(coarse, between, atol=2e-2, rtol=0)


def test_the_thumbnail_stands_where_the_whole_page_stands():
    places = tile_places([layout(2, 1, True), layout(1, 1)])
    assert places.tolist() == [[0, 0, 1, 1], [0, 0, 2, 1], [1, 0, 2, 1], [0, 0, 1, 1]]


@pytest.mark.parametrize("positions", ["scalable", "absolute"])
def test_cells_of_a_tile_share_one_place_when_the_granularity_is_the_cell(positions):
    resa = built(replace(CONFIG, positions=positions, granularity="cell"))
    places = resa.places(tile_places([layout(2, 2)]), SQUARE)
    torch.testing.assert_close(places, places[:, :1].expand_as(places))
    assert torch.pdist(places[:, 0]).min() > 1e-3


def test_a_row_separator_ends_each_line_of_tiles():
    config, one = replace(CONFIG, row_separators=True), layout(2, 3, True)
    resa = built(config)
    tokens = page(resa, levels_for(one), one)
    assert len(tokens) == config.visual_tokens(one) == 7 * 4 + 2
    for place in (4 + 12, 4 + 12 + 1 + 12):
        assert torch.equal(tokens[place], resa.row_separator_D)
    torch.testing.assert_close(
        torch.cat([tokens[:16], tokens[17:29]]), page(built(CONFIG), levels_for(one), one), atol=1e-6, rtol=1e-5
    )


def test_proposed_queries_look_at_their_own_patches_only():
    proposal = built(CONFIG).proposal
    features = torch.randn(1, 64, WIDTH, requires_grad=True)
    proposal(features, rows=4)[0, 1 * 4 + 2].sum().backward()
    seen = features.grad[0].abs().sum(-1).view(8, 8).nonzero().tolist()
    assert {tuple(place) for place in seen} <= {(y, x) for y in (2, 3) for x in (4, 5)} and seen


def test_proposed_queries_differ_by_tile_and_learned_ones_do_not():
    one = layout(1, 2)
    levels = levels_for(one)
    proposed = built(CONFIG).proposal(levels[3], rows=4)
    assert (proposed[0] - proposed[1]).abs().min() > 0
    learned = built(replace(CONFIG, queries="learned", positions="none"))
    blind = [level[:1].expand(2, -1, -1) for level in levels]
    tokens = page(learned, blind, one).view(4, 2, LANGUAGE)
    torch.testing.assert_close(tokens[:, 0], tokens[:, 1])
    assert not any(name.startswith("proposal") for name, _ in learned.named_parameters())


def test_only_the_first_layer_lacks_self_attention():
    assert [layer.has_self_attention for layer in built(CONFIG).layers] == [False, True, True, True]


@pytest.mark.parametrize("used", [(3, 2, 1, 0), (3, 3), (2, 0)])
def test_only_the_levels_of_the_config_are_looked_at_and_the_last_one_that_proposes_queries(used):
    resa, one = built(replace(CONFIG, levels=used)), layout(1, 1)
    levels = [level.requires_grad_() for level in levels_for(one)]
    resa(groups(levels), [one])[0].sum().backward()
    assert {index for index, level in enumerate(levels) if level.grad is not None} == {*used, len(levels) - 1}


@pytest.mark.parametrize("name", COMPRESSORS)
def test_a_config_survives_json(name):
    config = COMPRESSORS[name]()
    assert compressor_from_json(compressor_to_json(config)) == config


def test_an_unknown_compressor_is_told_the_nearest():
    with pytest.raises(ValueError, match="compressor 'rasa' is unknown; nearest: resa"):
        compressor_from_json({"type": "rasa"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resample": 3}, "resample 3 does not divide the 8 patches"),
        ({"window": (1, 8)}, "window .* does not divide the 4x4 queries by columns"),
        ({"window": (3, 1)}, "window .* does not divide the 4x4 queries by rows"),
        ({"scan": "diagonal"}, "scan is 'diagonal'; choose one of page, tile"),
        ({"scan": "tile", "row_separators": True}, "row_separators need scan='page'"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_the_rule(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **changes)


def test_tiles_that_do_not_fill_their_layouts_are_refused():
    with pytest.raises(ValueError, match="5 views came for layouts that hold 6"):
        built(CONFIG)(groups([torch.zeros(5, 64, WIDTH)] * 4), [layout(2, 3)])


def test_what_training_takes_apart_is_what_the_whole_computes():
    pages = [layout(1, 2, True), layout(2, 2)]
    resa, levels = built(replace(CONFIG, row_separators=True, output_positions=True)), levels_for(*pages)
    with torch.no_grad():
        parts = resa.rearrange(resa.resample(levels, tile_places(pages)), pages)
        for whole, apart in zip(resa(groups(levels), pages), parts, strict=True):
            assert torch.equal(whole, apart)


def test_a_thumbnail_that_is_sent_last_has_its_tokens_last():
    first, last = layout(2, 3, True), replace(layout(2, 3, True), thumbnail_last=True)
    resa, levels = built(CONFIG), levels_for(first)
    moved = [torch.cat([level[1:], level[:1]]) for level in levels]
    before, after = page(resa, levels, first), page(resa, moved, last)
    torch.testing.assert_close(torch.cat([before[4:], before[:4]]), after)


@pytest.mark.parametrize("size", [(8, 8), (5, 9), (3, 2), (17, 30)])
def test_a_view_of_any_size_is_filled_up_to_whole_windows(size):
    rows, columns = size
    one = TileLayout(1, 1, False, 4 * rows, 4 * columns, 32, cut=(4 * rows, 4 * columns))
    levels = [torch.randn(1, rows, columns, WIDTH) for _ in range(4)]
    resa = built(CONFIG)
    with torch.no_grad():
        (tokens,) = resa([ViewGroup(torch.tensor([0]), levels, torch.zeros(1, 3, *one.views[0]))], [one])
    assert len(tokens) == CONFIG.visual_tokens(one) == -(-rows // 2) * -(-columns // 8)


def test_places_of_a_view_that_was_filled_up_are_those_of_what_it_shows():
    resa, alone = built(CONFIG), tile_places([layout(1, 1)])
    shown, filled = resa.places(alone, QueryGrid(3, 3, 3, 3)), resa.places(alone, QueryGrid(3, 4, 3, 3))
    shown, filled = shown.view(3, 3, WIDTH), filled.view(3, 4, WIDTH)
    torch.testing.assert_close(filled[:, :3], shown)
    right = resa.page_places(torch.tensor([0.5]), torch.tensor([1.0]))  # what lies beyond stands at the edge
    torch.testing.assert_close(filled[1, 3], right[0])


def test_a_view_of_another_shape_reads_the_same_places_from_its_tables():
    resa = built(replace(CONFIG, queries="learned"))
    with torch.no_grad():
        resa.query_places_QW.copy_(torch.ones(16, WIDTH))
    torch.testing.assert_close(resa._resized(resa.query_places_QW, QueryGrid(3, 7, 3, 7)), torch.ones(21, WIDTH))
    tile = resa._resized(resa.learned_QW, QueryGrid.square(4))
    assert tile is resa.learned_QW
