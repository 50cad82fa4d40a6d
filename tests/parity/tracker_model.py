"""The video models of the tracker's fixtures, with hashed weights, and where the official code differs from transformers.

transformers' classes are changed in place by `Official`, so that what they give out is what the official code does:

*   a mask prompt's pointer is made of the first mask token (`multimask_output=False`)
*   masks that someone gave go through sigmoid, or are made hard, and are scaled before they are resized, not after
*   pointers of conditioning frames are those of the frames that memory attention looks at
*   distances of pointers are counted in parts of 15 (`max_object_pointers_in_encoder - 1`) from the first frame on
*   clicks make a conditioning frame without memory, and see what was said before, also on a frame that was tracked
"""

import torch
import torch.nn.functional as F
from transformers import Sam3VideoConfig, Sam3VideoModel

import configs
import weights

NO_OBJECT = -1024.0
# Without it random weights never see an object.
OVERRIDES = configs.OVERRIDES | {"tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias": 4.0}


def tiny() -> dict:
    """The released tracker's proportions, small."""
    return {
        "prompt_encoder_config": {"mask_input_channels": 16},
        "mask_decoder_config": {"mlp_dim": 96, "num_hidden_layers": 2, "num_attention_heads": 8,
                                "iou_head_hidden_dim": 128},
        "memory_attention_num_layers": 2, "memory_attention_feed_forward_hidden_size": 96,
        "memory_fuser_intermediate_dim": 96,
    }  # fmt: skip


def other_numbers() -> dict:
    """Nothing in common with `tiny` where another number is legal: a constant of the paper left in the code shows."""
    return {
        "prompt_encoder_config": {"mask_input_channels": 8, "layer_norm_eps": 1e-3},
        "mask_decoder_config": {"mlp_dim": 80, "num_hidden_layers": 3, "num_attention_heads": 4,
                                "attention_downsample_rate": 4, "num_multimask_outputs": 4, "iou_head_depth": 2,
                                "iou_head_hidden_dim": 48, "dynamic_multimask_stability_delta": 0.1,
                                "dynamic_multimask_stability_thresh": 0.6},
        "memory_attention_num_layers": 3, "memory_attention_feed_forward_hidden_size": 112,
        "memory_attention_num_attention_heads": 2, "memory_attention_downsample_rate": 2,
        "memory_fuser_intermediate_dim": 144, "memory_fuser_num_layers": 1, "memory_fuser_kernel_size": 5,
        "memory_fuser_padding": 2, "num_maskmem": 5, "max_object_pointers_in_encoder": 10, "max_cond_frame_num": 2,
        "sigmoid_scale_for_mem_enc": 16.0, "sigmoid_bias_for_mem_enc": -7.0,
        "rope_parameters": {"rope_type": "axial", "rope_theta": 500.0},
    }  # fmt: skip


TRACKERS = {"tiny": tiny, "other_numbers": other_numbers}


def config(name: str, **settings) -> Sam3VideoConfig:
    """A video configuration around the image model of that name; `settings` are those of the session."""
    detector = configs.config(name).to_dict()
    vision = detector["vision_config"]
    size, width = vision["backbone_config"]["image_size"], vision["fpn_hidden_size"]
    tracker = TRACKERS[name]()
    part = {"hidden_size": width}
    tracker["prompt_encoder_config"] |= part | {"image_size": size, "patch_size": 14}
    tracker["mask_decoder_config"] |= part
    tracker |= {"model_type": "sam3_tracker_video", "image_size": size, "vision_config": vision}
    for field in ("memory_attention_hidden_size", "memory_encoder_hidden_size", "mask_downsampler_embed_dim",
                  "memory_fuser_embed_dim"):  # fmt: skip
        tracker[field] = width
    made = Sam3VideoConfig(detector_config=detector, tracker_config=tracker, low_res_mask_size=size // 14 * 4,
                           **settings)  # fmt: skip
    made._attn_implementation = "eager"
    for inner in (made.detector_config, made.tracker_config):
        inner._attn_implementation = "eager"
    return made


def model(name: str, overrides: dict[str, float], **settings) -> Sam3VideoModel:
    """The model with hashed weights, ready to run. Names of the detector are hashed without `detector_model.`."""
    made = Sam3VideoModel(config(name, **settings)).eval()
    state = {key.removeprefix("detector_model."): tensor for key, tensor in made.state_dict().items()}
    with torch.no_grad():
        for key, tensor in state.items():
            rule = weights.rule_of(key, tensor.dim())
            flat = weights.values(key, tensor.numel(), rule["offset"], weights.scale_of(rule["std"]))
            tensor.copy_(torch.from_numpy(flat).reshape(tensor.shape))
        for key, constant in overrides.items():
            state[key].fill_(constant)
    return made


