"""Every block of the tracker on hashed inputs, which are not stored: what transformers' modules give out."""

import torch

import weights
from tracker_model import OVERRIDES, Features, hashed, model

# x and y in parts of the input, and label: 0 not on the object, 1 on it, 2 and 3 the corners of a box.
CLICKS = [[(0.2, 0.3, 1), (0.9, 0.05, 0), (0.5, 0.55, 1)], [(0.0, 1.0, 1), (0.4, 0.41, 1), (0.7, 0.2, 0)]]
BOX = [(0.15, 0.25, 2), (0.6, 0.95, 3), (0.3, 0.4, 1)]
# Objects of a group, frames and pointers of each.
GROUPS = [(2, 3, 2), (1, 1, 1)]
DISTANCES = [[1, 7], [3, 30]]


def points(tracker, prompts) -> torch.Tensor:
    """Sparse tokens [N, P + 1, D] of points in parts of the input."""
    size = tracker.config.image_size
    xy = torch.tensor([[[x * size, y * size] for x, y, _ in one] for one in prompts])[:, None]
    labels = torch.tensor([[label for _, _, label in one] for one in prompts])[:, None]
    return tracker.prompt_encoder(xy, labels, None, None)[0][:, 0]


def prompt_encoder(tracker, grid: int) -> dict[str, torch.Tensor]:
    """Sparse and dense tokens."""
    nothing = tracker.prompt_encoder(torch.zeros(1, 1, 1, 2), -torch.ones(1, 1, 1, dtype=torch.int32), None, None)
    masks = hashed("input.mask_prompt", 2, 1, 4 * grid, 4 * grid, scale=5.0)
    return {
        "prompt_encoder.nothing": nothing[0][:, 0],
        "prompt_encoder.no_mask": nothing[1][:, :, :1, :1].flatten(2).transpose(1, 2),
        "prompt_encoder.clicks": points(tracker, CLICKS),
        "prompt_encoder.box": points(tracker, [BOX]),
        "prompt_encoder.masks": tracker.prompt_encoder(None, None, None, masks)[1].flatten(2).transpose(1, 2),
        "prompt_encoder.places": tracker.get_image_wide_positional_embeddings().flatten(2).transpose(1, 2),
    }


def mask_decoder(tracker, grid: int) -> dict[str, torch.Tensor]:
    """Two objects through two-way transformer and mask decoder."""
    width, cells = tracker.hidden_dim, grid * grid
    decoder = tracker.mask_decoder
    picture = hashed("input.picture", 2, cells, width, scale=2.0)
    places = hashed("input.places", 1, cells, width)
    tokens, seen = decoder.transformer(
        point_embeddings=hashed("input.tokens", 2, 7, width)[:, None],
        image_embeddings=picture.transpose(1, 2).reshape(2, width, grid, grid),
        image_positional_embeddings=places.transpose(1, 2).reshape(1, width, grid, grid).repeat(2, 1, 1, 1),
        attention_similarity=None,
    )
    out = {"two_way.tokens": tokens[:, 0], "two_way.picture": seen[:, 0]}
    fine = [hashed("input.fine.0", 1, width // 8, 4 * grid, 4 * grid), hashed("input.fine.1", 1, width // 4, 2 * grid, 2 * grid)]
    dense = hashed("input.dense", 2, cells, width)
    for is_multimask, name in ((True, "multi"), (False, "single")):
        masks, ious, chosen, scores = decoder(
            image_embeddings=picture.transpose(1, 2).reshape(2, width, grid, grid),
            image_positional_embeddings=places.transpose(1, 2).reshape(1, width, grid, grid).repeat(2, 1, 1, 1),
            sparse_prompt_embeddings=hashed("input.sparse", 2, 3, width)[:, None],
            dense_prompt_embeddings=dense.transpose(1, 2).reshape(2, width, grid, grid),
            multimask_output=is_multimask,
            high_resolution_features=[map.repeat(2, 1, 1, 1) for map in fine],
        )
        out |= {
            f"mask_decoder.{name}.masks": masks[:, 0],
            f"mask_decoder.{name}.ious": ious[:, 0],
            f"mask_decoder.{name}.tokens": chosen[:, 0],
        }
    return out | {"mask_decoder.scores": scores[:, 0, 0]}


def memory(tracker, grid: int) -> dict[str, torch.Tensor]:
    """Memory encoder, memory attention and pointers."""
    width, cells, channels = tracker.hidden_dim, grid * grid, tracker.mem_dim
    features = hashed("input.map", 1, width, grid, grid, scale=2.0)
    masks = hashed("input.scaled_masks", 2, 1, 16 * grid, 16 * grid, scale=10.0)
    encoded = tracker.memory_encoder(features.repeat(2, 1, 1, 1), masks)[0]
    out = {
        "memory_encoder.mask_downsampler": tracker.memory_encoder.mask_downsampler(masks),
        "memory_encoder": encoded.flatten(2).transpose(1, 2),
    }
    picture = hashed("input.picture_with_positions", cells, 1, width, scale=2.0)
    seen = []
    for number, (objects, frames, pointers) in enumerate(GROUPS):
        of_pointers = pointers * (width // channels)
        length = frames * cells + of_pointers
        tokens, positions = (
            hashed(f"input.group.{number}.{what}", objects, length, channels, scale=2.0).transpose(0, 1)
            for what in ("tokens", "positions")
        )
        out_of_group = tracker.memory_attention(
            current_vision_features=picture.repeat(1, objects, 1), memory=tokens,
            memory_posision_embeddings=positions, num_object_pointer_tokens=of_pointers,
        )  # fmt: skip
        seen.append(out_of_group.transpose(0, 1).reshape(objects, cells, width))
    mask_tokens = hashed("input.mask_tokens", 3, width)
    pointers = tracker.object_pointer_proj(mask_tokens)
    pointers[1] = tracker.no_object_pointer[0]
    positions = []
    for distances in DISTANCES:
        dummies = [torch.zeros(1, width) for _ in distances]
        most = tracker.config.max_object_pointers_in_encoder
        positions.append(tracker._process_object_pointers(distances, dummies, most, 1, width, torch.device("cpu"))[1])
    return out | {
        "memory_attention": torch.cat(seen),
        "pointers": pointers,
        "pointers.positions": torch.cat(positions, 1).transpose(0, 1),
    }


def run(name: str) -> dict[str, torch.Tensor]:
    """All blocks of one configuration."""
    with torch.no_grad():
        video = model(name, OVERRIDES)
        tracker = video.tracker_model
        grid = tracker.config.image_size // 14
        features = Features(video, weights.pixel_values(1, tracker.config.image_size))
        out = {"features.map": features.map, "features.fine.0": features.fine[0], "features.fine.1": features.fine[1]}
        return out | prompt_encoder(tracker, grid) | mask_decoder(tracker, grid) | memory(tracker, grid)
