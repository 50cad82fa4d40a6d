"""Writes data/: truth and predictions in three layouts, and what TrackEval and pycocotools say about them.

    pip install trackeval==1.3.0 pycocotools==2.0.11 scikit-image pillow
    python tests/judging/generate.py

No random numbers but numpy's with fixed seeds: a second run writes the same bytes.
"""

import copy
import json
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np
import trackeval
from PIL import Image
from pycocotools import mask as coco
from scenes import scenes

DATA = Path(__file__).parent / "data"
VOID, IGNORED_CLASS = 255, 10
MOTS_CLASSES = {"car": 1, "pedestrian": 2}
VIS_CLASSES = {"fish": 3, "bird": 7, "boat": 9}


def encode(mask):
    """Run lengths as text."""
    return coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()


def write_davis(folder):
    """Indexed PNGs; the crowded scene has void pixels."""
    all_scenes = scenes((160, 120), 12, (0, 0))
    for scene in all_scenes:
        for side in ("truth", "found"):
            (folder / side / scene.name).mkdir(parents=True)
            for frame in range(scene.frames):
                labels = np.zeros((scene.size[1], scene.size[0]), np.uint8)
                for number, _, mask in getattr(scene, side)(frame):
                    labels[mask] = number
                void = scene.void_mask(frame) if side == "truth" else None
                if void is not None:
                    labels[void] = VOID
                picture = Image.fromarray(labels, "P")
                picture.putpalette([value for i in range(256) for value in (i, 7 * i % 256, 31 * i % 256)])
                picture.save(folder / side / scene.name / f"{frame:05}.png", optimize=True)


def write_mots(folder):
    """The truth as <sequence>/gt/gt.txt with seqinfo.ini, predictions as <sequence>.txt; frames from 1."""
    for scene in scenes((160, 120), 12, tuple(MOTS_CLASSES.values())):
        width, height = scene.size
        lines = {"truth": [], "found": []}
        for frame in range(scene.frames):
            ignored = scene.void_mask(frame)
            for side in lines:
                for number, category, mask in getattr(scene, side)(frame):
                    if ignored is not None and side == "truth":
                        mask = mask & ~ignored
                    if mask.any():
                        number += 1000 * category
                        lines[side].append(f"{frame + 1} {number} {category} {height} {width} {encode(mask)}")
            if ignored is not None:
                lines["truth"].append(f"{frame + 1} 10000 {IGNORED_CLASS} {height} {width} {encode(ignored)}")
        (folder / "truth" / scene.name / "gt").mkdir(parents=True)
        (folder / "found").mkdir(exist_ok=True)
        length = f"[Sequence]\nname={scene.name}\nseqLength={scene.frames}\n"
        (folder / "truth" / scene.name / "seqinfo.ini").write_text(length)
        (folder / "truth" / scene.name / "gt/gt.txt").write_text("\n".join(lines["truth"]) + "\n")
        (folder / "found" / f"{scene.name}.txt").write_text("\n".join(lines["found"]) + "\n")


def annotations(scene, side, video_id):
    """One for each track: run lengths as numbers in the truth, as the published one has them, else as text."""
    tracks = {}
    for frame in range(scene.frames):
        for number, category, mask in getattr(scene, side)(frame):
            tracks.setdefault((number, category), [None] * scene.frames)[frame] = mask
    for (number, category), masks in tracks.items():
        size = [scene.size[1], scene.size[0]]
        written = runs if side == "truth" else encode
        counts = [None if mask is None else written(mask) for mask in masks]
        segmentations = [None if one is None else dict(size=size, counts=one) for one in counts]
        areas = [None if mask is None else int(mask.sum()) for mask in masks]
        one = dict(video_id=video_id, category_id=category, segmentations=segmentations)
        if side == "truth":
            # YouTube-VIS's ids are unique over all videos.
            one |= dict(id=100 * video_id + number, areas=areas, iscrowd=0, width=size[1], height=size[0])
        else:
            one |= dict(score=0.5 + number / 200)
        yield one


def runs(mask):
    """Lengths of runs, column after column, outside first."""
    flat = np.concatenate([[0], mask.flatten(order="F").astype(int), [2]])
    ends = np.flatnonzero(np.diff(flat))
    return [int(n) for n in np.diff(np.concatenate([[0], ends]))]


def write_youtube_vis(folder):
    """Two videos, three categories, one of which has no object."""
    all_scenes = scenes((320, 200), 10, (VIS_CLASSES["fish"], VIS_CLASSES["bird"]))
    videos = [
        dict(
            id=i,
            width=s.size[0],
            height=s.size[1],
            length=s.frames,
            file_names=[f"{s.name}/{frame:05}.jpg" for frame in range(s.frames)],
        )
        for i, s in enumerate(all_scenes, 1)
    ]
    categories = [dict(id=number, name=name) for name, number in VIS_CLASSES.items()]
    sides = {
        side: [one for i, scene in enumerate(all_scenes, 1) for one in annotations(scene, side, i)]
        for side in ("truth", "found")
    }
    for side in sides:
        (folder / side).mkdir(parents=True)
    truth = dict(videos=videos, categories=categories, annotations=sides["truth"])
    (folder / "truth/truth.json").write_text(json.dumps(truth))
    (folder / "found/found.json").write_text(json.dumps(sides["found"]))


