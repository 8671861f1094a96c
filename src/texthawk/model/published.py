"""Names of the connectors' weights as their authors published them, and back: LLaVA-UHD v2's pyramid, Hiwin, v1.

Names here begin after the connector's own prefix (`model.mm_projector.` in a whole checkpoint). A name that is left
over or missing is a ValueError which lists it; weights that the authors saved and never read are left out by name.
Both directions only rename, cut, join and turn: the way there and back changes no bit.
"""

import re
from collections.abc import Mapping, Sequence
from statistics import mode

import torch
from torch import Tensor, nn

from texthawk.compress.hiwin import HiwinConfig
from texthawk.compress.uhd1 import Uhd1Config

State = dict[str, Tensor]

_STAGE = {
    "range_temp": "log_temperature",
    "sigma_spatial": "sigma",
    "range_proj.0": "key_in",
    "range_proj.3": "key_out",
    "fixup_proj.0": "kernel_in",
    "fixup_proj.3": "kernel_out",
}


def pyramid_from_published(state: Mapping[str, Tensor], *, stages: int = 2, prefix: str = "") -> State:
    """Weights of a VDIM stack (`up1`, `up2`, `fixup_proj`) under our names in `vision.pyramid.Pyramid`.

    prefix: what stands before these names in the file; errors name weights with it.
    """
    return _renamed(state, _pyramid_names(stages), "pyramid", prefix)


def pyramid_to_published(state: Mapping[str, Tensor], *, stages: int = 2) -> State:
    """The inverse of `pyramid_from_published`."""
    return _renamed(state, {ours: theirs for theirs, ours in _pyramid_names(stages).items()}, "pyramid")


def _pyramid_names(stages: int) -> dict[str, str]:
    """Published name -> ours."""
    names = {}
    for stage in range(stages):
        for theirs, ours in _STAGE.items():
            for end in (".weight", ".bias") if "." in theirs else ("",):
                names[f"up{stage + 1}.{theirs}{end}"] = f"stages.{stage}.{ours}{end}"
    return names | {f"fixup_proj.1.{end}": f"correction.{end}" for end in ("weight", "bias")}


_WINDOW_ATTENTION = {
    "pos_embed": "attention.positions_KD",
    "ln_kv.weight": "feature_norm.weight",
    "ln_kv.bias": "feature_norm.bias",
    "ln_q.weight": "attention.query_norm.weight",
    "ln_q.bias": "attention.query_norm.bias",
    "attn.out_proj.weight": "attention.out.weight",
    "attn.out_proj.bias": "attention.out.bias",
    "ln_post.weight": "attention.norm.weight",
    "ln_post.bias": "attention.norm.bias",
}
_QUERY_SETS = {
    "ln_proj.weight": "attention.set_norm.weight",
    "ln_proj.bias": "attention.set_norm.bias",
    "cat_proj.weight": "attention.mix.weight",
    "cat_proj.bias": "attention.mix.bias",
}
_PACKED = tuple(f"attention.{name}" for name in "qkv")
_UPSAMPLER = "upsampler.upsampler."

_COPY = re.compile(r"upsampler\.model\.(0\.vision_tower\..+|1\.norm\.(weight|bias))")
"""A second tower, which the authors' upsampler carries about, and a norm that is never applied."""

_DEAD = re.compile(rf"query|kv_proj\.weight|features_8x_projector\.(weight|bias)|feature_8x_embedding|{_COPY.pattern}")
"""What Hiwin checkpoints hold and nothing reads: left from v1, from a fourth level, and that copy."""


