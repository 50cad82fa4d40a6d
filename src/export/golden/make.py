"""What pycocotools says of documents that maskexport wrote.

    pip install pycocotools==2.0.11
    python src/export/golden/make.py            # writes pycocotools.json about the documents beside this file
    python src/export/golden/make.py FILE...    # checks COCO and YouTube-VIS documents of your own
"""

import json
import pathlib
import sys

import numpy
from pycocotools import mask as mask_utils
from pycocotools.coco import COCO

HERE = pathlib.Path(__file__).parent
DOCUMENTS = ["clip.coco.json", "clip.youtube-vis.json"]


def checked(segmentation, area):
    """A mask as pycocotools has it, after decoding and encoding it again."""
    decoded = mask_utils.decode(segmentation)
    again = mask_utils.encode(numpy.asfortranarray(decoded))
    assert again["counts"].decode() == segmentation["counts"], "pycocotools writes other run lengths"
    assert int(decoded.sum()) == area, f"area {area}, pycocotools counts {int(decoded.sum())}"
    return segmentation


def coco_masks(path):
    coco = COCO(str(path))
    for annotation in coco.loadAnns(coco.getAnnIds()):
        assert annotation["image_id"] in coco.imgs and annotation["category_id"] in coco.cats
        segmentation = annotation.get("segmentation")
        if isinstance(segmentation, list):
            # A polygon is off by its tolerance and has no holes, so that its area says nothing.
            if segmentation:
                yield coco.annToRLE(annotation)
        elif segmentation:
            yield checked(segmentation, annotation["area"])


def youtube_vis_masks(document):
    lengths = {video["id"]: len(video["file_names"]) for video in document["videos"]}
    for annotation in document["annotations"]:
        for name in ["segmentations", "bboxes", "areas", "scores"]:
            assert len(annotation[name]) == lengths[annotation["video_id"]], name
        for segmentation, area in zip(annotation["segmentations"], annotation["areas"]):
            if segmentation:
                yield checked(segmentation, area)


def verdict(path):
    document = json.loads(path.read_text())
    masks = list(youtube_vis_masks(document) if "videos" in document else coco_masks(path))
    assert masks, f"{path} has no masks"
    ious = mask_utils.iou(masks, masks, [0] * len(masks))
    return {
        "areas": [int(area) for area in mask_utils.area(masks)],
        "boxes": [[float(side) for side in box] for box in mask_utils.toBbox(masks)],
        "ious": [[round(float(iou), 12) for iou in row] for row in ious],
    }


if __name__ == "__main__":
    if sys.argv[1:]:
        for name in sys.argv[1:]:
            areas = verdict(pathlib.Path(name))["areas"]
            print(f"{name}: pycocotools agrees on {len(areas)} masks, {sum(areas)} pixels")
    else:
        verdicts = {name: verdict(HERE / name) for name in DOCUMENTS}
        (HERE / "pycocotools.json").write_text(json.dumps(verdicts) + "\n")
