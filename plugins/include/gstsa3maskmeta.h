/* GstSa3MaskMeta: the objects of a video frame, each with a label, a score, a box and a soft mask.
 *
 * Written by sa3segment and sa3track, read by anybody. Read it with
 *
 *   GType api = g_type_from_name ("GstSa3MaskMetaAPI");      // 0 until the plugin sa3 is loaded
 *   const GstSa3MaskMeta *masks = api ? (const GstSa3MaskMeta *) gst_buffer_get_meta (buffer, api) : NULL;
 *
 * A buffer without this meta was not looked at (no prompt, or the model failed on it). A meta with no objects says
 * that the model looked and found nothing.
 *
 * The meta is tagged "video", "size" and "orientation". Copies of a buffer share the masks. An element that scales the
 * picture (videoscale, videoconvertscale) keeps the meta and gives it the new frame size; elements that crop, flip or
 * rotate drop it, so that a mask is never drawn in the wrong place. videoscale add-borders=true puts the picture
 * inside black borders without telling metas: use add-borders=false between sa3segment and the reader.
 *
 * Everything here is read-only and lives as long as the buffer. Masks may be kept longer with gst_buffer_ref().
 */
#ifndef GST_SA3_MASK_META_H
#define GST_SA3_MASK_META_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* The version that this header describes. Later versions add fields at the end of the structures only.
 * 2: semantic maps. A writer of version 1 has no semantic_map fields: look at @version of the meta before them.
 * 3: state, first_seen and last_seen of objects that are followed. */
#define GST_SA3_MASK_META_VERSION 3

/**
 * GstSa3ObjectState:
 * @GST_SA3_OBJECT_NOT_FOLLOWED: objects are found frame by frame
 * @GST_SA3_OBJECT_NEW: shown on this frame for the first time
 * @GST_SA3_OBJECT_TRACKED: followed, and confirmed by a detection or the user on this frame
 * @GST_SA3_OBJECT_PROPAGATED: followed by the tracker alone
 * @GST_SA3_OBJECT_HELD: not seen; the mask is the last one that was
 * @GST_SA3_OBJECT_LOST: not on this frame, but remembered
 */
typedef enum {
  GST_SA3_OBJECT_NOT_FOLLOWED = 0,
  GST_SA3_OBJECT_NEW          = 1,
  GST_SA3_OBJECT_TRACKED      = 2,
  GST_SA3_OBJECT_PROPAGATED   = 3,
  GST_SA3_OBJECT_HELD         = 4,
  GST_SA3_OBJECT_LOST         = 5
} GstSa3ObjectState;

/**
 * GstSa3MaskObject:
 * @id: the object's id, stable over time; 0 when @has_id is FALSE
 * @has_id: FALSE when objects are found frame by frame
 * @prompt_index: position of the phrase among the phrases of the prompt, from 0
 * @label: the phrase that found the object, as the user wrote it; UTF-8, owned by the meta
 * @score: probability, 0 to 1
 * @x0: left edge of the box, 0 to 1 of the frame's width; may reach a little beyond
 * @y0: top edge, 0 to 1 of the frame's height
 * @x1: right edge
 * @y1: bottom edge
 * @mask_width: columns of @mask
 * @mask_height: rows of @mask
 * @mask_stride: bytes from one row of @mask to the next
 * @mask: one byte for each cell, first row first: 0 surely outside, 255 surely inside, see @inside_level of the meta.
 *   The mask is stretched over the whole frame, not over the box; enlarge it bilinearly
 * @state: (version 3) a GstSa3ObjectState: how the object is followed
 * @first_seen: (version 3) PTS of the frame it was first found on, or GST_CLOCK_TIME_NONE
 * @last_seen: (version 3) PTS of the latest frame it was seen on, or GST_CLOCK_TIME_NONE
 */
typedef struct _GstSa3MaskObject {
  guint64      id;
  gboolean     has_id;
  guint32      prompt_index;
  const gchar *label;
  gfloat       score;
  gfloat       x0;
  gfloat       y0;
  gfloat       x1;
  gfloat       y1;
  guint32      mask_width;
  guint32      mask_height;
  guint32      mask_stride;
  GstBuffer   *mask;
  guint32      state;
  GstClockTime first_seen;
  GstClockTime last_seen;
} GstSa3MaskObject;

/**
 * GstSa3SemanticMap:
 * @label: what the concept is called, as the label of its objects; UTF-8, owned by the meta
 * @prompt_index: position of the concept among those of the prompt, from 0
 * @presence: probability that the concept is on the frame at all, 0 to 1; @map does not contain it
 * @map_width: columns of @map
 * @map_height: rows of @map
 * @map_stride: bytes from one row of @map to the next
 * @map: one byte for each cell, as an object's mask: 255 surely belongs to the concept, 0 surely not. It lies over the
 *   whole frame, and shows all instances of the concept together
 */
typedef struct _GstSa3SemanticMap {
  const gchar *label;
  guint32      prompt_index;
  gfloat       presence;
  guint32      map_width;
  guint32      map_height;
  guint32      map_stride;
  GstBuffer   *map;
} GstSa3SemanticMap;

/**
 * GstSa3MaskMeta:
 * @meta: parent
 * @version: GST_SA3_MASK_META_VERSION of the writer
 * @frame_width: width in pixels of the frame this meta belongs to. When it differs from the frame at hand, an element
 *   between changed the picture without telling metas
 * @frame_height: height in pixels of that frame
 * @inside_level: mask values at or above this are inside the object (128 unless mask-threshold was moved)
 * @age_in_frames: 0 when the objects were found on this very frame, 1 when on the frame before, and so on
 * @source_pts: PTS of the frame they were found on, or GST_CLOCK_TIME_NONE
 * @object_count: number of objects, best score first
 * @object_size: bytes from one object to the next; use it instead of sizeof to step through objects of later versions
 * @objects: the first object, or NULL when there is none
 * @private_data: the writer's
 * @semantic_map_count: (version 2) number of semantic maps, one for each concept looked for; 0 without semantic-map=true
 * @semantic_map_size: (version 2) bytes from one map to the next; use it as @object_size
 * @semantic_maps: (version 2) the first map, or NULL when there is none
 */
typedef struct _GstSa3MaskMeta {
  GstMeta                  meta;
  guint32                  version;
  guint32                  frame_width;
  guint32                  frame_height;
  guint32                  inside_level;
  guint32                  age_in_frames;
  GstClockTime             source_pts;
  guint32                  object_count;
  guint32                  object_size;
  const GstSa3MaskObject  *objects;
  gpointer                 private_data;
  guint32                  semantic_map_count;
  guint32                  semantic_map_size;
  const GstSa3SemanticMap *semantic_maps;
} GstSa3MaskMeta;

G_END_DECLS

#endif /* GST_SA3_MASK_META_H */