def hiwin_from_published(state: Mapping[str, Tensor], config: HiwinConfig, *, prefix: str = "") -> State:
    """Weights of LLaVA-UHD v2's projector under our names, for the module that `config` builds.

    Dead weights are left out, and those of levels that the config does not read are dead as well.
    prefix: what stands before these names in the file; errors name weights with it.
    """
    unread = [str(scale) for scale in (1, 2, 4) if scale not in config.levels]
    dead = {f"features_{scale}x_projector.{end}" for scale in unread for end in ("weight", "bias")}
    dead |= {f"feature_{scale}x_embedding" for scale in unread}
    dead |= {name for name in state if name.startswith(_UPSAMPLER) and not config.pyramid_stages}
    live = {name: tensor for name, tensor in state.items() if name not in dead and not _DEAD.fullmatch(name)}
    if config.pyramid_stages == 1 and f"{_UPSAMPLER}up2.sigma_spatial" in live:
        raise ValueError(
            f"the pyramid in the state dict has two stages, and levels {config.levels} build one, whose 2x map differs; "
            "set stages=2"
        )
    check_names(live, _hiwin_names(config), "Hiwin projector", prefix)
    levels = [f"features_{scale}x_projector.weight" for scale in config.levels]
    expected = _built(config, live, [f"query_{s + 1}" for s in range(config.query_sets)], levels)
    check_shapes(live, hiwin_to_published(expected, config), prefix)
    ours = {
        "attention.queries_SKD": torch.stack([live[f"query_{s + 1}"] for s in range(config.query_sets)]),
        **_attention_from_published(live, _WINDOW_ATTENTION | (_QUERY_SETS if config.query_sets > 1 else {})),
    }
    for scale in config.levels:
        for end in ("weight", "bias"):
            ours[f"level_projections.{scale}.{end}"] = live[f"features_{scale}x_projector.{end}"]
        ours[f"level_embeddings.{scale}"] = live[f"feature_{scale}x_embedding"].flatten()
    return ours | _upsampler_from_published(live, config.pyramid_stages)


def hiwin_to_published(state: Mapping[str, Tensor], config: HiwinConfig) -> State:
    """The inverse of `hiwin_from_published`, without dead weights."""
    theirs = _attention_to_published(state, _WINDOW_ATTENTION | (_QUERY_SETS if config.query_sets > 1 else {}))
    theirs |= {f"query_{s + 1}": queries.clone() for s, queries in enumerate(state["attention.queries_SKD"])}
    for scale in config.levels:
        for end in ("weight", "bias"):
            theirs[f"features_{scale}x_projector.{end}"] = state[f"level_projections.{scale}.{end}"]
        theirs[f"feature_{scale}x_embedding"] = state[f"level_embeddings.{scale}"][None, None]
    return theirs | _upsampler_to_published(state, config.pyramid_stages)


def uhd1_from_published(state: Mapping[str, Tensor], config: Uhd1Config, *, prefix: str = "") -> State:
    """Weights of LLaVA-UHD v1's resampler under our names, for the module that `config` builds.

    prefix: what stands before these names in the file; errors name weights with it.
    """
    stages = config.hiwin().pyramid_stages
    live = {name: tensor for name, tensor in state.items() if not _COPY.fullmatch(name)}
    check_names(live, _uhd1_names(stages), "LLaVA-UHD v1 resampler", prefix)
    check_shapes(live, uhd1_to_published(_built(config, live, ["query"], ["kv_proj.weight"]), config), prefix)
    return {
        "attention.queries_SKD": live["query"][None],
        f"level_projections.{config.scale}.weight": live["kv_proj.weight"],
        **_attention_from_published(live, _WINDOW_ATTENTION),
        **_upsampler_from_published(live, stages),
    }


def uhd1_to_published(state: Mapping[str, Tensor], config: Uhd1Config) -> State:
    """The inverse of `uhd1_from_published`."""
    return {
        "query": state["attention.queries_SKD"][0],
        "kv_proj.weight": state[f"level_projections.{config.scale}.weight"],
        **_attention_to_published(state, _WINDOW_ATTENTION),
        **_upsampler_to_published(state, config.hiwin().pyramid_stages),
    }


def _built(
    config: HiwinConfig | Uhd1Config, state: Mapping[str, Tensor], queries: Sequence[str], levels: Sequence[str]
) -> State:
    """Our weights, without content, of a projector as wide as most of the published ones are.

    queries, levels: names of the queries, as wide as the language model, and of projections (out, in) of the tower's maps.
    """
    wide = [*queries, *_WINDOW_ATTENTION, "proj"]
    hidden, width = (
        mode(state[name].shape[-1] if state[name].ndim else 0 for name in names) for names in (wide, levels)
    )
    with torch.device("meta"):
        module: nn.Module = config.build(encoder_width=width, language_width=hidden)
    return module.state_dict()


