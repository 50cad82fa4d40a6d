"""Runs a model and keeps what its blocks give out, under the names of the blocks."""

import torch
from transformers import Sam3Model

# Group of tolerances by block. A block is a module's name, or one of the few values that no module gives out.
GROUPS = {
    "vision_encoder": "vision",
    "text_encoder": "text",
    "text_projection": "text",
    "geometry_encoder": "geometry",
    "detr_encoder": "encoder",
    "detr_decoder": "decoder",
    "dot_product_scoring": "logits",
    "mask_decoder.mask_embedder": "decoder",
    "mask_decoder.pixel_decoder": "pixels",
    "mask_decoder.prompt_cross_attn": "encoder",
    "pred_logits": "logits",
    "presence_logits": "presence",
    "detr_decoder.presence_logits": "presence",
    "detr_decoder.reference_boxes": "boxes",
    "pred_boxes": "boxes",
    "pred_masks": "masks",
    "semantic_seg": "masks",
}

# max |ours - reference| <= max_abs, times the root mean square of the reference where relative_to says so. Each limit is
# 2.5 to 6 times what float32 rounding alone does to transformers (`generate.py --rounding` prints it).
TOLERANCES = {
    "vision": {"max_abs": 2e-5, "relative_to": "rms"},
    "text": {"max_abs": 1e-5, "relative_to": "rms"},
    "geometry": {"max_abs": 3e-5, "relative_to": "rms"},
    "encoder": {"max_abs": 3e-5, "relative_to": "rms"},
    "decoder": {"max_abs": 6e-5, "relative_to": "rms"},
    "pixels": {"max_abs": 4e-5, "relative_to": "rms"},
    "boxes": {"max_abs": 1e-5, "relative_to": "one"},
    "presence": {"max_abs": 2e-5, "relative_to": "one"},
    "logits": {"max_abs": 8e-5, "relative_to": "one"},
    "masks": {"max_abs": 2e-4, "relative_to": "one"},
}

# Which rows of a tensor count; the others are padding, where transformers and another implementation may differ.
ROWS = {
    "text_encoder.last_hidden_state": "attention_mask",
    "text_projection": "attention_mask",
    "geometry_encoder": "geometry_encoder.mask",
    "geometry_encoder.boxes_pool_project": "box_labels",
}


def group_of(tensor: str) -> str:
    """The tolerance group of a captured tensor: the longest block name it starts with."""
    return GROUPS[max((block for block in GROUPS if tensor.startswith(block)), key=len)]


def blocks_of(model: Sam3Model) -> list[str]:
    """The modules whose first output is kept as it is."""
    backbone = model.vision_encoder.backbone
    layers = sorted({0, 1, len(backbone.layers) - 1})
    return (
        ["vision_encoder.backbone.embeddings"]
        + [f"vision_encoder.backbone.layers.{i}" for i in layers]
        + [f"vision_encoder.neck.fpn_layers.{i}" for i in range(3)]
        + ["text_projection", "geometry_encoder.boxes_pool_project"]
        + [f"detr_encoder.layers.{i}" for i in range(len(model.detr_encoder.layers))]
        + [f"detr_decoder.layers.{i}" for i in range(len(model.detr_decoder.layers))]
        + ["dot_product_scoring", "mask_decoder.prompt_cross_attn", "mask_decoder.pixel_decoder"]
        + ["mask_decoder.mask_embedder"]
    )


class Capture:
    """Hooks on a model for one forward pass."""

    def __init__(self, model: Sam3Model):
        self.model = model
        self.kept: dict[str, torch.Tensor] = {}
        self.box_biases: list[torch.Tensor] = []

    def keep(self, name: str, tensor: torch.Tensor) -> None:
        """Keeps one tensor; a block that runs twice would be a mistake here."""
        if name in self.kept:
            raise ValueError(f"{name} came out twice")
        self.kept[name] = tensor.detach().clone()

    def hooks(self) -> list:
        """Registers everything that `run` needs."""

        def first(name):
            return lambda module, args, out: self.keep(name, out[0] if isinstance(out, tuple) else out)

        def neck(module, args, out):
            self.keep("vision_encoder.neck.position_encoding.2", out[1][2][:1])

        def text(module, args, out):
            self.keep("text_encoder.last_hidden_state", out.last_hidden_state)

        def geometry(module, args, out):
            self.keep("geometry_encoder", out.last_hidden_state)
            self.keep("geometry_encoder.mask", out.attention_mask.to(torch.int64))

        def decoder(module, args, out):
            self.keep("detr_decoder.intermediate_hidden_states", out.intermediate_hidden_states)
            self.keep("detr_decoder.reference_boxes", out.reference_boxes)
            self.keep("detr_decoder.presence_logits", out.presence_logits)

        hooks = {name: first(name) for name in blocks_of(self.model)} | {
            "vision_encoder.neck": neck,
            "text_encoder": text,
            "geometry_encoder": geometry,
            "detr_decoder": decoder,
        }
        return [self.model.get_submodule(name).register_forward_hook(hook) for name, hook in hooks.items()]

    def run(self, **inputs) -> dict[str, torch.Tensor]:
        """One forward pass: every kept tensor by name, the model's outputs among them."""
        bias_of = self.model.detr_decoder._get_rpb_matrix

        def record_bias(*args):
            self.box_biases.append(bias_of(*args))
            return self.box_biases[-1]

        self.model.detr_decoder._get_rpb_matrix = record_bias
        hooks = self.hooks()
        try:
            with torch.no_grad():
                out = self.model(**inputs)
        finally:
            for hook in hooks:
                hook.remove()
            del self.model.detr_decoder._get_rpb_matrix
        self.keep("detr_decoder.box_rpb.1", self.box_biases[1])
        for name in ("pred_logits", "pred_boxes", "presence_logits", "pred_masks", "semantic_seg"):
            self.keep(name, getattr(out, name))
        return self.kept
