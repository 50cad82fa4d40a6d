#!/usr/bin/env python3
"""Reads GstAnalytics metas back with GStreamer's own library, and looks at what GStreamer's own element draws of them.

    read_back.py PICTURES

`run.sh` starts it where GStreamer is 1.26 or newer. It ends with 1 and a sentence when anything differs.
"""

import json
import sys
import tempfile
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstAnalytics", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import GLib, GObject, Gst, GstAnalytics, GstVideo

WIDTH, HEIGHT = 320, 180
FRAME_NS = Gst.SECOND // 25
VIDEO = f"video/x-raw,format=RGB,width={WIDTH},height={HEIGHT},framerate=25/1"
SOURCE = f"videotestsrc num-buffers=40 ! {VIDEO}"


def buffers_of(pipeline):
    """The buffers that come out of a pipeline, to its end."""
    playing = Gst.parse_launch(f"{pipeline} ! appsink name=out sync=false")
    playing.set_state(Gst.State.PLAYING)
    buffers = []
    while sample := playing.get_by_name("out").emit("pull-sample"):
        buffers.append(sample.get_buffer())
    message = playing.get_bus().pop_filtered(Gst.MessageType.ERROR)
    playing.set_state(Gst.State.NULL)
    assert message is None, message.parse_error()
    assert buffers, f"nothing came out of {pipeline}"
    return buffers


def bytes_of(buffer):
    return buffer.extract_dup(0, buffer.get_size())


def parts_of(relations, kind):
    """The parts of one kind, in order."""
    return [part for part in relations if isinstance(part, kind)]


def related(relations, part, kind, relation=GstAnalytics.RelTypes.RELATE_TO):
    """The one part of a kind that another part relates to."""
    [other] = [other for other in parts_of(relations, kind) if relations.get_relation(part.id, other.id) & relation]
    return other


def relations_of(buffer):
    return GstAnalytics.buffer_get_analytics_relation_meta(buffer)


def box_of(detection):
    _, x, y, width, height, score = detection.get_location()
    return (x, y, width, height), score


def objects_follow_and_agree_with_the_regions_of_interest():
    seen, most = {}, 0
    for number, buffer in enumerate(buffers_of(f'{SOURCE} ! sa3track model=test prompt="dog; cat"')):
        relations = relations_of(buffer)
        detections = parts_of(relations, GstAnalytics.ODMtd)
        most = max(most, len(detections))
        for detection in detections:
            _, track_id, first_seen, last_seen, is_lost = related(relations, detection, GstAnalytics.TrackingMtd).get_info()
            region = GstVideo.buffer_get_video_region_of_interest_meta_id(buffer, track_id)
            box, score = box_of(detection)
            assert box == (region.x, region.y, region.w, region.h), (number, box)
            assert detection.get_obj_type() == region.roi_type
            assert GLib.quark_to_string(detection.get_obj_type()) in ("dog", "cat")
            assert 0.5 < score <= 1 and not is_lost
            assert seen.setdefault(track_id, first_seen) == first_seen, "an id keeps the time that it was first seen at"
            assert first_seen <= last_seen <= number * FRAME_NS == buffer.pts
    assert most >= 2 and any(first_seen == 0 for first_seen in seen.values()), (most, seen)


