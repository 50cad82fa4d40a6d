//! The C side of the meta: layout, registration, and the three functions GStreamer calls. All unsafe code of the meta.
//!
//! `plugins/include/gstsa3maskmeta.h` describes the three structures field by field.

use std::ffi::{CString, c_char};
use std::mem::size_of;
use std::ptr;
use std::sync::{Arc, OnceLock};

use glib::translate::{FromGlib, IntoGlib};
use gst::ffi::{GstBuffer, GstMeta, GstMetaInfo};

use gst::BufferRef;
use gst::meta::{MetaAPI, MetaTransform, MetaTransformCopy};

/// GST_SA3_MASK_META_VERSION of the header.
pub(super) const VERSION: u32 = 3;

/// One object, as C sees it.
#[repr(C)]
#[derive(Debug)]
struct RawObject {
    id: u64,
    has_id: glib::ffi::gboolean,
    prompt_index: u32,
    label: *const c_char,
    score: f32,
    corners: [f32; 4],
    mask_width: u32,
    mask_height: u32,
    mask_stride: u32,
    mask: *mut GstBuffer,
    state: u32,
    first_seen: gst::ffi::GstClockTime,
    last_seen: gst::ffi::GstClockTime,
}

/// One semantic map, as C sees it.
#[repr(C)]
#[derive(Debug)]
struct RawSemanticMap {
    label: *const c_char,
    prompt_index: u32,
    presence: f32,
    map_width: u32,
    map_height: u32,
    map_stride: u32,
    map: *mut GstBuffer,
}

/// The meta, as C sees it.
#[repr(C)]
#[derive(Debug)]
pub struct RawMaskMeta {
    meta: GstMeta,
    version: u32,
    frame_width: u32,
    frame_height: u32,
    inside_level: u32,
    age_in_frames: u32,
    source_pts: gst::ffi::GstClockTime,
    object_count: u32,
    object_size: u32,
    objects: *const RawObject,
    private_data: *const Table,
    semantic_map_count: u32,
    semantic_map_size: u32,
    semantic_maps: *const RawSemanticMap,
}

/// One object, as Rust writes and reads it.
#[derive(Debug)]
pub(super) struct Entry {
    pub id: Option<u64>,
    pub prompt_index: u32,
    pub label: CString,
    pub score: f32,
    /// x0, y0, x1, y1, normalised.
    pub corners: [f32; 4],
    pub mask_width: u32,
    pub mask_height: u32,
    pub mask: gst::Buffer,
    /// GstSa3ObjectState of the header.
    pub state: u32,
    pub first_seen: Option<gst::ClockTime>,
    pub last_seen: Option<gst::ClockTime>,
}

/// One semantic map, as Rust writes and reads it.
#[derive(Debug)]
pub(super) struct MapEntry {
    pub label: CString,
    pub prompt_index: u32,
    pub presence: f32,
    pub map_width: u32,
    pub map_height: u32,
    pub map: gst::Buffer,
}

/// What belongs to one buffer and its frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub frame_width: u32,
    pub frame_height: u32,
    pub inside_level: u8,
    pub age_in_frames: u32,
    pub source_pts: Option<gst::ClockTime>,
}

/// Objects and maps, shared by all copies of a meta. The raw ones point into the entries, which never change.
#[derive(Debug)]
struct Table {
    raw: Box<[RawObject]>,
    entries: Box<[Entry]>,
    raw_maps: Box<[RawSemanticMap]>,
    maps: Box<[MapEntry]>,
}

// SAFETY: a table is never changed after construction; its raw pointers lead to labels and buffers that the entries own,
// and both are Send and Sync themselves.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

impl Table {
    fn new(entries: Vec<Entry>, maps: Vec<MapEntry>) -> Self {
        let raw = entries.iter().map(RawObject::over).collect();
        let raw_maps = maps.iter().map(RawSemanticMap::over).collect();
        Self { raw, entries: entries.into_boxed_slice(), raw_maps, maps: maps.into_boxed_slice() }
    }
}

impl RawSemanticMap {
    fn over(entry: &MapEntry) -> Self {
        Self {
            label: entry.label.as_ptr(),
            prompt_index: entry.prompt_index,
            presence: entry.presence,
            map_width: entry.map_width,
            map_height: entry.map_height,
            map_stride: entry.map_width,
            map: entry.map.as_mut_ptr(),
        }
    }
}

