"""The tracker's frames with gradients: what a mask, clicks or the memory say of a picture, and what is remembered of
it.
The rules are those of the official model and of sa3. Imported by the tracker's steps; no step by itself.

Letters in shapes: N objects, D width, G tokens along a side, C channels of a memory, P points, M masks of an object.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from transformers.models.sam3_tracker_video.modeling_sam3_tracker_video import NO_OBJ_SCORE, get_1d_sine_pe

PREVIOUS_LOGIT_LIMIT = 32.0


@dataclass
class Pyramid:
    """What the tracker reads of pictures: coarse [N, D, G, G], middle [N, D / 4, 2G, 2G], fine [N, D / 8, 4G, 4G], and
    the sine positions of the coarse level [1, D, G, G]."""

    coarse: torch.Tensor
    middle: torch.Tensor
    fine: torch.Tensor
    positions: torch.Tensor

    def rows(self, indices):
        """The pictures of these indices, one for each object."""
        return Pyramid(self.coarse[indices], self.middle[indices], self.fine[indices], self.positions)


@dataclass
class Seen:
    """An answer for N objects: all masks asked for, logits [N, M, 4G, 4G]; their expected IoUs [N, M]; object score
    logits [N]; the best mask [N, 4G, 4G] with "not there" applied; pointers [N, D]."""

    masks: torch.Tensor
    ious: torch.Tensor
    scores: torch.Tensor
    best: torch.Tensor
    pointers: torch.Tensor


@dataclass
class Remembered:
    """memory: [G·G, N, C]; pointers: [N, D]; whether somebody said on this frame where the objects are."""

    memory: torch.Tensor
    pointers: torch.Tensor
    is_given: bool


class Tracker:
    """The tracker of a Sam3VideoModel."""

    def __init__(self, model):
        self.model, self.own, self.config = model, model.tracker_model, model.config.tracker_config
        self.grid = self.own.prompt_encoder.image_embedding_size[0]

    def pyramid(self, pixels):
        """pixels: [N, 3, S, S] from -1 to 1. No gradient reaches the trunk."""
        with torch.no_grad():
            tokens = self.model.detector_model.vision_encoder.backbone(pixels).last_hidden_state
        trunk_map = tokens.transpose(1, 2).reshape(len(pixels), -1, self.grid, self.grid)
        # The neck's fourth level is of no use
        neck, decoder = self.model.tracker_neck, self.own.mask_decoder
        fine, middle, coarse = (layer(trunk_map) for layer in neck.fpn_layers[:3])
        positions = neck.position_encoding((1, *coarse.shape[1:]), coarse.device, torch.float32)
        return Pyramid(coarse, decoder.conv_s1(middle), decoder.conv_s0(fine), positions)

    def given(self, pyramid, masks):
        """Pointers of masks that are taken as they are. masks: [N, 16G, 16G] of 0 and 1 → [N, D]."""
        dense = self.own.mask_downsample(masks[:, None].float())
        seen = self._look(pyramid, pyramid.coarse, None, dense, is_multimask=False)
        return self._pointers(seen.pointers, masks.flatten(1).any(1))

    def clicked(self, pyramid, points, labels, previous=None):
        """What clicks mean, without any memory. points: [N, P, 2] in pixels of the input; labels: [N, P], 0 off, 1 on
        the object, 2 and 3 corners of a box; previous: the mask to be corrected, [N, 4G, 4G]."""
        dense = None
        if previous is not None:
            dense = previous[:, None].clamp(-PREVIOUS_LOGIT_LIMIT, PREVIOUS_LOGIT_LIMIT)
        picture = pyramid.coarse + self.own.no_memory_embedding.view(1, -1, 1, 1)
        return self._answer(self._look(pyramid, picture, (points, labels), dense, points.shape[1] <= 1))

    def followed(self, pyramid, bank, at):
        """Where the objects are on frame `at` by a bank of {frame: Remembered}."""
        memory, positions, pointer_tokens = self._recalled(bank, at)
        conditioned = self.own.memory_attention(
            current_vision_features=pyramid.coarse.flatten(2).permute(2, 0, 1),
            current_vision_position_embeddings=pyramid.positions.flatten(2).permute(2, 0, 1),
            memory=memory,
            memory_posision_embeddings=positions,
            num_object_pointer_tokens=pointer_tokens,
        )
        picture = conditioned[0].transpose(1, 2).reshape(pyramid.coarse.shape)
        return self._answer(self._look(pyramid, picture, None, None, is_multimask=True))

    def remember(self, pyramid, masks, is_there):
        """masks: [N, H, W] from 0 to 1; is_there: [N] bool → [G·G, N, C]."""
        scaled = masks[:, None] * self.config.sigmoid_scale_for_mem_enc + self.config.sigmoid_bias_for_mem_enc
        if scaled.shape[-1] != 16 * self.grid:
            scaled = F.interpolate(scaled, size=(16 * self.grid,) * 2, mode="bilinear", antialias=True)
        encoded, _ = self.own.memory_encoder(pyramid.coarse, scaled)
        absent = self.own.occlusion_spatial_embedding_parameter[..., None, None]
        encoded = encoded + (~is_there).to(encoded.dtype)[:, None, None, None] * absent
        return encoded.flatten(2).permute(2, 0, 1)

    def enlarged(self, logits):
        """[N, 4G, 4G] → [N, 16G, 16G], as they are remembered."""
        return F.interpolate(logits[:, None].float(), scale_factor=4, mode="bilinear")[:, 0]

    def hard(self, logits):
        """Masks of which somebody said that they are right, as they are remembered: [N, 4G, 4G] → [N, S, S] of 0 and
        1."""
        side = self.own.prompt_encoder.input_image_size
        return (F.interpolate(logits[:, None].float(), size=(side, side), mode="bilinear")[:, 0] > 0).float()

    def _recalled(self, bank, at):
        """Memories and pointers that frame `at` looks at: tokens [L, N, C], their positions [L, N, C], and how many
        of the last tokens are pointers'."""
        given = [f for f in bank if bank[f].is_given]
        given = sorted(sorted(given, key=lambda f: abs(at - f))[: self.config.max_cond_frame_num])
        recent = [f for f in range(at - self.own.num_maskmem + 1, at) if f in bank and f not in given]
        times = self.own.memory_temporal_positional_encoding[:, 0]
        places = self._memory_places(bank[at - 1].memory)
        memories = [bank[f].memory for f in given + recent]
        positions = [places + times[-1]] * len(given) + [places + times[at - f - 1] for f in recent]
        reach = self.config.max_object_pointers_in_encoder
        pointing = given + [f for f in range(at - 1, at - reach, -1) if f in bank and not bank[f].is_given]
        tokens, token_positions = self._pointer_tokens(bank, at, pointing)
        positions = [p.expand_as(m) for p, m in zip(positions, memories)]
        return torch.cat([*memories, tokens]), torch.cat([*positions, token_positions]), len(tokens)

    def _memory_places(self, memory):
        """Sine positions of a memory's cells, [G·G, 1, C]."""
        shape = (1, memory.shape[-1], self.grid, self.grid)
        places = self.own.memory_encoder.position_encoding(shape, memory.device, torch.float32)
        return places.flatten(2).permute(2, 0, 1)

    def _pointer_tokens(self, bank, at, frames):
        """Pointers of these frames, cut to the width of a memory, and their positions, [F · D / C, N, C] each."""
        pointers = torch.stack([bank[f].pointers for f in frames])
        count, objects, width = pointers.shape
        memory = self.own.mem_dim
        tokens = pointers.view(count, objects, width // memory, memory).permute(0, 2, 1, 3).flatten(0, 1)
        distances = torch.tensor([at - f for f in frames], device=pointers.device, dtype=torch.float32)
        waves = get_1d_sine_pe(distances / (self.config.max_object_pointers_in_encoder - 1), dim=width)
        positions = self.own.temporal_positional_encoding_projection_layer(waves)
        positions = positions.repeat_interleave(width // memory, 0)[:, None]
        return tokens, positions.expand(-1, objects, -1)

    def _look(self, pyramid, picture, clicks, dense, is_multimask):
        """Masks of prompts on a picture [N, D, G, G]; in `pointers` stand the masks' tokens, [N, M, D] or, of a
        single mask, [N, D]."""
        count = len(picture)
        points, labels = clicks if clicks else (picture.new_zeros(count, 1, 2), None)
        if labels is None:
            labels = torch.full((count, 1), -1, device=picture.device)
        sparse, dense = self.own.prompt_encoder(points[:, None].float(), labels[:, None], None, dense)
        masks, ious, tokens, scores = self.own.mask_decoder(
            image_embeddings=picture,
            image_positional_embeddings=self.own.get_image_wide_positional_embeddings().expand(count, -1, -1, -1),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=is_multimask,
            high_resolution_features=[pyramid.fine, pyramid.middle],
        )
        masks, ious = masks[:, 0].float(), ious[:, 0].float()
        tokens = tokens[:, 0] if is_multimask else tokens[:, 0, 0]
        return Seen(masks, ious, scores.flatten().float(), masks[:, 0], tokens)

    def _answer(self, seen):
        """Chooses the mask that is expected to be best, and applies "not there"."""
        is_there = seen.scores > 0
        tokens = seen.pointers
        if seen.masks.shape[1] > 1:
            rows, best = torch.arange(len(tokens), device=tokens.device), seen.ious.argmax(1)
            seen.best, tokens = seen.masks[rows, best], tokens[rows, best]
        seen.best = torch.where(is_there[:, None, None], seen.best, NO_OBJ_SCORE)
        seen.pointers = self._pointers(tokens, is_there)
        return seen

    def _pointers(self, tokens, is_there):
        """Pointers of mask tokens [N, D]; where there is no object, the one that says so."""
        pointers = self.own.object_pointer_proj(tokens)
        return torch.where(is_there[:, None], pointers, self.own.no_object_pointer.to(pointers.dtype))
