//! libgstanalytics, looked up at run time: GStreamer 1.22, which the plugin is built against, has none. All unsafe code of it.
//!
//! Signatures are those of `gst/analytics/*.h`; they are the same in 1.24, 1.26 and 1.28.

use std::marker::PhantomData;
use std::os::raw::{c_int, c_uint};
use std::ptr::{self, NonNull};
use std::sync::OnceLock;

use glib::ffi::{GQuark, gboolean};
use glib::translate::{FromGlib, IntoGlib, IntoGlibPtr};
use gst::BufferRef;
use gst::ffi::{GstBuffer, GstClockTime};
use libloading::os::unix::{Library, Symbol};

const LIBRARY: &str = "libgstanalytics-1.0.so.0";
const FIRST_VERSION: (u32, u32) = (1, 24);

/// GstSegmentationType: each object has a region of its own.
const SEGMENTATION_TYPE_INSTANCE: c_int = 1;

/// GstAnalyticsRelationMeta, which the library alone looks into.
#[repr(C)]
struct RelationMeta {
    _private: [u8; 0],
}

/// GstAnalyticsMtd.
#[repr(C)]
struct Mtd {
    id: c_uint,
    meta: *mut RelationMeta,
}

/// GstAnalyticsRelationMetaInitParams.
#[repr(C)]
struct InitParams {
    initial_relation_order: usize,
    initial_buf_size: usize,
}

/// GstAnalyticsRelTypes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Relation {
    /// One belongs to the other.
    RelateTo = 1 << 3,
    /// So do their parts, the first to the first and so on. Both bits: before 1.26 there was only the first.
    PartByPart = 1 << 3 | 1 << 4,
}

type AddRelationMeta = unsafe extern "C" fn(*mut GstBuffer, *mut InitParams) -> *mut RelationMeta;
type GetRelationMeta = unsafe extern "C" fn(*mut GstBuffer) -> *mut RelationMeta;
type GetLength = unsafe extern "C" fn(*const RelationMeta) -> usize;
type SetRelation = unsafe extern "C" fn(*mut RelationMeta, c_int, c_uint, c_uint) -> gboolean;
type AddDetection =
    unsafe extern "C" fn(*mut RelationMeta, GQuark, c_int, c_int, c_int, c_int, f32, *mut Mtd) -> gboolean;
type GetDetection = unsafe extern "C" fn(*mut RelationMeta, c_uint, *mut Mtd) -> gboolean;
type GetDetectedType = unsafe extern "C" fn(*const Mtd) -> GQuark;
type AddTrack = unsafe extern "C" fn(*mut RelationMeta, u64, GstClockTime, *mut Mtd) -> gboolean;
type SetLastSeen = unsafe extern "C" fn(*mut Mtd, GstClockTime) -> gboolean;
type AddClasses = unsafe extern "C" fn(*mut RelationMeta, usize, *mut f32, *mut GQuark, *mut Mtd) -> gboolean;
type AddSegmentation = unsafe extern "C" fn(
    *mut RelationMeta,
    *mut GstBuffer,
    c_int,
    usize,
    *mut c_uint,
    c_int,
    c_int,
    c_uint,
    c_uint,
    *mut Mtd,
) -> gboolean;

/// The functions of the library that is loaded.
pub(super) struct Analytics {
    add_relation_meta: AddRelationMeta,
    get_relation_meta: GetRelationMeta,
    get_length: GetLength,
    set_relation: SetRelation,
    add_detection: AddDetection,
    get_detection: GetDetection,
    get_detected_type: GetDetectedType,
    add_track: AddTrack,
    set_last_seen: SetLastSeen,
    add_classes: AddClasses,
    /// From 1.26 on.
    add_segmentation: Option<AddSegmentation>,
}

/// The library; looked up once. `Err` says why there is none.
pub(super) fn analytics() -> Result<&'static Analytics, &'static str> {
    static FOUND: OnceLock<Result<Analytics, String>> = OnceLock::new();
    FOUND.get_or_init(load).as_ref().map_err(String::as_str)
}

