"""Names of the connectors' weights as their authors published them, and back: LLaVA-UHD v2's pyramid, Hiwin, v1.

Names here begin after the connector's own prefix (`model.mm_projector.` in a whole checkpoint). A name that is left
over or missing is a ValueError which lists it; weights that the authors saved and never read are left out by name.
Both directions only rename, cut, join and turn: the way there and back changes no bit.
"""

from collections.abc import Mapping

from torch import Tensor

State = dict[str, Tensor]

_STAGE = {
    "range_temp": "log_temperature",
    "sigma_spatial": "sigma",
    "range_proj.0": "key_in",
    "range_proj.3": "key_out",
    "fixup_proj.0": "kernel_in",
    "fixup_proj.3": "kernel_out",
}


def pyramid_from_published(state: Mapping[str, Tensor], *, stages: int = 2) -> State:
    """Weights of a VDIM stack (`up1`, `up2`, `fixup_proj`) under our names in `vision.pyramid.Pyramid`."""
    return _renamed(state, _pyramid_names(stages), "pyramid")


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


def _renamed(state: Mapping[str, Tensor], names: Mapping[str, str], part: str) -> State:
    """The state with its names changed; every name must be in the table and every one of the table in the state."""
    check_names(state, names, part)
    return {new: state[old] for old, new in names.items()}


def check_names(found: Mapping[str, object], wanted: Mapping[str, object], part: str) -> None:
    """Raise ValueError that lists the names `found` has too many or too few of."""
    unknown, missing = sorted(set(found) - set(wanted)), sorted(set(wanted) - set(found))
    if unknown or missing:
        raise ValueError(
            f"the state dict is not one of a {part} with these settings; unknown: {', '.join(unknown) or 'none'}; "
            f"missing: {', '.join(missing) or 'none'}"
        )
