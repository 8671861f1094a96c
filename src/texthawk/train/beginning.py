"""What a run's model is before its first step: drawn by chance, or that of a folder, its coordinate tokens made ready."""

from pathlib import Path

import torch
from torch import Tensor

from texthawk.model.answering import FILE, FIND, answering_weights, answers_in
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.train.recipe import Recipe
from texthawk.vision.positions import sinusoidal

MARKS = 200
"""Coordinate tokens that may mark a row: the first one's mark is one of 80, and a page of more rows than 120 has few letters."""


def initialise(model: TextHawkForConditionalGeneration) -> None:
    """Start the tower's learned positions from 2D sinusoids, so that neighbours are neighbours from the first step."""
    embeddings = model.model.vision_tower.model.embeddings
    side, width = model.model.vision_tower.side, embeddings.position_embedding.weight.shape[1]
    with torch.no_grad():
        embeddings.position_embedding.weight.copy_(sinusoidal(side, width))


def go_on_from(start: Path, model: TextHawkForConditionalGeneration, recipe: Recipe) -> dict[str, Tensor]:
    """Give a model the weights in a folder, a recipe of answers those of its answers; draws from torch's dice.

    Returns, for a recipe of answers, the weights of the model that reads which answers have their own of. ValueError for
    answers that do not fit or are missing, and for a model of another shape.
    """
    begun = TextHawkForConditionalGeneration.from_pretrained(start, dtype=torch.float32, local_files_only=True)
    earlier = answers_in(start, begun) if recipe.answers else None
    if recipe.answered and earlier is None:
        raise ValueError(
            f"{recipe.name} goes on from a model that answers already, and {start} has no {FILE}; begin with nano_answers"
        )
    try:
        model.load_state_dict((earlier or begun).state_dict())
    except RuntimeError as error:
        raise ValueError(
            f"{start} holds a model of another shape than {recipe.name} trains ({str(error).splitlines()[1].strip()[:200]}); "
            "begin with one of the same recipe or of those that it goes on from"
        ) from error
    if recipe.answers and earlier is None:
        tell_marks_apart(model)
    if any(stage.pointed for stage in recipe.stages) and (earlier is None or FIND not in earlier.config.tasks):
        tell_places_again(model, begun)
    return dict(answering_weights(begun)) if recipe.answers else {}


def tell_marks_apart(model: TextHawkForConditionalGeneration) -> None:
    """Draw the embeddings of coordinate tokens anew, which now stand around rows: neighbours are no longer nearly the same.

    A reader that tells places has 0.94 as the cosine between neighbouring coordinates, and takes one row for the next. What all
    have in common stays, at 0.4 of its length. Draws from torch's dice.
    """
    bins = model.config.coordinate_token_start + torch.arange(model.config.coordinate_bins)
    weight = model.model.language_model.embed_tokens.weight
    assert isinstance(weight, torch.Tensor)
    with torch.no_grad():
        rows = weight[bins]
        length = (rows.norm(dim=1).mean() ** 2 / weight.shape[1]) ** 0.5
        weight[bins] = 0.4 * rows.mean(0) + 0.8 * length * torch.randn_like(rows)


def tell_places_again(model: TextHawkForConditionalGeneration, reading: TextHawkForConditionalGeneration) -> None:
    """Give coordinate tokens that are no row's mark the embeddings back by which the reading model tells places."""
    first = model.config.coordinate_token_start
    places = slice(first + MARKS, first + model.config.coordinate_bins)
    own, other = (one.model.language_model.embed_tokens.weight for one in (model, reading))
    assert isinstance(own, torch.Tensor)
    assert isinstance(other, torch.Tensor)
    with torch.no_grad():
        own[places] = other[places].to(own)