impl RawObject {
    fn over(entry: &Entry) -> Self {
        Self {
            id: entry.id.unwrap_or(0),
            has_id: entry.id.is_some().into_glib(),
            prompt_index: entry.prompt_index,
            label: entry.label.as_ptr(),
            score: entry.score,
            corners: entry.corners,
            mask_width: entry.mask_width,
            mask_height: entry.mask_height,
            mask_stride: entry.mask_width,
            mask: entry.mask.as_mut_ptr(),
            state: entry.state,
            first_seen: entry.first_seen.into_glib(),
            last_seen: entry.last_seen.into_glib(),
        }
    }
}

/// The meta as a typed reference finds it on a buffer.
#[repr(transparent)]
#[derive(Debug)]
pub struct MaskMeta(RawMaskMeta);

// SAFETY: the fields are plain values and a pointer to a table, which is Send and Sync.
unsafe impl Send for MaskMeta {}
// SAFETY: as above.
unsafe impl Sync for MaskMeta {}

// SAFETY: `meta_api` is the type that `info` registers for exactly this layout.
unsafe impl MetaAPI for MaskMeta {
    type GstType = RawMaskMeta;

    fn meta_api() -> glib::Type {
        static API: OnceLock<glib::Type> = OnceLock::new();
        *API.get_or_init(|| {
            let tags = [c"video", c"size", c"orientation"].map(|tag| tag.as_ptr());
            let mut tags = [tags[0], tags[1], tags[2], ptr::null()];
            // SAFETY: the name and the null-terminated list of tags are only read during the call.
            unsafe {
                glib::Type::from_glib(gst::ffi::gst_meta_api_type_register(
                    c"GstSa3MaskMetaAPI".as_ptr(),
                    tags.as_mut_ptr(),
                ))
            }
        })
    }
}

