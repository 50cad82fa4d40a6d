"""Whole sessions: detect, propagate, associate, recondition, suppress, remember, start, remove, on every frame.

transformers' Sam3VideoModel with the official code's behaviour where the two differ:

*   the detector sees the geometry encoder's class token also without boxes (a box labelled -10, which is ignored)
*   overlapping detections go and small holes are filled, for which transformers needs a package of kernels
*   the tracker is that of `tracker_model.Official`: masks that start objects are those above 0, their memories are made
    of hard masks in which later siblings have the place, nobody else's memory is touched by a birth
*   a reconditioned object gets a pointer from the detection's mask; its own mask is shown and remembered
*   areas after overlaps are measured on the mask grid and for each phrase apart, as transformers does it; the official
    code measures on a grid four times as fine. A mask without inside is made surely absent by that, as there
*   masks are matched with the ids of before a removal

Memory selection, which transformers does not have, is off.
"""

import sys

import numpy as np
import torch
from transformers.models.sam3_video import modeling_sam3_video as hf

from image_cases import MIDDLE, PADDING_LABEL, SHORT
from tracker_model import OVERRIDES, Features, Official, hashed, model, smooth_pixels

SETTINGS = {
    "score_threshold_detection": 0.3, "new_det_thresh": 0.3, "hotstart_delay": 6, "hotstart_unmatch_thresh": 3,
    "hotstart_dup_thresh": 3, "recondition_every_nth_frame": 4, "high_conf_thresh": 0.3, "high_iou_thresh": 0.3,
}  # fmt: skip
FRAMES = 12
# What an object must keep of its area beside others to be remembered.
LEAST_SHARE = 0.3
# Noise that is added to the frames for further runs, in which everything must happen as in the first.
NOISE = 2e-6
NOISY_RUNS = 4


def larger_masks(hypernetworks: float, pixels: float, detector: float) -> dict[str, float]:
    """Overrides that make masks of random weights so large that detections and tracks overlap."""
    tracker = "tracker_model.mask_decoder."
    biases = {f"{tracker}output_hypernetworks_mlps.{k}.proj_out.bias": hypernetworks for k in range(4)}
    return OVERRIDES | biases | {
        f"{tracker}upscale_conv2.bias": pixels, f"{tracker}pred_obj_score_head.proj_out.bias": 5.0,
        "mask_decoder.mask_embedder.layers.2.bias": detector, "mask_decoder.instance_projection.bias": detector,
    }  # fmt: skip


CASES = [
    {"name": "one_phrase", "texts": [SHORT], "frames": "session.frames.4", "settings": {"det_nms_thresh": 0.6},
     "overrides": larger_masks(0.2, 0.7, 0.05), "what": "many births, removals for being unmatched, reconditioning"},
    {"name": "two_phrases", "texts": [SHORT, MIDDLE], "frames": "session.frames.0",
     "settings": {"det_nms_thresh": 0.8}, "overrides": larger_masks(0.3, 1.0, 0.1),
     "what": "duplicates, reconditioning, two groups"},
    {"name": "occlusions", "texts": [SHORT, MIDDLE], "frames": "session.frames.0", "settings": {"det_nms_thresh": 0.1},
     "overrides": OVERRIDES, "what": "objects that are hidden for being occluded later than others"},
]  # fmt: skip


def nms_masks(pred_probs, pred_masks, prob_threshold, iou_threshold):
    """The best first; what overlaps with one that is kept goes."""
    keep = torch.zeros_like(pred_probs, dtype=torch.bool)
    inside = pred_masks > 0
    for index in pred_probs.argsort(descending=True, stable=True):
        if pred_probs[index] <= prob_threshold:
            continue
        overlaps = hf.mask_iou(inside[index][None], inside[keep])
        keep[index] = not (overlaps > iou_threshold).any()
    return keep


def component_areas(mask: torch.Tensor):
    """Labels, which nobody reads, and for each pixel of a mask [B, 1, H, W] the area of its component, diagonals counted."""
    areas = torch.zeros(mask.shape, dtype=torch.int32)
    for batch, plane in enumerate(mask[:, 0].numpy().astype(bool)):
        seen = np.zeros_like(plane)
        for start in zip(*np.nonzero(plane)):
            if seen[start]:
                continue
            stack, component = [start], []
            seen[start] = True
            while stack:
                y, x = stack.pop()
                component.append((y, x))
                for other in [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]:
                    is_there = all(0 <= at < side for at, side in zip(other, plane.shape))
                    if is_there and plane[other] and not seen[other]:
                        seen[other] = True
                        stack.append(other)
            rows, columns = zip(*component)
            areas[batch, 0, list(rows), list(columns)] = len(component)
    return None, areas


