#!/usr/bin/env python3
"""Masks, ids and labels in a Python application, in the three forms that they come in: the mask meta through its header,
regions of interest, and grey pictures of maskextract.

    GST_PLUGIN_PATH=target/debug python3 examples/read_masks.py [PIPELINE]

PIPELINE ends in an element that makes masks. It needs python3-gi, gir1.2-gstreamer-1.0 and gir1.2-gst-plugins-base-1.0, and no
other package. The same as JSON: read_json.py.
"""

import ctypes
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import GLib, GObject, Gst, GstVideo

PIPELINE = "videotestsrc num-buffers=5 ! video/x-raw,width=320,height=180 ! sa3track model=test prompt=dog"
APPSINKS = """ ! tee name=t
    t. ! queue ! appsink name=frames sync=false
    t. ! queue ! maskextract mode=ids ! video/x-raw,format=GRAY8 ! appsink name=masks sync=false"""


class Meta(ctypes.Structure):
    """GstMeta, with which every meta begins."""

    _fields_ = [("flags", ctypes.c_int), ("info", ctypes.c_void_p)]


class Region(ctypes.Structure):
    """GstVideoRegionOfInterestMeta, as gst/video/gstvideometa.h has it."""

    _fields_ = [
        ("meta", Meta),
        ("roi_type", ctypes.c_uint32),
        ("id", ctypes.c_int),
        ("parent_id", ctypes.c_int),
        ("x", ctypes.c_uint),
        ("y", ctypes.c_uint),
        ("w", ctypes.c_uint),
        ("h", ctypes.c_uint),
    ]


class MaskObject(ctypes.Structure):
    """GstSa3MaskObject, as plugins/include/gstsa3maskmeta.h has it."""

    _fields_ = [
        ("id", ctypes.c_uint64),
        ("has_id", ctypes.c_int),
        ("prompt_index", ctypes.c_uint32),
        ("label", ctypes.c_char_p),
        ("score", ctypes.c_float),
        ("x0", ctypes.c_float),
        ("y0", ctypes.c_float),
        ("x1", ctypes.c_float),
        ("y1", ctypes.c_float),
        ("mask_width", ctypes.c_uint32),
        ("mask_height", ctypes.c_uint32),
        ("mask_stride", ctypes.c_uint32),
        ("mask", ctypes.c_void_p),
        ("state", ctypes.c_uint32),
        ("first_seen", ctypes.c_uint64),
        ("last_seen", ctypes.c_uint64),
    ]


class MaskMeta(ctypes.Structure):
    """GstSa3MaskMeta, up to its objects."""

    _fields_ = [
        ("meta", Meta),
        ("version", ctypes.c_uint32),
        ("frame_width", ctypes.c_uint32),
        ("frame_height", ctypes.c_uint32),
        ("inside_level", ctypes.c_uint32),
        ("age_in_frames", ctypes.c_uint32),
        ("source_pts", ctypes.c_uint64),
        ("object_count", ctypes.c_uint32),
        ("object_size", ctypes.c_uint32),
        ("objects", ctypes.c_void_p),
    ]


GSTREAMER = ctypes.CDLL("libgstreamer-1.0.so.0")
GSTREAMER.gst_buffer_get_meta.restype = ctypes.c_void_p
GSTREAMER.gst_buffer_get_meta.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
GSTREAMER.gst_buffer_iterate_meta_filtered.restype = ctypes.c_void_p
GSTREAMER.gst_buffer_iterate_meta_filtered.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t]
GSTREAMER.gst_buffer_extract.restype = ctypes.c_size_t
GSTREAMER.gst_buffer_extract.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t]


def type_number(name):
    """The number of a GType. hash() of a GType or a buffer is its number or address in PyGObject; 0 is no type."""
    try:
        return hash(GObject.type_from_name(name))
    except RuntimeError:
        return 0


def regions(buffer):
    """All regions of interest; valid while the buffer is."""
    api, state = type_number("GstVideoRegionOfInterestMetaAPI"), ctypes.c_void_p()
    while address := GSTREAMER.gst_buffer_iterate_meta_filtered(hash(buffer), ctypes.byref(state), api):
        yield Region.from_address(address)


def mask_meta(buffer):
    """The mask meta, valid while the buffer is; None when nobody looked at the frame."""
    api = type_number("GstSa3MaskMetaAPI")
    address = GSTREAMER.gst_buffer_get_meta(hash(buffer), api) if api else None
    return MaskMeta.from_address(address) if address else None


def objects(masks):
    """The objects of a mask meta, the best score first; those of later versions are larger than we know."""
    for index in range(masks.object_count):
        yield MaskObject.from_address(masks.objects + index * masks.object_size)


def soft_mask(found):
    """The rows of an object's soft mask: 0 is surely outside, 255 surely inside."""
    cells = ctypes.create_string_buffer(found.mask_stride * found.mask_height)
    GSTREAMER.gst_buffer_extract(found.mask, 0, cells, len(cells))
    return [cells.raw[start : start + found.mask_width] for start in range(0, len(cells), found.mask_stride)]


def picture_rows(sample):
    """The rows of a GRAY8 picture, without what its lines are padded with."""
    info = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
    data = sample.get_buffer().extract_dup(0, sample.get_buffer().get_size())
    return [data[start : start + info.width] for start in range(0, info.stride[0] * info.height, info.stride[0])]


def print_frame(frame, picture):
    masks = mask_meta(frame)
    if masks is None:
        print("nobody looked at this frame")
        return
    rows = picture_rows(picture)
    for place, found in enumerate(objects(masks), start=1):
        # maskextract mode=ids writes 1 + (id - 1) % 255 in GRAY8; without ids, the object's place.
        value = 1 + (found.id - 1) % 255 if found.has_id else place
        inside = sum(cell >= masks.inside_level for row in soft_mask(found) for cell in row)
        print(f"{found.label.decode()} id {found.id} score {found.score:.2f}: {inside} cells", end="")
        print(f", {sum(row.count(value) for row in rows)} pixels are {value}")
    for region in regions(frame):
        label = GLib.quark_to_string(region.roi_type)
        print(f"  region of {label} id {region.id} at {region.x},{region.y} size {region.w}x{region.h}")


def pull(pipeline, name):
    """The next buffer of an appsink; None at the end of the stream. An error ends the program."""
    sink = pipeline.get_by_name(name)
    while not (sample := sink.emit("try-pull-sample", 100 * Gst.MSECOND)) and not sink.get_property("eos"):
        if message := pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR):
            sys.exit(message.parse_error()[0].message)
    return sample


def main(description):
    Gst.init(None)
    pipeline = Gst.parse_launch(description + APPSINKS)
    pipeline.set_state(Gst.State.PLAYING)
    while (frame := pull(pipeline, "frames")) and (picture := pull(pipeline, "masks")):
        print_frame(frame.get_buffer(), picture)
    pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or PIPELINE)