def _hiwin_names(config: HiwinConfig) -> dict[str, None]:
    """The published names of all weights that are read."""
    names = [*_WINDOW_ATTENTION, *(_QUERY_SETS if config.query_sets > 1 else ()), *_TURNED]
    names += [f"query_{s + 1}" for s in range(config.query_sets)]
    for scale in config.levels:
        projector = f"features_{scale}x_projector"
        names += [f"{projector}.weight", f"{projector}.bias", f"feature_{scale}x_embedding"]
    return dict.fromkeys(names + _upsampler_names(config.pyramid_stages))


def _uhd1_names(stages: int) -> dict[str, None]:
    return dict.fromkeys([*_WINDOW_ATTENTION, *_TURNED, "query", "kv_proj.weight", *_upsampler_names(stages)])


_TURNED = ("proj", "attn.in_proj_weight", "attn.in_proj_bias")
"""Weights that are turned or cut, not only renamed."""


def _attention_from_published(state: Mapping[str, Tensor], names: Mapping[str, str]) -> State:
    """What Hiwin and v1 share: the plain names, q, k and v out of one matrix, and the last projection turned."""
    ours = {new: state[old] for old, new in names.items()} | {"attention.project.weight": state["proj"].mT.contiguous()}
    for end in ("weight", "bias"):
        ours |= {
            f"{name}.{end}": part for name, part in zip(_PACKED, state[f"attn.in_proj_{end}"].chunk(3), strict=True)
        }
    return ours


def _attention_to_published(state: Mapping[str, Tensor], names: Mapping[str, str]) -> State:
    theirs = {old: state[new] for old, new in names.items()} | {
        "proj": state["attention.project.weight"].mT.contiguous()
    }
    for end in ("weight", "bias"):
        theirs[f"attn.in_proj_{end}"] = torch.cat([state[f"{name}.{end}"] for name in _PACKED])
    return theirs


def _upsampler_names(stages: int) -> list[str]:
    return [f"{_UPSAMPLER}{name}" for name in (_pyramid_names(stages) if stages else ())]


def _upsampler_from_published(state: Mapping[str, Tensor], stages: int) -> State:
    if not stages:
        return {}
    inner = {name.removeprefix(_UPSAMPLER): state[name] for name in _upsampler_names(stages)}
    return {f"pyramid.{name}": tensor for name, tensor in pyramid_from_published(inner, stages=stages).items()}


def _upsampler_to_published(state: Mapping[str, Tensor], stages: int) -> State:
    if not stages:
        return {}
    inner = {name.removeprefix("pyramid."): tensor for name, tensor in state.items() if name.startswith("pyramid.")}
    return {_UPSAMPLER + name: tensor for name, tensor in pyramid_to_published(inner, stages=stages).items()}


def _renamed(state: Mapping[str, Tensor], names: Mapping[str, str], part: str, prefix: str = "") -> State:
    """The state with its names changed; every name must be in the table and every one of the table in the state."""
    check_names(state, names, part, prefix)
    return {new: state[old] for old, new in names.items()}


def check_names(found: Mapping[str, object], wanted: Mapping[str, object], part: str, prefix: str = "") -> None:
    """Raise ValueError that lists the names `found` has too many or too few of, each after `prefix`."""
    unknown, missing = (
        sorted(prefix + name for name in names) for names in (set(found) - set(wanted), set(wanted) - set(found))
    )
    if unknown or missing:
        raise ValueError(
            f"the state dict is not one of a {part} with these settings; unknown: {', '.join(unknown) or 'none'}; "
            f"missing: {', '.join(missing) or 'none'}"
        )


def check_shapes(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], prefix: str = "") -> None:
    """Raise ValueError for the weights of `found` that are not shaped as those of `wanted`, each name after `prefix`."""
    wrong = [
        f"{prefix}{name} is {tuple(found[name].shape)}, expected {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]
    if wrong:
        raise ValueError(
            f"weights do not have the shapes of this config: {'; '.join(wrong)}; give the config that they were trained with"
        )
