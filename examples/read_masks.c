/* Masks, ids and labels in a C application, in the three forms that they come in: the mask meta through its header,
 * regions of interest, and grey pictures of maskextract.
 *
 *     cc examples/read_masks.c -Iplugins/include \
 *         $(pkg-config --cflags --libs gstreamer-1.0 gstreamer-video-1.0 gstreamer-app-1.0) -o read_masks
 *     ./read_masks "videotestsrc num-buffers=5 ! sa3track model=test prompt=dog"
 *
 * The pipeline ends in an element that makes masks; GStreamer must find the plugin (GST_PLUGIN_PATH). Both appsinks get
 * one buffer for each frame, with the same times. */
#include <stdio.h>

#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include "gstsa3maskmeta.h"

#define PIPELINE "videotestsrc num-buffers=5 ! video/x-raw,width=320,height=180 ! sa3track model=test prompt=dog"
#define APPSINKS " ! tee name=t" \
    "  t. ! queue ! appsink name=frames sync=false" \
    "  t. ! queue ! maskextract mode=ids ! video/x-raw,format=GRAY8 ! appsink name=masks sync=false"

/* Cells of a soft mask or map that are at or above a level. */
static guint
cells_inside (GstBuffer * cells, guint width, guint height, guint stride, guint level)
{
  GstMapInfo map;
  guint count = 0;

  if (!gst_buffer_map (cells, &map, GST_MAP_READ))
    return 0;
  for (guint row = 0; row < height; row++)
    for (guint column = 0; column < width; column++)
      count += map.data[row * stride + column] >= level;
  gst_buffer_unmap (cells, &map);
  return count;
}

/* Regions of interest have the object's id, and 0 where there are no ids. */
static void
print_region (GstBuffer * frame, const GstSa3MaskObject * object)
{
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (frame, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    const GstVideoRegionOfInterestMeta *region = (const GstVideoRegionOfInterestMeta *) meta;

    if (region->id == (gint) (object->id & 0x7fffffff))
      printf ("  region of %s at %u,%u size %ux%u\n", g_quark_to_string (region->roi_type), region->x, region->y,
          region->w, region->h);
  }
}

/* maskextract mode=ids writes 1 + (id - 1) % 255 in GRAY8; without ids, the object's place from 1. */
static void
print_pixels (GstSample * picture, const GstSa3MaskObject * object, guint place)
{
  guint8 value = object->has_id ? 1 + (object->id - 1) % 255 : place;
  GstVideoInfo info;
  GstVideoFrame video;
  guint count = 0;

  if (!gst_video_info_from_caps (&info, gst_sample_get_caps (picture)) ||
      !gst_video_frame_map (&video, &info, gst_sample_get_buffer (picture), GST_MAP_READ))
    return;
  for (gint row = 0; row < info.height; row++) {
    const guint8 *samples =
        (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&video, 0) + row * GST_VIDEO_FRAME_PLANE_STRIDE (&video, 0);
    for (gint column = 0; column < info.width; column++)
      count += samples[column] == value;
  }
  gst_video_frame_unmap (&video);
  printf ("  %u of %d pixels are %u\n", count, info.width * info.height, value);
}

static void
print_object (GstBuffer * frame, GstSample * picture, const GstSa3MaskMeta * masks, guint index)
{
  /* Not masks->objects[index]: objects of later versions are larger. */
  const GstSa3MaskObject *object =
      (const GstSa3MaskObject *) ((const guint8 *) masks->objects + index * masks->object_size);

  printf ("%s prompt %u id %d:%" G_GUINT64_FORMAT " score %.2f box %.2f %.2f %.2f %.2f mask %ux%u inside %u\n",
      object->label, object->prompt_index, object->has_id, object->id, object->score, object->x0, object->y0,
      object->x1, object->y1, object->mask_width, object->mask_height,
      cells_inside (object->mask, object->mask_width, object->mask_height, object->mask_stride, masks->inside_level));
  if (masks->version >= 3 && object->state != GST_SA3_OBJECT_NOT_FOLLOWED)
    printf ("  state %u seen %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT "\n", object->state, object->first_seen,
        object->last_seen);
  print_region (frame, object);
  print_pixels (picture, object, index + 1);
}

static void
print_frame (GstBuffer * frame, GstSample * picture)
{
  GType api = g_type_from_name ("GstSa3MaskMetaAPI");
  const GstSa3MaskMeta *masks = api ? (const GstSa3MaskMeta *) gst_buffer_get_meta (frame, api) : NULL;

  if (masks == NULL) {
    printf ("bare\n");          /* nobody looked at this frame */
    return;
  }
  printf ("version %u frame %ux%u level %u age %u source %" G_GUINT64_FORMAT " objects %u\n", masks->version,
      masks->frame_width, masks->frame_height, masks->inside_level, masks->age_in_frames, masks->source_pts,
      masks->object_count);
  for (guint index = 0; index < masks->object_count; index++)
    print_object (frame, picture, masks, index);
  for (guint index = 0; masks->version >= 2 && index < masks->semantic_map_count; index++) {
    const GstSa3SemanticMap *map =
        (const GstSa3SemanticMap *) ((const guint8 *) masks->semantic_maps + index * masks->semantic_map_size);

    printf ("map of %s prompt %u presence %.2f %ux%u inside %u\n", map->label, map->prompt_index, map->presence,
        map->map_width, map->map_height, cells_inside (map->map, map->map_width, map->map_height, map->map_stride, 128));
  }
}

/* The next buffer of an appsink; NULL at the end of the stream and after an error, which is printed. */
static GstSample *
pull (GstAppSink * sink, GstBus * bus, gboolean * has_failed)
{
  GstSample *sample = NULL;

  while (!*has_failed && !(sample = gst_app_sink_try_pull_sample (sink, 100 * GST_MSECOND)) && !gst_app_sink_is_eos (sink)) {
    GstMessage *failure = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);

    if (failure) {
      GError *error;

      gst_message_parse_error (failure, &error, NULL);
      fprintf (stderr, "%s\n", error->message);
      g_error_free (error);
      gst_message_unref (failure);
      *has_failed = TRUE;
    }
  }
  return sample;
}

/* Both appsinks, frame after frame, until the stream ends. TRUE when it ended well. */
static gboolean
print_stream (GstElement * pipeline)
{
  GstElement *frames = gst_bin_get_by_name (GST_BIN (pipeline), "frames");
  GstElement *masks = gst_bin_get_by_name (GST_BIN (pipeline), "masks");
  GstBus *bus = gst_element_get_bus (pipeline);
  GstSample *frame, *picture;
  gboolean has_failed = FALSE;

  while ((frame = pull (GST_APP_SINK (frames), bus, &has_failed))) {
    picture = pull (GST_APP_SINK (masks), bus, &has_failed);
    if (picture)
      print_frame (gst_sample_get_buffer (frame), picture);
    g_clear_pointer (&picture, gst_sample_unref);
    gst_sample_unref (frame);
  }
  gst_object_unref (bus);
  gst_object_unref (masks);
  gst_object_unref (frames);
  return !has_failed;
}

int
main (int argc, char *argv[])
{
  GError *error = NULL;

  gst_init (&argc, &argv);
  gchar *description = g_strconcat (argc > 1 ? argv[1] : PIPELINE, APPSINKS, NULL);
  GstElement *pipeline = gst_parse_launch (description, &error);
  g_free (description);
  if (error) {
    fprintf (stderr, "%s\n", error->message);
    return 1;
  }
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  gboolean is_well = print_stream (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return is_well ? 0 : 1;
}