def regions_lie_in_their_boxes_and_have_their_labels():
    for buffer in buffers_of(f'{SOURCE} ! sa3segment model=test prompt="red car; dog"'):
        relations = relations_of(buffer)
        detections = parts_of(relations, GstAnalytics.ODMtd)
        [segmentation] = parts_of(relations, GstAnalytics.SegmentationMtd)
        tracks = [track.get_info()[1:3] for track in parts_of(relations, GstAnalytics.TrackingMtd)]
        assert tracks == [(1, Gst.CLOCK_TIME_NONE), (2, Gst.CLOCK_TIME_NONE)], "the test model's ids, and no times"
        assert [segmentation.get_region_id(index) for index in range(segmentation.get_region_count())] == [0, 1, 2]
        classes = related(relations, segmentation, GstAnalytics.ClsMtd, GstAnalytics.RelTypes.N_TO_N)
        labels = [GLib.quark_to_string(classes.get_quark(index)) for index in range(classes.get_length())]
        assert labels == ["background", "red car", "dog"], labels
        picture, left, top, width, height = segmentation.get_mask()
        assert (left, top, width, height) == (0, 0, WIDTH, HEIGHT)
        grid = GstVideo.buffer_get_video_meta(picture)
        assert grid.format == GstVideo.VideoFormat.GRAY8 and (grid.width, grid.height) == (72, 72)
        cells = bytes_of(picture)
        for region, detection in enumerate(detections, start=1):
            assert related(relations, detection, GstAnalytics.SegmentationMtd).id == segmentation.id
            (x, y, w, h), score = box_of(detection)
            assert abs(classes.get_level(region) - score) < 1e-6
            places = [index for index, value in enumerate(cells) if value == region]
            columns = [(place % 72 + 0.5) / 72 * WIDTH for place in places]
            rows = [(place // 72 + 0.5) / 72 * HEIGHT for place in places]
            cell = max(WIDTH, HEIGHT) / 72
            assert len(places) > 200
            assert x - cell < min(columns) and max(columns) < x + w + cell, (region, x, w)
            assert y - cell < min(rows) and max(rows) < y + h + cell, (region, y, h)


def a_scaled_frame_has_scaled_boxes():
    half = f"video/x-raw,width={WIDTH // 2},height={HEIGHT // 2}"
    for buffer in buffers_of(f"{SOURCE} ! sa3segment model=test prompt=dog ! videoscale ! {half}"):
        relations = relations_of(buffer)
        [detection] = parts_of(relations, GstAnalytics.ODMtd)
        (x, y, w, h), _ = box_of(detection)
        assert abs(w - 0.3 * WIDTH / 2) <= 1 and abs(h - 0.3 * HEIGHT / 2) <= 1, (w, h)
        _, *place = parts_of(relations, GstAnalytics.SegmentationMtd)[0].get_mask()
        assert place == [0, 0, WIDTH // 2, HEIGHT // 2], place


def nothing_found_is_an_empty_meta():
    for buffer in buffers_of(f"{SOURCE} ! sa3segment model=test prompt=dog threshold=0.999"):
        assert len(parts_of(relations_of(buffer), GstAnalytics.Mtd)) == 0


def the_property_turns_them_off():
    for element in ("sa3segment model=test prompt=dog", "sa3track model=test prompt=dog"):
        for buffer in buffers_of(f"{SOURCE} ! {element} analytics-meta=false"):
            assert relations_of(buffer) is None
            assert buffer.get_meta(GObject.type_from_name("GstSa3MaskMetaAPI")), "the masks themselves stay"


def a_second_element_replaces_what_the_first_wrote():
    twice = f'{SOURCE} ! sa3segment model=test prompt="a; b; c" ! sa3segment model=test prompt=dog'
    for buffer in buffers_of(twice):
        detections = parts_of(relations_of(buffer), GstAnalytics.ODMtd)
        assert [GLib.quark_to_string(detection.get_obj_type()) for detection in detections] == ["dog"]


def others_detections_stay():
    """Parts cannot be taken out of a relation meta: what is foreign stays, and ours come behind it."""
    feed = f"appsrc name=in format=time caps={VIDEO} ! sa3segment model=test prompt=dog ! appsink name=out"
    pipeline = Gst.parse_launch(feed)
    pipeline.set_state(Gst.State.PLAYING)
    buffer = Gst.Buffer.new_wrapped(bytes(WIDTH * HEIGHT * 3))
    buffer.pts = 0
    relations = GstAnalytics.buffer_add_analytics_relation_meta(buffer)
    relations.add_od_mtd(GLib.quark_from_string("foreign"), 1, 2, 3, 4, 0.5)
    pipeline.get_by_name("in").emit("push-buffer", buffer)
    pipeline.get_by_name("in").emit("end-of-stream")
    out = pipeline.get_by_name("out").emit("pull-sample").get_buffer()
    detections = parts_of(relations_of(out), GstAnalytics.ODMtd)
    assert [GLib.quark_to_string(detection.get_obj_type()) for detection in detections] == ["foreign", "dog"]
    assert box_of(detections[0]) == ((1, 2, 3, 4), 0.5)
    pipeline.set_state(Gst.State.NULL)


def what_is_written_is_bounded():
    things = [
        {"id": number, "label": "thing", "prompt_index": 0, "score": 1 - number / 1000, "state": "tracked",
         "bbox": [number % 25 * 10, number // 25 * 8, 8, 6], "area": 48, "first_seen": 0, "last_seen": 0}
        for number in range(1, 501)
    ]
    line = {"frame": 0, "pts": 0, "duration": FRAME_NS, "width": WIDTH, "height": HEIGHT, "source_pts": 0, "age": 0,
            "inside_level": 128, "coordinates": "pixels", "objects": things}
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        print(json.dumps(line), file=file, flush=True)
        one = f"videotestsrc num-buffers=1 ! {VIDEO} ! maskattach location={file.name}"
        [buffer] = buffers_of(one)
    relations = relations_of(buffer)
    detections = parts_of(relations, GstAnalytics.ODMtd)
    tracks = [related(relations, detection, GstAnalytics.TrackingMtd).get_info()[1] for detection in detections]
    assert tracks == list(range(1, 256)), "the 255 with the best scores"
    assert parts_of(relations, GstAnalytics.SegmentationMtd)[0].get_region_count() == 256
    assert GstVideo.buffer_get_video_region_of_interest_meta_id(buffer, 500), "regions of interest have them all"


def a_grey_picture_is_detected_too():
    grey = "video/x-raw,format=GRAY8,width=32,height=18,framerate=25/1"
    attach = f"{SOURCE} ! maskattach name=a label=key videotestsrc pattern=ball num-buffers=40 ! {grey} ! a.mask a."
    for buffer in buffers_of(attach):
        [detection] = parts_of(relations_of(buffer), GstAnalytics.ODMtd)
        assert GLib.quark_to_string(detection.get_obj_type()) == "key"


def objectdetectionoverlay_draws_our_boxes(pictures):
    """What changes in the picture are the outlines of the boxes, and nothing else; one picture is kept to look at."""
    tracked = f'videotestsrc pattern=black num-buffers=40 ! {VIDEO} ! sa3track model=test prompt="dog; cat"'
    plain = buffers_of(tracked)
    drawn = buffers_of(f"{tracked} ! objectdetectionoverlay draw-labels=false")
    assert len(plain) == len(drawn) == 40
    for before, after in zip(plain, drawn):
        old, new = bytes_of(before), bytes_of(after)
        changed = {index // 3 for index, (was, now) in enumerate(zip(old, new)) if was != now}
        boxes = [box_of(detection)[0] for detection in parts_of(relations_of(before), GstAnalytics.ODMtd)]
        outlines = [outline(box) for box in boxes]
        assert not changed - set().union(*outlines), "nothing is drawn beside the boxes"
        for box, edge in zip(boxes, outlines):
            assert len(edge & changed) > box[2] + box[3], f"{box} is not drawn"
    labelled = f"{tracked} ! objectdetectionoverlay ! videoconvert ! pngenc snapshot=false"
    (pictures / "objectdetectionoverlay.png").write_bytes(bytes_of(buffers_of(labelled)[20]))


def outline(box):
    """Pixels within 2 of a box's edge."""
    x, y, width, height = box
    near = {(column, row) for column in range(x - 2, x + width + 3) for row in range(y - 2, y + height + 3)}
    deep = {(column, row) for column in range(x + 3, x + width - 2) for row in range(y + 3, y + height - 2)}
    inside_frame = {(column, row) for column, row in near - deep if 0 <= column < WIDTH and 0 <= row < HEIGHT}
    return {row * WIDTH + column for column, row in inside_frame}


def main(pictures):
    Gst.init(None)
    assert Gst.version() >= (1, 26, 0, 0), Gst.version_string()
    for check in (
        objects_follow_and_agree_with_the_regions_of_interest,
        regions_lie_in_their_boxes_and_have_their_labels,
        a_scaled_frame_has_scaled_boxes,
        nothing_found_is_an_empty_meta,
        the_property_turns_them_off,
        a_second_element_replaces_what_the_first_wrote,
        others_detections_stay,
        what_is_written_is_bounded,
        a_grey_picture_is_detected_too,
        objectdetectionoverlay_draws_our_boxes,
    ):
        check(pictures) if check is objectdetectionoverlay_draws_our_boxes else check()
        print(f"ok      {check.__name__.replace('_', ' ')}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
