"""The packs of a step are the same whoever makes them, and however often the run was broken off."""

import os
import signal
import subprocess
import sys
from itertools import islice

import pytest
import torch

from tests.data import training
from tests.data.training import LIMITS, loader, write_shards
from tests.project.files import ROOT
from texthawk.data.packing import PackState
from texthawk.data.shard_index import read_entries
from texthawk.data.shards import ShardFolder, ShardWriter


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    write_shards(folder)
    return folder


def contents(packs):
    """All that a pack holds, so that two of them can be compared bit by bit."""
    return [
        (pack.numbers, pack.lengths, *(getattr(pack, name).numpy().tobytes() for name in (
            "input_ids", "labels", "coordinates", "position_ids", "pixel_values", "image_grids")))
        for pack in packs
    ]  # fmt: skip


def global_steps(folder, count, ranks=1, state=None, **settings):
    """The packs of some steps as all ranks together have them, in their order in the global step."""
    runs = [
        list(islice(loader(folder, packs=4, rank=rank, ranks=ranks, **settings).steps(state), count))
        for rank in range(ranks)
    ]
    steps = []
    for parts in zip(*runs, strict=True):
        assert len({(part.number, part.after, part.tokens) for part in parts}) == 1
        mixed = [None] * 4
        for rank, part in enumerate(parts):
            mixed[rank::ranks] = contents(part.packs)
        steps.append((parts[0].number, parts[0].after, mixed))
    return steps


def test_a_run_that_was_killed_goes_on_bit_by_bit(shards, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads()), "PYTHONPATH": str(ROOT / "src")}
    write_shards(tmp_path)
    command = [sys.executable, "-m", "tests.data.training", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as child:
        for _ in range(3):
            assert child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
    done = len(torch.load(tmp_path / "checkpoint")["losses"])
    assert done >= 3 and child.returncode == -signal.SIGKILL
    resumed = training.train(tmp_path, done + 3, tmp_path / "checkpoint")
    assert resumed == training.train(shards, done + 3, tmp_path / "other")
    assert len(set(resumed)) == done + 3


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_any_number_of_workers_makes_the_same_packs(shards):
    alone = global_steps(shards, 3)
    assert global_steps(shards, 3, workers=1) == alone
    assert global_steps(shards, 3, workers=3) == alone


def test_any_number_of_ranks_shares_the_same_global_steps(shards):
    alone = global_steps(shards, 3)
    assert global_steps(shards, 3, ranks=2) == alone
    assert global_steps(shards, 3, ranks=4) == alone
    assert global_steps(shards, 3, seed=6) != alone


def test_every_state_is_a_place_to_go_on_from(shards):
    steps = global_steps(shards, 6)
    for number in (0, 2, 4):
        state = PackState.from_json(steps[number][1].to_json())
        assert global_steps(shards, 5 - number, state=state, ranks=2) == steps[number + 1 :]


def test_packs_cannot_be_divided_unevenly(shards):
    with pytest.raises(ValueError, match="multiple of 3"):
        loader(shards, packs=4, ranks=3)
    with pytest.raises(ValueError, match="rank 2 of 2"):
        loader(shards, packs=4, rank=2, ranks=2)


def damaged(folder, many: int):
    """Two sources, one of them with `many` pictures that cannot be decoded."""
    with ShardWriter(folder / "a") as writer:
        for number in range(120):
            writer.write(training.example(number))
    write_shards(folder / "other")
    (folder / "other" / "b").rename(folder / "b")
    shard = ShardFolder(folder / "a").shards[0]
    with shard.open("r+b") as content:
        for entry in read_entries(shard)[:many]:
            content.seek(entry.picture_start + entry.picture_bytes // 3)
            content.write(bytes(entry.picture_bytes // 2))


def test_a_picture_that_cannot_be_decoded_is_counted_and_its_neighbours_stay(tmp_path, shards):
    damaged(tmp_path / "bad", 1)
    damaged(tmp_path / "good", 0)
    bad, good = (loader(tmp_path / name, packs=1) for name in ("bad", "good"))
    lost = 0
    for one, other in islice(zip(bad.steps(), good.steps(), strict=True), 25):
        assert one.after == other.after
        lost += len(other.packs[0].numbers) - len(one.packs[0].numbers)
        if not one.packs[0].left_out:
            assert contents(one.packs) == contents(other.packs)
        else:
            assert set(one.packs[0].numbers) < set(other.packs[0].numbers)
    assert lost == bad.dropped.count > 0 == good.dropped.count
    assert bad.dropped.reasons == {"the picture cannot be decoded": lost}


def test_more_than_one_in_a_hundred_stops_the_run_with_the_counts(tmp_path):
    damaged(tmp_path, 12)
    with pytest.raises(ValueError, match=r"more than 1%: .* x the picture cannot be decoded"):
        list(loader(tmp_path).steps(end=12))


def test_pictures_are_watched_as_closely_where_many_ranks_share_them(tmp_path):
    damaged(tmp_path, 5)
    stopped = 0
    for rank in range(4):
        shared = loader(tmp_path, packs=4, rank=rank, ranks=4)
        try:
            lost = sum(len(pack.left_out) for step in shared.steps(end=6) for pack in step.packs)
        except ValueError as error:
            stopped += 1
            assert "more than 1%" in str(error)
        else:
            assert lost <= 1  # and four times as many would be too few to stop for
    assert stopped >= 2


def test_a_shard_cut_short_while_training_stops_a_run_that_would_never_end(tmp_path):
    write_shards(tmp_path)
    for shard in [*ShardFolder(tmp_path / "a").shards, *ShardFolder(tmp_path / "b").shards]:
        os.truncate(shard, 2000)
    with pytest.raises(ValueError, match=r"of 1\d\d\d records.*the shard is cut short"):
        list(loader(tmp_path, limits=LIMITS).steps())
