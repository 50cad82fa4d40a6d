#!/usr/bin/env python3
"""What was found as JSON in a Python application: frames and lines from two appsinks, matched by their times.

    GST_PLUGIN_PATH=target/debug python3 examples/read_json.py [PIPELINE]

PIPELINE is what stands before maskexport; it ends in sa3segment or sa3track. It needs python3-gi,
gir1.2-gstreamer-1.0 and gir1.2-gst-plugins-base-1.0, and no other package. The masks themselves, without JSON:
read_masks.py.
"""

import json
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst

SOURCE = "videotestsrc num-buffers=5 ! video/x-raw,format=RGB,width=320,height=180 ! sa3track model=test prompt=dog"


def mask_of(segmentation):
    """Rows of True and False: what COCO's compressed run lengths say."""
    height, width = segmentation["size"]
    runs, number, shift = [], 0, 0
    for character in segmentation["counts"].encode():
        bits = character - 48
        number |= (bits & 0x1F) << shift
        shift += 5
        if not bits & 0x20:
            if bits & 0x10:
                number -= 1 << shift
            runs.append(number + (runs[-2] if len(runs) > 2 else 0))
            number, shift = 0, 0
    column_after_column = [index % 2 == 1 for index, run in enumerate(runs) for _ in range(run)]
    return [column_after_column[row::height] for row in range(height)] if width else []


def pull(pipeline, name):
    """The next buffer of an appsink; None at the end of the stream. An error ends the program."""
    sink = pipeline.get_by_name(name)
    while not (sample := sink.emit("try-pull-sample", 100 * Gst.MSECOND)) and not sink.get_property("eos"):
        if message := pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR):
            sys.exit(message.parse_error()[0].message)
    return sample


def main(source):
    Gst.init(None)
    pipeline = Gst.parse_launch(
        f"{source} ! maskexport name=e ! queue ! appsink name=frames sync=false "
        "e.meta ! queue ! appsink name=objects sync=false"
    )
    pipeline.set_state(Gst.State.PLAYING)
    while (sample := pull(pipeline, "frames")) and (line := pull(pipeline, "objects")):
        record = json.loads(line.get_buffer().extract_dup(0, line.get_buffer().get_size()))
        assert sample.get_buffer().pts == line.get_buffer().pts, "one line for each frame"
        for found in record["objects"] or []:
            mask = mask_of(found["segmentation"])
            pixels = sum(map(sum, mask))
            assert pixels == found["area"]
            print(f"frame {record['frame']}: {found['label']} {found['id']}, score {found['score']:.2f}, {pixels} pixels")
    pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or SOURCE)