def judge(dataset, classes):
    """What TrackEval says about each sequence and class, and about all of them as sequences of one class."""
    quiet = {"PRINT_CONFIG": False}
    metrics = {
        "HOTA": trackeval.metrics.HOTA(),
        "Identity": trackeval.metrics.Identity(quiet),
        "CLEAR": trackeval.metrics.CLEAR(quiet),
        "JAndF": trackeval.metrics.JAndF(),
    }
    results = {name: {} for name in metrics}
    for sequence in sorted(dataset.seq_list):
        raw = dataset.get_raw_seq_data("found", sequence)
        for name in classes:
            data = dataset.get_preprocessed_seq_data(copy.deepcopy(raw), name)
            # TrackEval compares DAVIS's masks before it takes void pixels away; compared after, void is not judged.
            data["similarity_scores"] = [
                np.asarray(dataset._calculate_similarities(list(gt), list(found))).reshape(len(gt), len(found))
                for gt, found in zip(data["gt_dets"], data["tracker_dets"])
            ]
            assert all(coco.area(d) > 0 for dets in data["tracker_dets"] for d in dets), "an empty mask"
            for metric, results_of in results.items():
                if metric == "JAndF" and data["num_gt_ids"] == 0:
                    continue
                results_of[(sequence, name)] = metrics[metric].eval_sequence(copy.deepcopy(data))
    units = {f"{s}/{c}": numbers({m: r.get((s, c)) for m, r in results.items()}) for s, c in results["HOTA"]}
    units["all"] = numbers({name: metrics[name].combine_sequences(of) for name, of in results.items()})
    return units


def numbers(of):
    """The measures that are compared."""
    shapes = of["JAndF"] or {}
    found = {name: float(np.mean(of["HOTA"][field])) for name, field in
             dict(hota="HOTA", det_a="DetA", ass_a="AssA", loc_a="LocA").items()}
    found |= dict(idf1=float(of["Identity"].get("IDF1", 0.0)))
    found |= dict(id_switches=int(of["CLEAR"]["IDSW"]), mota=float(of["CLEAR"].get("MOTA", 0.0)))
    found |= dict(true_masks=int(of["CLEAR"]["CLR_TP"] + of["CLEAR"]["CLR_FN"]))
    found |= dict(found_masks=int(of["CLEAR"]["CLR_TP"] + of["CLEAR"]["CLR_FP"]))
    for name, field in dict(j_and_f="J&F", j="J-Mean", f="F-Mean").items():
        found[name] = float(shapes[field]) if field in shapes else None
    return found


def judge_davis():
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(DATA / "davis/found", Path(place) / "found/data")
        config = dict(GT_FOLDER=str(DATA / "davis/truth"), TRACKERS_FOLDER=place, PRINT_CONFIG=False)
        dataset = trackeval.datasets.DAVIS(config)
        return judge(dataset, ["general"])


def judge_mots():
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(DATA / "mots/found", Path(place) / "found/data")
        lengths = {folder.name: None for folder in sorted((DATA / "mots/truth").iterdir())}
        config = dict(GT_FOLDER=str(DATA / "mots/truth"), TRACKERS_FOLDER=place, SEQ_INFO=lengths, PRINT_CONFIG=False)
        config |= dict(SKIP_SPLIT_FOL=True)
        dataset = trackeval.datasets.MOTSChallenge(config)
        # It knows pedestrians alone; the layout has cars too, and nothing else in it depends on the class.
        dataset.class_name_to_class_id = {name: str(number) for name, number in MOTS_CLASSES.items()}
        return judge(dataset, list(MOTS_CLASSES))


def judge_youtube_vis():
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(DATA / "youtube_vis/found", Path(place) / "tracks/youtube_vis_x/found/data")
        shutil.copytree(DATA / "youtube_vis/truth", Path(place) / "truth/youtube_vis_x")
        config = dict(GT_FOLDER=f"{place}/truth/", TRACKERS_FOLDER=f"{place}/tracks/", SPLIT_TO_EVAL="x")
        dataset = trackeval.datasets.YouTubeVIS(config | dict(PRINT_CONFIG=False))
        return judge(dataset, list(VIS_CLASSES))


def run_lengths():
    """Masks as text, their areas and overlaps, by pycocotools."""
    random = np.random.default_rng(3)
    cases = []
    for width, height, share in ((1, 1, 1.0), (5, 3, 0.5), (17, 31, 0.03), (64, 48, 0.5), (300, 200, 0.9995), (40, 9, 0.0)):
        pair = [random.random((height, width)) < share for _ in range(2)]
        texts = [encode(mask) for mask in pair]
        encoded = [dict(size=[height, width], counts=text) for text in texts]
        iou = float(coco.iou(encoded[:1], encoded[1:], [0])[0, 0])
        cases.append(dict(
            width=width, height=height, texts=texts, runs=[runs(mask) for mask in pair],
            areas=[int(area) for area in coco.area(encoded)], iou=iou if np.isfinite(iou) else 0.0,
            union=coco.merge(encoded)["counts"].decode(),
        ))
    return cases


def main():
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    shutil.rmtree(DATA, ignore_errors=True)
    write_davis(DATA / "davis")
    write_mots(DATA / "mots")
    write_youtube_vis(DATA / "youtube_vis")
    expected = dict(davis=judge_davis(), mots=judge_mots(), youtube_vis=judge_youtube_vis(), run_lengths=run_lengths())
    (DATA / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