fn load() -> Result<Analytics, String> {
    let (major, minor, ..) = gst::version();
    if (major, minor) < FIRST_VERSION {
        return Err(format!("GStreamer {major}.{minor} has none, 1.24 and newer have"));
    }
    // SAFETY: the library is GStreamer's own, of the version that is loaded; loading it runs no code but that of
    // GLib's types and has no precondition.
    let library = unsafe { Library::new(LIBRARY) }.map_err(|cause| format!("{LIBRARY} cannot be loaded: {cause}"))?;
    let found = Analytics::of(&library).map_err(|cause| format!("{LIBRARY} lacks a function: {cause}"));
    // The meta's type points into it for the rest of the process.
    std::mem::forget(library);
    found
}

impl Analytics {
    fn of(library: &Library) -> Result<Self, libloading::Error> {
        // SAFETY: each type above is the signature that the headers give to the function of this name, and the caller
        // never closes the library.
        unsafe {
            Ok(Self {
                add_relation_meta: *library.get(b"gst_buffer_add_analytics_relation_meta_full\0")?,
                get_relation_meta: *library.get(b"gst_buffer_get_analytics_relation_meta\0")?,
                get_length: *library.get(b"gst_analytics_relation_get_length\0")?,
                set_relation: *library.get(b"gst_analytics_relation_meta_set_relation\0")?,
                add_detection: *library.get(b"gst_analytics_relation_meta_add_od_mtd\0")?,
                get_detection: *library.get(b"gst_analytics_relation_meta_get_od_mtd\0")?,
                get_detected_type: *library.get(b"gst_analytics_od_mtd_get_obj_type\0")?,
                add_track: *library.get(b"gst_analytics_relation_meta_add_tracking_mtd\0")?,
                set_last_seen: *library.get(b"gst_analytics_tracking_mtd_update_last_seen\0")?,
                add_classes: *library.get(b"gst_analytics_relation_meta_add_cls_mtd\0")?,
                add_segmentation: library
                    .get(b"gst_analytics_relation_meta_add_segmentation_mtd\0")
                    .ok()
                    .map(|symbol: Symbol<AddSegmentation>| *symbol),
            })
        }
    }

    /// True from 1.26 on.
    pub(super) fn knows_segmentation(&self) -> bool {
        self.add_segmentation.is_some()
    }

    /// The relation meta on `buffer`.
    pub(super) fn find<'a>(&'static self, buffer: &'a mut BufferRef) -> Option<Relations<'a>> {
        // SAFETY: the pointer is that of a buffer which is borrowed for as long as the result lives.
        let meta = unsafe { (self.get_relation_meta)(buffer.as_mut_ptr()) };
        Some(Relations { analytics: self, meta: NonNull::new(meta)?, _buffer: PhantomData })
    }

    /// The relation meta on `buffer`, made with room for `parts` of `bytes` in all where there is none.
    pub(super) fn find_or_add<'a>(
        &'static self,
        buffer: &'a mut BufferRef,
        parts: usize,
        bytes: usize,
    ) -> Option<Relations<'a>> {
        // It grows in steps of its first size, which therefore is not 0.
        let mut room = InitParams { initial_relation_order: parts.max(1), initial_buf_size: bytes.max(1) };
        // SAFETY: as in `find`, and a mutable reference to a buffer exists only where it is writable; the parameters
        // are read during the call alone.
        let meta = unsafe { (self.add_relation_meta)(buffer.as_mut_ptr(), &mut room) };
        Some(Relations { analytics: self, meta: NonNull::new(meta)?, _buffer: PhantomData })
    }

    /// Takes the relation meta off `buffer`.
    pub(super) fn remove(&'static self, buffer: &mut BufferRef) {
        // SAFETY: the meta is found on this very buffer, which is writable, and begins with a GstMeta.
        unsafe {
            let meta = (self.get_relation_meta)(buffer.as_mut_ptr());
            if !meta.is_null() {
                gst::ffi::gst_buffer_remove_meta(buffer.as_mut_ptr(), meta.cast());
            }
        }
    }
}

/// The relation meta of a buffer. Its parts are known by their positions, from 0.
pub(super) struct Relations<'a> {
    analytics: &'static Analytics,
    meta: NonNull<RelationMeta>,
    _buffer: PhantomData<&'a mut BufferRef>,
}

/// A rectangle in pixels: left, top, width, height.
pub(super) type Rectangle = (u32, u32, u32, u32);