class OfficialSession:
    """A video model whose methods are changed in place; one for each session."""

    def __init__(self, video, frames: torch.Tensor):
        self.video, self.frames, self.official = video, frames, Official(video)
        self.objects: dict[int, dict] = {}
        self.features = None
        self.before: list[int] = []
        self.record: dict = {}
        self.margins: list[float] = []
        for name in ("run_detection", "run_tracker_propagation", "_prepare_recondition_masks", "build_outputs",
                     "_tracker_update_memories", "_tracker_add_new_objects"):  # fmt: skip
            setattr(video, name, getattr(self, name))

    def near(self, values, threshold: float) -> None:
        """Notes how near decisions come to their threshold."""
        self.margins += [abs(float(value) - threshold) for value in values]

    def run_detection(self, inference_session, vision_embeds):
        """Every phrase with a box that its label takes out again."""
        found = {}
        for prompt, ids in inference_session.prompt_input_ids.items():
            mask = inference_session.prompt_attention_masks[prompt]
            text = self.video.detector_model.get_text_features(input_ids=ids, attention_mask=mask, return_dict=True)
            out = self.video.detector_model(
                vision_embeds=vision_embeds, text_embeds=text, attention_mask=mask,
                input_boxes=torch.tensor([[[0.5, 0.5, 0.2, 0.2]]]),
                input_boxes_labels=torch.tensor([[PADDING_LABEL]]),
            )  # fmt: skip
            scores = (out.pred_logits.sigmoid() * out.presence_logits.sigmoid())[0]
            threshold = self.video.score_threshold_detection
            self.near(scores, threshold)
            kept = nms_masks(scores, out.pred_masks[0], threshold, self.video.det_nms_thresh)
            found[prompt] = {"bbox": out.pred_boxes[0][kept], "mask": out.pred_masks[0][kept], "scores": scores[kept]}
        self.record["detections"] = [
            {"phrase": prompt, "score": float(score)} for prompt, of in found.items() for score in of["scores"]
        ]
        self.record["detection_masks"] = torch.cat([of["mask"] for of in found.values()])
        return found

    def run_tracker_propagation(self, inference_session, frame_idx, reverse):
        """Each object by its own memories."""
        self.features = Features(self.video, self.frames[frame_idx : frame_idx + 1])
        self.before = list(inference_session.obj_ids)
        side = 4 * self.official.grid
        masks, scores = torch.zeros(0, side, side), torch.zeros(0)
        for key in self.before:
            kept = self.objects[key]
            answer = self.official.propagate(self.features, kept["conditioning"], kept["recent"], frame_idx)
            kept["recent"][frame_idx] = answer
            masks = torch.cat([masks, answer["mask"][None]])
            scores = torch.cat([scores, answer["score"][None]])
        self.near(scores, 0.0)
        self.record["tracked"] = [
            {"id": key, "logit": float(score)} for key, score in zip(self.before, scores)
        ]
        if len(masks):
            masks = hf.fill_holes_in_mask_scores(masks[:, None], max_area=self.video.fill_hole_area)[:, 0]
        return masks, scores

    def _prepare_recondition_masks(
        self, inference_session, frame_idx, det_out, trk_masks, trk_id_to_max_iou_high_conf_det, tracker_obj_scores_global
    ):
        """The frame becomes a conditioning one, with a pointer of the detection's mask."""
        for key, detection in trk_id_to_max_iou_high_conf_det.items():
            score = tracker_obj_scores_global[inference_session.obj_id_to_idx(key)]
            self.near([score], self.video.high_conf_thresh)
            if score <= self.video.high_conf_thresh:
                continue
            kept = self.objects[key]
            inside = (self.official.fine(det_out["mask"][detection]) > 0).float()
            answer = kept["recent"].pop(frame_idx)
            answer["pointer"] = self.official.pointer_of_mask(self.features, inside)
            kept["conditioning"][frame_idx] = answer
            self.record["reconditioned"].append(key)
        return {}, set()

    def _tracker_update_memories(self, inference_session, frame_idx, low_res_masks, reconditioned_masks=None):
        """Masks that lose most of their area to others are remembered as absent."""
        self.record["suppressed_masks"] = [
            key for key, mask in zip(self.before, low_res_masks) if bool((mask == -10).all())
        ]
        phrases = torch.tensor([inference_session.obj_id_to_prompt_id[key] for key in self.before])
        for key, row, mask in zip(self.before, range(len(self.before)), low_res_masks):
            siblings = (phrases == phrases[row]).nonzero()[:, 0]
            # The first of equals has the place.
            owner = siblings[low_res_masks[siblings].argmax(0)]
            area = (mask > 0).sum()
            if ((mask > 0) & (owner == row)).sum() / area.clamp(min=1) < LEAST_SHARE:
                self.record["shrunk"] += [key] if area > 0 else []
                mask = mask.clamp(max=-10.0)
            of = self.objects[key]
            entry = of["conditioning"].get(frame_idx) or of["recent"][frame_idx]
            entry["memory"] = self.official.remember(self.features, mask)

    def _tracker_add_new_objects(self, inference_session, frame_idx, new_obj_ids, new_obj_masks, reverse=False):
        """Objects born together; nobody else is touched."""
        for key, kept in zip(new_obj_ids, self.official.start(self.features, list(new_obj_masks))):
            inference_session.obj_id_to_idx(key)
            self.objects[key] = {"conditioning": {frame_idx: kept}, "recent": {}}
        self.record["born"] = [int(key) for key in new_obj_ids]

    def build_outputs(
        self, inference_session, det_out, tracker_low_res_masks_global, tracker_update_plan, reconditioned_obj_ids=None
    ):
        """Masks of the objects of before, and the hole-filled ones of the new."""
        shown = dict(zip(self.before, tracker_low_res_masks_global))
        new = tracker_update_plan["new_det_out_inds"]
        if new:
            filled = hf.fill_holes_in_mask_scores(det_out["mask"][new][:, None], max_area=self.video.fill_hole_area)
            shown |= dict(zip(tracker_update_plan["new_det_obj_ids"], filled[:, 0]))
        self.record["removed"] = sorted(int(key) for key in tracker_update_plan["obj_ids_newly_removed"])
        self.record["unmatched"] = [int(key) for key in tracker_update_plan["unmatched_trk_obj_ids"]]
        return {key: mask[None] for key, mask in shown.items()}


