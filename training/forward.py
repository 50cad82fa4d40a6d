"""transformers' modules put together for training: more outputs than Sam3Model.forward, and the trunk run once for all
phrases of a picture. Imported by detector_train.py, losses.py and photo_eval.py; no step by itself.

A prompt is passed as sa3's engine does: the geometry encoder always runs, with a box that does not count where there is
no exemplar.
"""

from dataclasses import dataclass

import torch
from transformers.models.sam3 import modeling_sam3 as published

from batches import NO_BOX


@dataclass
class Answer:
    """L layers, P phrases, Q queries, C channels. `levels` are the neck's maps, `memory` the fusion encoder's tokens,
    `states` [L, P, Q, C], `boxes` [L, P, Q, 4] (centre and size), `logits` [L, P, Q], `presence` [L, P]."""

    trunk: torch.Tensor
    levels: list
    prompt: torch.Tensor
    prompt_mask: torch.Tensor
    memory: torch.Tensor
    states: torch.Tensor
    boxes: torch.Tensor
    logits: torch.Tensor
    presence: torch.Tensor
    picture_of: torch.Tensor


def text_features(model, ids, mask):
    """[phrases, tokens, C]"""
    return model.text_projection(model.text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state)


def geometry_features(model, feature, position, exemplars, labels):
    """Tokens of exemplar boxes and their mask; without autocast, because the RoI pooling has no bfloat16."""
    with torch.autocast(feature.device.type, enabled=False):
        found = model.geometry_encoder(
            box_embeddings=exemplars.float(),
            box_mask=labels != NO_BOX,
            box_labels=torch.where(labels == NO_BOX, 0, labels),
            img_feats=(feature.float(),),
            img_pos_embeds=(position.float(),),
        )
    return found.last_hidden_state, found.attention_mask.bool()


def forward(model, pixels, picture_of, ids, mask, exemplars=None, labels=None):
    """`Answer` to phrases about pictures; without `exemplars` the geometry encoder is left out, as transformers
    does."""
    return answer(model, model.vision_encoder(pixels), picture_of, ids, mask, exemplars, labels)


def answer(model, vision, picture_of, ids, mask, exemplars=None, labels=None):
    """The same for what the vision encoder gave."""
    feature = vision.fpn_hidden_states[2][picture_of]
    position = vision.fpn_position_encoding[2][picture_of]
    prompt, prompt_mask = text_features(model, ids, mask), mask.bool()
    if exemplars is not None:
        tokens, token_mask = geometry_features(model, feature, position, exemplars, labels)
        prompt = torch.cat([prompt, tokens.to(prompt.dtype)], 1)
        prompt_mask = torch.cat([prompt_mask, token_mask], 1)
    fused = model.detr_encoder(
        vision_features=[feature], text_features=prompt, vision_pos_embeds=[position], text_mask=prompt_mask
    )
    decoded = model.detr_decoder(
        vision_features=fused.last_hidden_state,
        text_features=fused.text_features,
        vision_pos_encoding=fused.pos_embeds_flattened,
        text_mask=prompt_mask,
        spatial_shapes=fused.spatial_shapes,
    )
    states = decoded.intermediate_hidden_states
    moved = published.inverse_sigmoid(decoded.reference_boxes) + model.detr_decoder.box_head(states).float()
    logits = model.dot_product_scoring(
        decoder_hidden_states=states, text_features=fused.text_features, text_mask=prompt_mask
    )
    return Answer(
        trunk=vision.last_hidden_state,
        levels=vision.fpn_hidden_states,
        prompt=prompt,
        prompt_mask=prompt_mask,
        memory=fused.last_hidden_state,
        states=states,
        boxes=moved.sigmoid(),
        logits=logits.squeeze(-1).float(),
        presence=decoded.presence_logits.float().squeeze(-1),
        picture_of=picture_of,
    )


def mask_branch(model, found, phrases):
    """Instance and semantic pixel features of the phrases [M]: Sam3MaskDecoder.forward up to its last product."""
    decoder = model.mask_decoder
    memory, prompt, prompt_mask = found.memory[phrases], found.prompt[phrases], found.prompt_mask[phrases]
    pictures = found.picture_of[phrases]
    normed = decoder.prompt_cross_attn_norm(memory)
    bias = torch.zeros(prompt_mask.shape, dtype=normed.dtype, device=normed.device)
    bias = bias.masked_fill(~prompt_mask, torch.finfo(normed.dtype).min)[:, None, None]
    # torch's fused attention wants a row for each query
    bias = bias.expand(-1, 1, normed.shape[1], -1)
    memory = memory + decoder.prompt_cross_attn(query=normed, key=prompt, value=prompt, attention_mask=bias)[0]
    pixels = decoder._embed_pixels(
        backbone_features=[level[pictures] for level in found.levels[:3]], encoder_hidden_states=memory
    )
    return decoder.instance_projection(pixels), decoder.semantic_projection(pixels)


# The swap (x0, x1) -> (-x1, x0) as a matrix; made at the first use.
_swap = None


def fast_rope(q, k, cos, sin):
    """transformers' rotary embedding with its pairwise swap as a product of matrices, which is faster on a CPU."""
    global _swap
    if _swap is None:
        n = q.shape[-1]
        _swap = torch.zeros(n, n, dtype=torch.bfloat16)
        i = torch.arange(0, n, 2)
        _swap[i + 1, i] = -1
        _swap[i, i + 1] = 1
    cos, sin = cos.to(q.dtype), sin.to(q.dtype)

    def turned(x):
        return torch.addcmul(x * cos, torch.matmul(x, _swap.to(x.dtype)), sin)

    return turned(q), turned(k)