def hashed(name: str, *shape: int, scale: float = 1.0) -> torch.Tensor:
    """An input that is not stored: uniform within -scale..scale, by its name alone."""
    count = int(torch.tensor(shape).prod())
    return torch.from_numpy(weights.values(name, count, 0.0, scale)).reshape(shape)


def blobs(name: str, count: int, side: int, scale: float = 4.0) -> torch.Tensor:
    """Smooth mask logits [count, side, side]: hashed noise on a 5x5 grid, enlarged bilinearly."""
    coarse = hashed(name, count, 1, 5, 5, scale=scale)
    return F.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)[:, 0]


def smooth_pixels(name: str, frames: int, size: int) -> torch.Tensor:
    """Pictures [frames, 3, size, size] that change slowly: one smooth picture, shifted, with a little noise of its own."""
    wide = F.interpolate(hashed(name, 1, 3, 12, 12), size=(2 * size, 2 * size), mode="bilinear", align_corners=False)[0]
    shifted = [wide[:, 2 * t : 2 * t + size, 3 * t : 3 * t + size] for t in range(frames)]
    return torch.stack(shifted) + hashed(f"{name}.noise", frames, 3, size, size, scale=0.1)


class Features:
    """What the tracker reads of one frame."""

    def __init__(self, video: Sam3VideoModel, pixels: torch.Tensor):
        trunk = video.detector_model.vision_encoder.backbone(pixels).last_hidden_state
        grid = video.config.tracker_config.image_size // 14
        self.trunk = trunk.transpose(1, 2).reshape(1, -1, grid, grid)
        levels, positions = video.tracker_neck(self.trunk)
        decoder = video.tracker_model.mask_decoder
        self.fine = [decoder.conv_s0(levels[0]), decoder.conv_s1(levels[1])]
        self.map, self.positions = levels[2], positions[2]

    def tokens(self) -> torch.Tensor:
        """[G·G, 1, D], as transformers has them."""
        return self.map.flatten(2).permute(2, 0, 1)


