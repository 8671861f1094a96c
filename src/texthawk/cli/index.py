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
        "key (000123.jpg, 000123.json; a key ends at the first dot); its .json is what texthawk synth writes. Shards that "
        "texthawk writes have an index.",
    )
    parser.add_argument("shards", type=Path, nargs="+", metavar="SHARD", help="a tar, or a folder of them")
    arguments = parser.parse_args(argv)

    shards: list[Path] = []
    for place in arguments.shards:
        found = sorted(place.glob("*.tar")) if place.is_dir() else [place]
        if not found:
            parser.error(f"there are no .tar files in folder {str(place)!r}")
        shards += found
    indexed = [_index(shard) for shard in shards]
    return 0 if all(indexed) else 1


def _index(shard: Path) -> bool:
    """Index a shard and tell what it holds; False, with the reason on stderr, where that is nothing."""
    from texthawk.data.shard_index import index_path, index_shard

    name = repr(str(shard))
    try:
        if shard.suffix != ".tar":
            raise ValueError(f"{name} is no .tar; shards are plain tars whose names end so")
        if not shard.is_file():
            raise ValueError(f"shard {name} cannot be read: there is no such file; give a tar")
        with shard.open("rb") as content:
            if content.read(2) == b"\x1f\x8b":
                raise ValueError(
                    f"shard {name} is compressed; unpack it first (gunzip), samples are read from their places"
                )
        head = index_shard(shard)
    except OSError as error:
        at = "be read" if error.filename in (str(shard), None) else f"have its index {str(index_path(shard))!r} written"
        print(f"texthawk index: shard {name} cannot {at} ({error.strerror})", file=sys.stderr)
        return False
    except ValueError as error:
        print(f"texthawk index: {error}", file=sys.stderr)
        return False
    for reason, count in head.left_out.items():
        print(f"texthawk index: {shard}: {count} left out: {reason}", file=sys.stderr)
    if not head.samples:
        print(f"texthawk index: {name} holds no sample; each is a picture and a .json under one key", file=sys.stderr)
        return False
    print(f"{shard}: {head.samples} sample{'s' * (head.samples != 1)}")
    return True
