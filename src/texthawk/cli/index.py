"""`texthawk index SHARD.tar ...`: write the index beside tars in WebDataset's layout, so that `train --data` can read them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str]) -> int:
    """Returns 0; 1 where a shard has no sample or cannot be read; 2 for wrong usage."""
    parser = argparse.ArgumentParser(
        prog="texthawk index",
        description="Write NAME.index beside each NAME.tar: where its samples lie. A sample is a picture and a .json under one "
        "key (000123.jpg, 000123.json); its .json is what texthawk synth writes. Shards that texthawk writes have one.",
    )
    parser.add_argument("shards", type=Path, nargs="+", metavar="SHARD", help="a tar, or a folder of them")
    arguments = parser.parse_args(argv)

    from texthawk.data.shard_index import index_shard

    shards: list[Path] = []
    for place in arguments.shards:
        found = sorted(place.glob("*.tar")) if place.is_dir() else [place]
        if not found:
            parser.error(f"there are no .tar files in folder {str(place)!r}")
        shards += found
    failed = False
    for shard in shards:
        try:
            head = index_shard(shard)
        except OSError as error:
            print(
                f"texthawk index: shard {str(shard)!r} cannot be read ({error.strerror}); give a tar", file=sys.stderr
            )
            failed = True
            continue
        print(f"{shard}: {head.samples} samples")
        for reason, count in head.left_out.items():
            print(f"texthawk index: {shard}: {count} left out: {reason}", file=sys.stderr)
        if not head.samples:
            print(
                f"texthawk index: {str(shard)!r} holds no sample; each is a picture and a .json under one key",
                file=sys.stderr,
            )
            failed = True
    return 1 if failed else 0
