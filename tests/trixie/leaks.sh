#!/bin/sh
# GStreamer's own tracer counts what lives on at the end: nothing that came with the metas does. `run.sh` starts it.
set -eu

LOG=$(mktemp)
for ELEMENT in 'sa3segment model=test prompt=dog' 'sa3track model=test prompt=dog'; do
    # videorate drops half of the frames, and the scaler and the crop copy them. (objectdetectionoverlay keeps its last
    # picture for ever, so it is not here.)
    # shellcheck disable=SC2086
    GST_TRACERS=leaks GST_DEBUG=GST_TRACER:7 GST_DEBUG_NO_COLOR=1 GST_DEBUG_FILE=$LOG gst-launch-1.0 -q \
        videotestsrc num-buffers=200 ! video/x-raw,format=RGB,width=320,height=180,framerate=25/1 ! $ELEMENT ! tee name=t \
        t. ! queue ! videoscale ! video/x-raw,width=160 ! fakesink \
        t. ! queue ! videorate ! video/x-raw,framerate=12/1 ! videocrop left=32 ! fakesink
    grep -q 'new format string: object-alive' "$LOG" || { echo "error: the tracer leaks did not run" >&2; exit 1; }
    if ALIVE=$(grep ':: object-alive,' "$LOG"); then
        echo "error: these live on after $ELEMENT:" >&2
        echo "$ALIVE" | head -n 5 >&2
        exit 1
    fi
    echo "ok      nothing lives on after $ELEMENT"
done
rm -f "$LOG"