def run(case: dict) -> tuple[list[dict], dict[str, torch.Tensor]]:
    """What each frame gave, and all masks as bits: those shown and those detected, in the order of the frames."""
    rows, packed, margin = run_once(case, None)
    print(f"{case['name']}: " + "; ".join(
        f"{row['frame']}: {len(row['detections'])} found, {len(row['alive'])} alive, +{len(row['born'])} "
        f"-{len(row['removed'])} r{row['reconditioned']} s{row['suppressed_masks']} k{row['shrunk']}" for row in rows
    ))  # fmt: skip
    for number in range(NOISY_RUNS):
        again, _, _ = run_once(case, number)
        for one, other in zip(rows, again):
            if without_scores(one) != without_scores(other):
                sys.exit(f"{case['name']}: frame {one['frame']} depends on rounding; choose other frames")
    print(f"{case['name']}: scores are {margin:.1e} from their thresholds")
    return rows, packed


def without_scores(row: dict) -> dict:
    """What happened, without numbers that rounding changes."""
    exact = {key: value for key, value in row.items() if key not in ("detections", "tracked", "birth_scores")}
    return exact | {"found": [found["phrase"] for found in row["detections"]]}


def run_once(case: dict, noise: int | None) -> tuple[list[dict], dict[str, torch.Tensor], float]:
    """The same with the noise of that number or none, and the least distance of a score from its threshold."""
    hf.nms_masks, hf._get_connected_components_with_padding = nms_masks, component_areas
    video = model("tiny", case["overrides"], **(SETTINGS | case["settings"]))
    frames = smooth_pixels(case["frames"], FRAMES, video.config.tracker_config.image_size)
    if noise is not None:
        frames = frames + NOISE * hashed(f"session.noise.{noise}", *frames.shape)
    session = OfficialSession(video, frames)
    inference = hf.Sam3VideoInferenceSession(video=frames, video_height=112, video_width=112, dtype=torch.float32)
    for number, ids in enumerate(case["texts"]):
        prompt = inference.add_prompt(str(number))
        inference.prompt_input_ids[prompt] = torch.tensor([ids + [511] * (32 - len(ids))])
        inference.prompt_attention_masks[prompt] = torch.tensor([[1] * len(ids) + [0] * (32 - len(ids))])
    rows, shown, detected = [], [], []
    for frame in range(FRAMES):
        session.record = {"frame": frame, "born": [], "reconditioned": [], "shrunk": [], "suppressed_masks": []}
        with torch.no_grad():
            out = video(inference, frame_idx=frame)
        record = session.record
        detected += list(record.pop("detection_masks") > 0)
        record["masks"] = [int(key) for key in out.obj_id_to_mask]
        shown += [mask[0] > 0 for mask in out.obj_id_to_mask.values()]
        record["alive"] = [int(key) for key in out.object_ids]
        record["phrases"] = [int(inference.obj_id_to_prompt_id[key]) for key in out.object_ids]
        record["birth_scores"] = [float(out.obj_id_to_score[key]) for key in record["born"]]
        rows.append(record)
    packed = {
        what: torch.from_numpy(np.packbits(torch.stack(masks).flatten(1).numpy(), axis=1))
        for what, masks in (("shown", shown), ("detected", detected))
    }
    return rows, packed, min(session.margins)