impl MaskMeta {
    pub(super) fn header(&self) -> Header {
        Header {
            frame_width: self.0.frame_width,
            frame_height: self.0.frame_height,
            inside_level: self.0.inside_level.min(255) as u8,
            age_in_frames: self.0.age_in_frames,
            // SAFETY: any 64-bit number is a GstClockTime.
            source_pts: unsafe { FromGlib::from_glib(self.0.source_pts) },
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.table().entries
    }

    pub(super) fn maps(&self) -> &[MapEntry] {
        &self.table().maps
    }

    fn table(&self) -> &Table {
        // SAFETY: `fill` put a pointer of a counted table there, which `free` gives back with the meta.
        unsafe { &*self.0.private_data }
    }

    /// Adds the meta to `buffer`.
    pub(super) fn add(buffer: &mut BufferRef, header: Header, entries: Vec<Entry>, maps: Vec<MapEntry>) {
        add_shared(buffer, header, Arc::new(Table::new(entries, maps)));
    }
}

fn add_shared(buffer: &mut BufferRef, header: Header, table: Arc<Table>) {
    // SAFETY: the buffer is writable as it is borrowed mutably, `info` describes RawMaskMeta, and `init` has left the
    // fields that `fill` sets empty.
    unsafe {
        let meta = gst::ffi::gst_buffer_add_meta(buffer.as_mut_ptr(), info(), ptr::null_mut());
        fill(&mut *meta.cast::<RawMaskMeta>(), header, table);
    }
}

fn fill(raw: &mut RawMaskMeta, header: Header, table: Arc<Table>) {
    raw.version = VERSION;
    raw.frame_width = header.frame_width;
    raw.frame_height = header.frame_height;
    raw.inside_level = header.inside_level.into();
    raw.age_in_frames = header.age_in_frames;
    raw.source_pts = header.source_pts.into_glib();
    raw.object_count = table.raw.len() as u32;
    raw.object_size = size_of::<RawObject>() as u32;
    raw.objects = if table.raw.is_empty() { ptr::null() } else { table.raw.as_ptr() };
    raw.semantic_map_count = table.raw_maps.len() as u32;
    raw.semantic_map_size = size_of::<RawSemanticMap>() as u32;
    raw.semantic_maps = if table.raw_maps.is_empty() { ptr::null() } else { table.raw_maps.as_ptr() };
    raw.private_data = Arc::into_raw(table);
}

/// Registers the meta on first use.
fn info() -> *const GstMetaInfo {
    struct Info(*const GstMetaInfo);
    // SAFETY: GStreamer allocates the info once and never changes or frees it.
    unsafe impl Send for Info {}
    // SAFETY: as above.
    unsafe impl Sync for Info {}
    static INFO: OnceLock<Info> = OnceLock::new();
    INFO.get_or_init(|| {
        // SAFETY: the three functions below keep to the layout whose size is given.
        let info = unsafe {
            gst::ffi::gst_meta_register(
                MaskMeta::meta_api().into_glib(),
                c"GstSa3MaskMeta".as_ptr(),
                size_of::<RawMaskMeta>(),
                Some(init),
                Some(free),
                Some(transform),
            )
        };
        assert!(!info.is_null(), "GstSa3MaskMeta is registered once per process");
        Info(info)
    })
    .0
}

/// Leaves an empty meta, so that it is valid even if somebody adds one from C.
unsafe extern "C" fn init(
    meta: *mut GstMeta,
    _params: glib::ffi::gpointer,
    _buffer: *mut GstBuffer,
) -> glib::ffi::gboolean {
    static NOTHING: OnceLock<Arc<Table>> = OnceLock::new();
    let header = Header {
        frame_width: 0,
        frame_height: 0,
        inside_level: 128,
        age_in_frames: 0,
        source_pts: gst::ClockTime::NONE,
    };
    let nothing = NOTHING.get_or_init(|| Arc::new(Table::new(Vec::new(), Vec::new()))).clone();
    // SAFETY: GStreamer passes memory of the registered size; only plain fields are written, `meta.meta` stays as is.
    fill(unsafe { &mut *meta.cast::<RawMaskMeta>() }, header, nothing);
    glib::ffi::GTRUE
}

unsafe extern "C" fn free(meta: *mut GstMeta, _buffer: *mut GstBuffer) {
    // SAFETY: GStreamer calls this once for each meta that `init` saw; the pointer is cleared all the same.
    unsafe { drop(take_table(&mut *meta.cast::<RawMaskMeta>())) }
}

/// Takes the counted table out of the meta.
///
/// # Safety
/// `private_data` must be null or come from `Arc::into_raw`.
unsafe fn take_table(raw: &mut RawMaskMeta) -> Option<Arc<Table>> {
    let table = std::mem::replace(&mut raw.private_data, ptr::null());
    raw.objects = ptr::null();
    raw.object_count = 0;
    raw.semantic_maps = ptr::null();
    raw.semantic_map_count = 0;
    // SAFETY: as the caller promises.
    (!table.is_null()).then(|| unsafe { Arc::from_raw(table) })
}

/// Copies the meta to `dest` where it still describes the picture; says no (and so drops it) where it does not.
unsafe extern "C" fn transform(
    dest: *mut GstBuffer,
    meta: *mut GstMeta,
    _buffer: *mut GstBuffer,
    kind: glib::ffi::GQuark,
    data: glib::ffi::gpointer,
) -> glib::ffi::gboolean {
    // SAFETY: GStreamer passes a meta of ours, a writable destination, and data of the type that the quark names.
    unsafe {
        let raw = &*meta.cast::<RawMaskMeta>();
        let Some(frame_size) = frame_size_after(raw, kind, data) else {
            return glib::ffi::GFALSE;
        };
        Arc::increment_strong_count(raw.private_data);
        let table = Arc::from_raw(raw.private_data);
        let header = (*meta.cast::<MaskMeta>()).header();
        let (frame_width, frame_height) = frame_size;
        add_shared(BufferRef::from_mut_ptr(dest), Header { frame_width, frame_height, ..header }, table);
    }
    glib::ffi::GTRUE
}

/// The frame size after a transform that keeps every part of the picture in its place, relative to the whole.
///
/// # Safety
/// `data` must be what GStreamer passes for `kind`.
unsafe fn frame_size_after(
    raw: &RawMaskMeta,
    kind: glib::ffi::GQuark,
    data: glib::ffi::gpointer,
) -> Option<(u32, u32)> {
    // SAFETY: the quarks name the structures that `data` leads to.
    unsafe {
        if kind == MetaTransformCopy::quark().into_glib() {
            let copy = data.cast::<gst::ffi::GstMetaTransformCopy>().as_ref();
            // A part of a buffer is not the frame.
            let is_whole = copy.is_none_or(|copy| copy.region == glib::ffi::GFALSE);
            return is_whole.then_some((raw.frame_width, raw.frame_height));
        }
        if kind == gst_video::ffi::gst_video_meta_transform_scale_get_quark() {
            let scale = data.cast::<gst_video::ffi::GstVideoMetaTransform>().as_ref()?;
            let out = scale.out_info.as_ref()?;
            return Some((out.width.max(0) as u32, out.height.max(0) as u32));
        }
    }
    None
}