class Official:
    """The tracker of a video model, frame by frame and object by object, with the official rules."""

    def __init__(self, video: Sam3VideoModel):
        self.video, self.tracker = video, video.tracker_model
        self.config = self.tracker.config
        self.grid = self.config.image_size // 14

    def sam(self, features: Features, picture: torch.Tensor, is_multimask: bool, **prompts):
        """`_single_frame_forward` on a picture [1, D, G, G]."""
        return self.tracker._single_frame_forward(
            image_embeddings=[*features.fine, picture], multimask_output=is_multimask, **prompts
        )

    def encode(self, features: Features, masks: torch.Tensor, score: torch.Tensor, is_hard: bool) -> torch.Tensor:
        """Memory [G·G, C] of mask logits [1, 1, H, W]: scaled at their own size, then resized."""
        amount = (masks > 0).float() if is_hard else masks.sigmoid()
        scaled = amount * self.config.sigmoid_scale_for_mem_enc + self.config.sigmoid_bias_for_mem_enc
        side = 16 * self.grid
        if scaled.shape[-1] != side:
            scaled = F.interpolate(scaled, size=(side, side), mode="bilinear", align_corners=False, antialias=True)
        memory, _ = self.tracker.memory_encoder(features.map, scaled)
        if not (score > 0).all():
            memory = memory + self.tracker.occlusion_spatial_embedding_parameter[..., None, None]
        return memory.to(torch.bfloat16)[0].flatten(1).T

    def fine(self, logits: torch.Tensor) -> torch.Tensor:
        """Mask logits [M, M] on the finest grid, [1, 1, 16G, 16G]."""
        side = 16 * self.grid
        return F.interpolate(logits[None, None], size=(side, side), mode="bilinear", align_corners=False)

    def pointer_of_mask(self, features: Features, inside: torch.Tensor) -> torch.Tensor:
        """Pointer [D] of a mask [1, 1, 16G, 16G] of 0 and 1."""
        prompt = self.tracker.mask_downsample(inside)
        pointer = self.sam(features, features.map, False, input_masks=prompt).object_pointer.reshape(1, -1)
        return (pointer if inside.any() else self.tracker.no_object_pointer)[0]

    def start(self, features: Features, masks: list[torch.Tensor]) -> list[dict]:
        """Objects born together from mask logits [M, M]: a conditioning frame of each."""
        inside = [(self.fine(mask) > 0).float() for mask in masks]
        shown = [torch.where(mask > 0, -NO_OBJECT, NO_OBJECT) for mask in inside]
        for later in range(len(inside)):
            for earlier in range(later):
                shown[earlier] = torch.where(inside[later] > 0, NO_OBJECT, shown[earlier])
        coarse = torch.cat([
            F.interpolate(mask, size=(4 * self.grid,) * 2, mode="bilinear", align_corners=False, antialias=True)
            for mask in shown
        ])  # fmt: skip
        size = (self.config.image_size,) * 2
        high = F.interpolate(coarse, size=size, mode="bilinear", align_corners=False)
        best = high.argmax(0, keepdim=True)
        keep = best == torch.arange(len(masks))[:, None, None, None]
        high = torch.where(keep, high, high.clamp(max=-10.0))
        born = []
        for row, mask in enumerate(inside):
            score = torch.tensor([10.0 if mask.any() else -10.0])
            memory = self.encode(features, high[row : row + 1], score, True)
            born.append({"pointer": self.pointer_of_mask(features, mask), "memory": memory})
        return born

    def click(self, features: Features, points, labels, previous: torch.Tensor | None) -> dict:
        """A conditioning frame from points [P, 2] in pixels; boxes are points labelled 2 and 3."""
        picture = features.map + self.tracker.no_memory_embedding[0, 0, :, None, None]
        is_multimask = len(labels) <= self.config.multimask_max_pt_num
        prompts = {} if previous is None else {"input_masks": previous[None, None].clamp(-32, 32)}
        out = self.sam(
            features, picture, is_multimask,
            input_points=torch.tensor(points, dtype=torch.float32)[None, None],
            input_labels=torch.tensor(labels, dtype=torch.int32)[None, None], **prompts,
        )  # fmt: skip
        return self.answer(out) | {"memory": self.encode(features, out.high_res_masks, out.object_score_logits, True)}

    @staticmethod
    def answer(out) -> dict:
        """A frame's answer, single object."""
        return {
            "mask": out.pred_masks[0, 0],
            "pointer": out.object_pointer.reshape(-1),
            "score": out.object_score_logits.reshape(()),
            "iou": out.iou_scores.max(),
        }

    def propagate(self, features: Features, conditioning: dict, recent: dict, frame: int) -> dict:
        """One object on `frame` by its memories, {frame: {"memory", "pointer"}}; without memory selection."""
        selected, unselected = self.tracker._select_closest_cond_frames(
            frame, conditioning, self.config.max_cond_frame_num
        )
        rows = [(self.config.num_maskmem - 1, kept) for kept in selected.values()]
        for back in range(self.config.num_maskmem - 1, 0, -1):
            kept = recent.get(frame - back, unselected.get(frame - back))
            rows += [] if kept is None else [(back - 1, kept)]
        distances = [frame - at for at in selected if at <= frame]
        pointers = [kept["pointer"] for at, kept in selected.items() if at <= frame]
        most = self.config.max_object_pointers_in_encoder
        for back in range(1, most):
            kept = recent.get(frame - back, unselected.get(frame - back))
            if kept is not None:
                distances.append(back)
                pointers.append(kept["pointer"])
        places = self.tracker.memory_encoder.position_encoding(
            (1, self.tracker.mem_dim, self.grid, self.grid), torch.device("cpu"), torch.float32
        )
        places = places.flatten(2).permute(2, 0, 1)
        temporal = self.tracker.memory_temporal_positional_encoding
        tokens, of_pointers = self.tracker._process_object_pointers(
            distances, [pointer[None] for pointer in pointers], most, 1, self.tracker.hidden_dim, torch.device("cpu")
        )
        memory = torch.cat([kept["memory"].float()[:, None] for _, kept in rows] + [tokens])
        positions = torch.cat([places + temporal[row] for row, _ in rows] + [of_pointers])
        picture = self.tracker.memory_attention(
            current_vision_features=features.tokens(),
            current_vision_position_embeddings=features.positions.flatten(2).permute(2, 0, 1),
            memory=memory, memory_posision_embeddings=positions, num_object_pointer_tokens=tokens.shape[0],
        )  # fmt: skip
        picture = picture.reshape(-1, self.tracker.hidden_dim).T.reshape(1, -1, self.grid, self.grid)
        return self.answer(self.sam(features, picture, True))

    def remember(self, features: Features, mask: torch.Tensor) -> torch.Tensor:
        """Memory of mask logits [M, M] as they are shown."""
        fine = self.fine(mask)
        score = torch.tensor([10.0 if (fine > 0).any() else -10.0])
        return self.encode(features, fine, score, False)
