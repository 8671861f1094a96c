"""Published models by the same counter, and what the project set out to reach."""

import pytest
import torch
from transformers import Qwen2VLVisionConfig

from texthawk.eval.comparison import targets
from texthawk.eval.comparison.counting import Counter
from texthawk.eval.comparison.page_tower import WholePageTower
from texthawk.eval.comparison.published import cases
from texthawk.eval.comparison.shapes import LANGUAGES
from texthawk.eval.comparison.timing import Lap, Timing

CONFIG = Qwen2VLVisionConfig(depth=3, embed_dim=32, num_heads=2, hidden_size=24)


@pytest.fixture(scope="module")
def counter():
    return Counter()


@pytest.fixture(scope="module")
def rows(counter):
    return {case.setup.name: (case, case.row(counter)) for case in cases()}


def test_counts_and_formulas_agree_for_published_models(rows):
    assert [line for _, row in rows.values() for line in row.disagreements()] == []


@pytest.mark.parametrize("name, tokens", [("LLaVA-1.5", 576), ("LLaVA-Next", 2880)])
def test_llavas_published_operations_come_out_again(rows, name, tokens):
    case, row = rows[name]
    assert row.tokens == tokens
    assert row.counted.total == pytest.approx(case.published, rel=0.03)


def test_llava_uhd2_costs_what_its_released_code_does_and_not_what_was_published(rows):
    _, row = rows["LLaVA-UHD v2, as released"]
    parts = {part: round(count / 1e12, 1) for part, count in row.counted.parts().items()}
    assert parts == {"tower": 2.7, "connector": 8.6, "language": 13.9, "head": 0.3}
    assert row.tokens == 1033
    _, ours = rows["LLaVA-UHD v2, as here"]
    assert ours.counted.connector < 0.4 * row.counted.connector
    _, first = rows["LLaVA-UHD v2 with v1's resampler"]
    assert first.counted.total == pytest.approx(17.5e12, rel=0.01)  # what the paper's figure fits instead


def test_targets_are_ratios_of_the_rows_and_are_told_whether_reached_or_not(counter):
    found = {target.name: target for target in targets.counted(counter, LANGUAGES["qwen2-7b"]())}
    assert found["visual tokens"].ratio == 592 / 2304
    assert found["bytes of keys and values"].ratio == 592 / 2304
    same, own = (found[f"operations to the first token, {name}"] for name in ("same tower", "Qwen2-VL's own tower"))
    assert own.ratio < same.ratio < 0.45 and own.reached
    assert found["ReSA's operations, its tower's = 1"].as_json()["reached"] is False
    assert targets.Target("", 0.3, 0.3).reached and not targets.Target("", 0.31, 0.3).reached


def test_a_measured_ratio_needs_both_sides():
    def timing(name, prefill):
        return Timing(name, 1, 5, Lap(9.0, 9.0, prefill, 30.0), 1, 1)

    ours, theirs = timing(targets.OURS, 1.0), timing(targets.THEIRS, 4.0)
    assert [target.ratio for target in targets.measured([theirs, ours])] == [0.25]
    assert targets.measured([ours]) == []


def test_the_whole_page_tower_gives_transformers_own_features_row_by_row():
    torch.manual_seed(0)
    tower = WholePageTower(CONFIG, (1, 3)).eval()
    pages = torch.randn(2, 3, 56, 84)
    with torch.no_grad():
        shallow, deep = tower(pages)
        # transformers wants merged blocks one after another: of 4 x 6 patches, (0, 0), (0, 1), (1, 0), (1, 1), (0, 2) ...
        order = [(2 * y + a) * 6 + 2 * x + b for y in range(2) for x in range(3) for a in range(2) for b in range(2)]
        squares = pages.unfold(2, 14, 14).unfold(3, 14, 14)  # (n, c, h, w, p, p)
        patches = squares.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)[:, order]
        twice = patches[:, :, :, None].expand(-1, -1, -1, 2, -1, -1).flatten(2)
        expected = tower.model(twice.flatten(0, 1), grid_thw=torch.tensor([[1, 4, 6]] * 2)).last_hidden_state
    torch.testing.assert_close(deep[:, order].flatten(0, 1), expected)
    assert shallow.shape == deep.shape == (2, 24, 32)
    assert not torch.allclose(shallow, deep)


def test_pages_of_a_batch_never_meet_in_the_whole_page_tower():
    torch.manual_seed(0)
    tower = WholePageTower(CONFIG, (3,)).eval()
    pages = torch.randn(2, 3, 56, 84)
    changed = pages.clone()
    changed[1] += 1
    with torch.no_grad():
        [before], [after] = tower(pages), tower(changed)
    torch.testing.assert_close(before[0], after[0])
    assert not torch.allclose(before[1], after[1])


def test_the_whole_page_tower_refuses_pages_of_half_a_block():
    with pytest.raises(ValueError, match="42x56 px came; its sides must be multiples of 28"):
        WholePageTower(CONFIG, (1,))(torch.zeros(1, 3, 56, 42))
