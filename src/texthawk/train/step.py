"""One pure step: a batch in, the stage's losses out."""

import contextlib

import torch
from torch import Tensor

from texthawk.compress.resa import ReSA, ReSAConfig, tile_places
from texthawk.image.tiles import normalised
from texthawk.model.grounding import box_loss, weighted_language_loss
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.train.batches import Batch
from texthawk.train.branched_attention import attend_in_branches, masks_of
from texthawk.train.stage import Losses
from texthawk.train.supervision import Guide, Supervision


def losses_of(
    model: TextHawkForConditionalGeneration, supervision: Supervision, batch: Batch, weights: Losses
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum of a stage's losses, and each of them (with accuracies) for the log."""
    terms: list[Tensor] = []
    seen: dict[str, Tensor] = {}
    config, core = model.config, model.model
    connector = core.connector
    assert isinstance(connector, ReSA), "BatchMaker makes batches for ReSA only"
    embeds = None
    if batch.pixel_values is not None:
        levels = core.vision_tower(normalised(batch.pixel_values))
        tile = config.vision_config.image_size
        if weights.glyph_patch:
            loss, seen["glyph_patch_accuracy"] = supervision.cell_loss(supervision.patch, levels[-1], batch, tile)
            seen["glyph_patch"] = loss
            terms.append(weights.glyph_patch * loss)
        if weights.glyph_query or weights.glyph_token or weights.thing or weights.language:
            layouts = list(batch.layouts)
            queries = connector.resample(levels, tile_places(layouts).to(levels[0].device))
            if weights.glyph_query:
                loss, seen["glyph_query_accuracy"] = supervision.cell_loss(supervision.query, queries, batch, tile)
                seen["glyph_query"] = loss
                terms.append(weights.glyph_query * loss)
            visual = torch.stack(connector.rearrange(queries, layouts))
            if weights.glyph_token:
                seen["glyph_token"], seen["glyph_token_accuracy"] = supervision.token_loss(visual, batch)
                terms.append(weights.glyph_token * seen["glyph_token"])
            if weights.thing and batch.things is not None:
                seen["thing"], seen["thing_accuracy"] = supervision.thing_loss(visual, batch.things)
                terms.append(weights.thing * seen["thing"])
            if weights.language:
                text = core.get_input_embeddings()(batch.input_ids).to(visual.dtype)
                start, end = batch.visual_start, batch.visual_start + visual.shape[1]
                embeds = torch.cat([text[:, :start], visual, text[:, end:]], dim=1)
    elif weights.language:
        embeds = core.get_input_embeddings()(batch.input_ids)
    if weights.language:
        assert embeds is not None
        printed = batch.guide is not None and bool(batch.guide.any())  # a batch of blank pages shows no token anywhere
        guide = Guide(model, supervision.guided_layers) if weights.guide and printed else None
        # On a CPU the backward pass of fused attention takes twice the time of the plain one.
        core.language_model.set_attn_implementation("eager" if batch.input_ids.device.type == "cpu" else "sdpa")
        own = {}
        if batch.branches:
            attend_in_branches(model)
            own["branches"] = masks_of(batch.branches, embeds.device)
        with guide or contextlib.nullcontext():
            out = core.language_model(
                inputs_embeds=embeds,
                position_ids=batch.positions,
                **own,
                use_cache=False,
                output_hidden_states=bool(weights.place or weights.spell or weights.named),
            )
        hidden = out.last_hidden_state
        answered = (batch.labels != -100).any(0).nonzero()
        begin = max(0, int(answered[0]) - 1) if len(answered) else 0
        hidden, labels = hidden[:, begin:], batch.labels[:, begin:]
        logits = model.lm_head(hidden)
        seen["language"] = weighted_language_loss(
            logits,
            labels,
            coordinate_start=config.coordinate_token_start,
            bins=config.coordinate_bins,
            coordinate_weight=config.coordinate_weight if batch.coordinate_weight is None else batch.coordinate_weight,
        )
        terms.append(weights.language * seen["language"])
        with torch.no_grad():
            kept = labels[:, 1:] != -100
            seen["token_accuracy"] = (logits[:, :-1].argmax(-1) == labels[:, 1:])[kept].float().mean()
        if weights.box:
            if model.detection_head is None:
                raise ValueError(f"a stage with box loss {weights.box} needs a detection head; set coordinate_bins")
            seen["box"] = box_loss(model.detection_head(hidden), batch.coordinates[:, begin:])
            terms.append(weights.box * seen["box"])
        if guide is not None:
            seen["guide"], seen["guide_hit"] = guide.loss(batch)
            terms.append(weights.guide * seen["guide"])
        last = supervision.guided_layers[-1] if supervision.guided_layers else 0
        if weights.place and printed and batch.places is not None:
            seen["place"] = supervision.place_loss(out.hidden_states[last], batch, _extent(model).to(hidden.device))
            terms.append(weights.place * seen["place"])
        if weights.named and batch.things is not None and len(batch.things.named):
            seen["named"], seen["named_accuracy"] = supervision.named_loss(out.hidden_states[last], batch.things.named)
            terms.append(weights.named * seen["named"])
        if weights.spell and printed and batch.spelling is not None:
            seen["spell"], seen["spell_accuracy"] = supervision.spell_loss(out.hidden_states[last + 1], batch)
            terms.append(weights.spell * seen["spell"])
    return torch.stack([term.float() for term in terms]).sum(), {name: value.detach() for name, value in seen.items()}


def _extent(model: TextHawkForConditionalGeneration) -> Tensor:
    """Width and height in pixels of what a visual token stands for."""
    compressor = model.config.compressor_config
    assert isinstance(compressor, ReSAConfig)
    query = model.config.vision_config.image_size / compressor.side
    return torch.tensor([compressor.window[1] * query, compressor.window[0] * query])
