//! What leaves beside the pad `src`: the fill again at `fill_src`, and its key at `key_src`, for keyers that take two
//! streams. Both carry the timestamps of the frame.

use std::sync::{Mutex, MutexGuard};

use gst::prelude::*;
use gst_base::UniqueFlowCombiner;
use gst_video::{VideoColorRange, VideoColorimetry, VideoFormat, VideoInfo};

use super::KeyRange;
use super::mapping::draw_on;
use crate::lock::locked;
use sa3::composite::FrameMut;

pub(super) const FILL: &str = "fill_src";
pub(super) const KEY: &str = "key_src";

/// The pads that are there, and what downstream of all of them said last.
#[derive(Debug)]
pub(super) struct Outputs {
    src: gst::Pad,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    fill: Option<gst::Pad>,
    key: Option<gst::Pad>,
    combiner: UniqueFlowCombiner,
}

impl Outputs {
    /// Those beside `src`; none yet.
    pub(super) fn new(src: gst::Pad) -> Self {
        let mut inner = Inner::default();
        inner.combiner.add_pad(&src);
        Self { src, inner: Mutex::new(inner) }
    }

    /// A pad of the template's name, unless there is one.
    pub(super) fn add(&self, template: &gst::PadTemplate) -> Option<gst::Pad> {
        let name = template.name_template();
        let Inner { fill, key, combiner } = &mut *self.locked();
        let slot = if name == KEY { key } else { fill };
        if slot.is_some() {
            return None;
        }
        let pad = slot.insert(gst::Pad::builder_from_template(template).name(name).build());
        combiner.add_pad(pad);
        Some(pad.clone())
    }

    /// Forgets `pad`.
    pub(super) fn remove(&self, pad: &gst::Pad) {
        let Inner { fill, key, combiner } = &mut *self.locked();
        if [fill, key].into_iter().any(|slot| slot.take_if(|held| held == pad).is_some()) {
            combiner.remove_pad(pad);
        }
    }

    pub(super) fn fill(&self) -> Option<gst::Pad> {
        self.locked().fill.clone()
    }

    pub(super) fn key(&self) -> Option<gst::Pad> {
        self.locked().key.clone()
    }

    /// A stream begins: what downstream said before does not count.
    pub(super) fn reset(&self) {
        self.locked().combiner.reset();
    }

    /// Sends a frame to `src` and to all pads here. One of them has to be linked, none may fail.
    pub(super) fn push(
        &self,
        buffer: gst::Buffer,
        key_buffer: Option<gst::Buffer>,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let (fill, key) = (self.fill(), self.key());
        if fill.is_none() && key.is_none() {
            return self.src.push(buffer);
        }
        let key = key.zip(key_buffer);
        let mut combined = Ok(gst::FlowSuccess::Ok);
        if let Some(fill) = fill {
            combined = self.combine(&fill, fill.push(buffer.clone()));
        }
        if let Some((key, buffer)) = key {
            combined = self.combine(&key, key.push(buffer)).and(combined);
        }
        self.combine(&self.src, self.src.push(buffer)).and(combined)
    }

    fn combine(
        &self,
        pad: &gst::Pad,
        flow: Result<gst::FlowSuccess, gst::FlowError>,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        self.locked().combiner.update_pad_flow(pad, flow)
    }

    fn locked(&self) -> MutexGuard<'_, Inner> {
        locked(&self.inner)
    }
}

/// The key's layout for frames of `frame_info`.
pub(super) fn key_info(frame_info: &VideoInfo, range: KeyRange) -> Option<VideoInfo> {
    let colorimetry = frame_info.colorimetry();
    let range = match range {
        KeyRange::Full => VideoColorRange::Range0_255,
        KeyRange::Limited => VideoColorRange::Range16_235,
    };
    let colorimetry =
        VideoColorimetry::new(range, colorimetry.matrix(), colorimetry.transfer(), colorimetry.primaries());
    VideoInfo::builder(VideoFormat::Gray8, frame_info.width(), frame_info.height())
        .fps(frame_info.fps())
        .par(frame_info.par())
        .colorimetry(&colorimetry)
        .build()
        .ok()
}

/// Paints keys into buffers that are used again.
#[derive(Debug, Default)]
pub(super) struct KeyMaker {
    pool: Option<(gst::BufferPool, VideoInfo)>,
}

impl KeyMaker {
    /// The key of `frame` as `paint` makes it.
    ///
    /// # Errors
    /// [`sa3::Error::Frame`] when there is no memory for it.
    pub(super) fn make(
        &mut self,
        frame: &gst::BufferRef,
        info: &VideoInfo,
        paint: impl FnOnce(&mut FrameMut<'_>),
    ) -> sa3::Result<gst::Buffer> {
        let failed = |cause: &dyn std::fmt::Display| sa3::Error::Frame(format!("its key has no memory: {cause}"));
        if self.pool.as_ref().is_none_or(|(_, known)| known != info) {
            self.stop();
            self.pool = Some((started_pool(info).map_err(|cause| failed(&cause))?, info.clone()));
        }
        let Some((pool, _)) = &self.pool else { return Err(failed(&"no pool")) };
        let mut key = pool.acquire_buffer(None).map_err(|cause| failed(&cause))?;
        let writable = key.make_mut();
        frame
            .copy_into(writable, gst::BufferCopyFlags::TIMESTAMPS | gst::BufferCopyFlags::FLAGS, ..)
            .map_err(|cause| failed(&cause))?;
        draw_on(writable, info, paint)?;
        Ok(key)
    }

    fn stop(&mut self) {
        if let Some((pool, _)) = self.pool.take() {
            // Buffers on their way come back to a pool that is not active and are freed.
            let _ = pool.set_active(false);
        }
    }
}

impl Drop for KeyMaker {
    fn drop(&mut self) {
        self.stop();
    }
}

fn started_pool(info: &VideoInfo) -> Result<gst::BufferPool, glib::BoolError> {
    let pool = gst_video::VideoBufferPool::new();
    let mut config = pool.config();
    config.set_params(Some(&info.to_caps()?), info.size() as u32, 0, 0);
    pool.set_config(config)?;
    pool.set_active(true)?;
    Ok(pool.upcast())
}
