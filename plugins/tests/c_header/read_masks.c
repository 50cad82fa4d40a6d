/* Prints what the mask meta of each frame says, read through the public header alone. */
#include <stdio.h>

#include <gst/gst.h>

#include "gstsa3maskmeta.h"

static guint
inside_count (const GstSa3MaskMeta * masks, const GstSa3MaskObject * object)
{
  GstMapInfo map;
  guint count = 0;

  if (!gst_buffer_map (object->mask, &map, GST_MAP_READ))
    return 0;
  for (guint row = 0; row < object->mask_height; row++)
    for (guint column = 0; column < object->mask_width; column++)
      count += map.data[row * object->mask_stride + column] >= masks->inside_level;
  gst_buffer_unmap (object->mask, &map);
  return count;
}

static guint
map_sum (const GstSa3SemanticMap * map)
{
  GstMapInfo info;
  guint sum = 0;

  if (!gst_buffer_map (map->map, &info, GST_MAP_READ))
    return 0;
  for (guint row = 0; row < map->map_height; row++)
    for (guint column = 0; column < map->map_width; column++)
      sum += info.data[row * map->map_stride + column] >= 128;
  gst_buffer_unmap (map->map, &info);
  return sum;
}

static GstPadProbeReturn
print_masks (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GType api = g_type_from_name ("GstSa3MaskMetaAPI");
  const GstSa3MaskMeta *masks = api ? (const GstSa3MaskMeta *) gst_buffer_get_meta (buffer, api) : NULL;

  if (masks == NULL) {
    printf ("bare\n");
    return GST_PAD_PROBE_OK;
  }
  printf ("version %u frame %ux%u level %u age %u source %" G_GUINT64_FORMAT " objects %u\n", masks->version,
      masks->frame_width, masks->frame_height, masks->inside_level, masks->age_in_frames, masks->source_pts,
      masks->object_count);
  for (guint index = 0; index < masks->object_count; index++) {
    const GstSa3MaskObject *object =
        (const GstSa3MaskObject *) ((const guint8 *) masks->objects + index * masks->object_size);
    printf ("%s prompt %u id %d:%" G_GUINT64_FORMAT " score %.2f box %.2f %.2f %.2f %.2f mask %ux%u inside %u\n",
        object->label, object->prompt_index, object->has_id, object->id, object->score, object->x0, object->y0,
        object->x1, object->y1, object->mask_width, object->mask_height, inside_count (masks, object));
    if (masks->version >= 3 && object->state != GST_SA3_OBJECT_NOT_FOLLOWED)
      printf ("  state %u seen %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT "\n", object->state, object->first_seen,
          object->last_seen);
  }
  for (guint index = 0; masks->version >= 2 && index < masks->semantic_map_count; index++) {
    const GstSa3SemanticMap *map =
        (const GstSa3SemanticMap *) ((const guint8 *) masks->semantic_maps + index * masks->semantic_map_size);
    printf ("map of %s prompt %u presence %.2f %ux%u inside %u\n", map->label, map->prompt_index, map->presence,
        map->map_width, map->map_height, map_sum (map));
  }
  return GST_PAD_PROBE_OK;
}

int
main (int argc, char *argv[])
{
  gst_init (&argc, &argv);
  GstElement *pipeline = gst_parse_launch (argv[1], NULL);
  GstElement *out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  GstPad *pad = gst_element_get_static_pad (out, "sink");
  GstBus *bus = gst_element_get_bus (pipeline);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, print_masks, NULL, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  GstMessage *message =
      gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  int is_over = message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return is_over ? 0 : 1;
}