impl Relations<'_> {
    fn part(&mut self, add: impl FnOnce(&Analytics, *mut RelationMeta, *mut Mtd) -> gboolean) -> Option<Part> {
        let mut mtd = Mtd { id: 0, meta: ptr::null_mut() };
        let is_added = add(self.analytics, self.meta.as_ptr(), &mut mtd);
        (is_added != glib::ffi::GFALSE).then_some(Part(mtd.id))
    }

    /// How many parts there are.
    pub(super) fn length(&self) -> usize {
        // SAFETY: the meta lives as long as the buffer, which is borrowed.
        unsafe { (self.analytics.get_length)(self.meta.as_ptr()) }
    }

    /// What was detected at position `index`; `None` when that is no detection.
    pub(super) fn detected(&self, index: usize) -> Option<glib::Quark> {
        let id = c_uint::try_from(index).ok().filter(|_| index < self.length())?;
        let mut mtd = Mtd { id: 0, meta: ptr::null_mut() };
        // SAFETY: the meta lives, `id` is below its length, and `mtd` is written before it is read.
        unsafe {
            if (self.analytics.get_detection)(self.meta.as_ptr(), id, &mut mtd) == glib::ffi::GFALSE {
                return None;
            }
            Some((self.analytics.get_detected_type)(&mtd))
                .filter(|quark| *quark != 0)
                .map(|quark| FromGlib::from_glib(quark))
        }
    }

    /// Adds a detection.
    pub(super) fn add_detection(&mut self, label: glib::Quark, rectangle: Rectangle, score: f32) -> Option<Part> {
        let (x, y, width, height) = rectangle;
        let [x, y, width, height] = [x, y, width, height].map(|number| c_int::try_from(number).unwrap_or(c_int::MAX));
        // SAFETY: the meta lives and belongs to a writable buffer; `mtd` is a place for the answer.
        self.part(|analytics, meta, mtd| unsafe {
            (analytics.add_detection)(meta, label.into_glib(), x, y, width, height, score, mtd)
        })
    }

    /// Adds a track, with the times that it was first and last seen at.
    pub(super) fn add_track(
        &mut self,
        id: u64,
        first_seen: Option<gst::ClockTime>,
        last_seen: Option<gst::ClockTime>,
    ) -> Option<Part> {
        // SAFETY: as above; the second call gets the part that the first has just made.
        self.part(|analytics, meta, mtd| unsafe {
            let is_added = (analytics.add_track)(meta, id, first_seen.into_glib(), mtd);
            if is_added != glib::ffi::GFALSE && last_seen.is_some() {
                (analytics.set_last_seen)(mtd, last_seen.into_glib());
            }
            is_added
        })
    }

    /// Adds a picture of regions, which lies over the whole frame; `None` also where the library is older than 1.26.
    ///
    /// `picture` has a video meta, and `regions` the values that stand in it.
    pub(super) fn add_regions(&mut self, picture: gst::Buffer, regions: &[u32], frame: (u32, u32)) -> Option<Part> {
        let add = self.analytics.add_segmentation?;
        let mut regions = regions.to_vec();
        // SAFETY: as above; `regions` is read during the call alone. The picture becomes the meta's where the part is
        // added, and is given back here where it is not, so that it is never lost or freed twice.
        self.part(|_, meta, mtd| unsafe {
            let picture = picture.into_glib_ptr();
            let ids = regions.as_mut_ptr();
            let is_added =
                add(meta, picture, SEGMENTATION_TYPE_INSTANCE, regions.len(), ids, 0, 0, frame.0, frame.1, mtd);
            if is_added == glib::ffi::GFALSE {
                gst::ffi::gst_mini_object_unref(picture.cast());
            }
            is_added
        })
    }

    /// Adds a list of labels with their scores.
    pub(super) fn add_classes(&mut self, classes: &[(glib::Quark, f32)]) -> Option<Part> {
        let (mut quarks, mut scores): (Vec<GQuark>, Vec<f32>) =
            classes.iter().map(|(label, score)| (label.into_glib(), *score)).unzip();
        // SAFETY: as above; both lists have the length that is told and are read during the call alone.
        self.part(|analytics, meta, mtd| unsafe {
            (analytics.add_classes)(meta, scores.len(), scores.as_mut_ptr(), quarks.as_mut_ptr(), mtd)
        })
    }

    /// Says how two parts belong together.
    pub(super) fn relate(&mut self, from: Part, relation: Relation, to: Part) {
        // SAFETY: the meta lives and belongs to a writable buffer; the library refuses ids that it does not know.
        unsafe { (self.analytics.set_relation)(self.meta.as_ptr(), relation as c_int, from.0, to.0) };
    }
}

/// A part of a relation meta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part(c_uint);
