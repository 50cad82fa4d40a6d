//! The background of `mode=replace`: frames from the pad `background`, or a picture from a file.

mod fitting;
mod line;
mod picture;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use gst::prelude::*;
use gst_video::VideoInfo;

use crate::flow::running_time;
use crate::lock::locked;
pub(super) use fitting::{Fit, Fitting};
use line::{Line, Looked};
pub(super) use line::{MAX_WAIT, Picture, Shown};
pub(super) use picture::NoPicture;

/// Name of the pad.
pub(super) const BACKGROUND: &str = "background";

/// Where backgrounds come from.
#[derive(Debug, Default)]
pub(super) struct Background {
    line: Line,
    pad: Mutex<Option<gst::Pad>>,
    /// That of `background-location`.
    picture: Mutex<Option<Shown>>,
}

impl Background {
    /// Keeps the pad that `build` makes, unless there is one.
    pub(super) fn add_pad(&self, build: impl FnOnce() -> gst::Pad) -> Option<gst::Pad> {
        let mut slot = locked(&self.pad);
        match &*slot {
            Some(_) => None,
            None => {
                self.line.clear();
                Some(slot.insert(build()).clone())
            }
        }
    }

    /// Forgets `pad`, if it is this one.
    pub(super) fn remove_pad(&self, pad: &gst::Pad) {
        if locked(&self.pad).take_if(|held| held == pad).is_some() {
            self.line.flush(true);
        }
    }

    /// A frame of the pad's stream.
    pub(super) fn chain(&self, pad: &gst::Pad, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let info = pad.current_caps().and_then(|caps| VideoInfo::from_caps(&caps).ok());
        let info = info.ok_or(gst::FlowError::NotNegotiated)?;
        let (from, duration) = (running_time(pad, buffer.pts()), buffer.duration());
        self.line.put(numbered(buffer, info), from, duration)?;
        Ok(gst::FlowSuccess::Ok)
    }

    /// An event of the pad's stream; none goes further downstream.
    pub(super) fn take_event(&self, pad: &gst::Pad, event: &gst::Event) -> bool {
        match event.view() {
            gst::EventView::Caps(caps) => return VideoInfo::from_caps(caps.caps()).is_ok(),
            gst::EventView::FlushStart(_) => self.line.flush(true),
            gst::EventView::FlushStop(_) => self.line.flush(false),
            gst::EventView::Eos(_) => self.line.end(),
            gst::EventView::Gap(gap) => {
                let (start, duration) = gap.get();
                let end = start + duration.unwrap_or(gst::ClockTime::ZERO);
                self.line.skip_to(running_time(pad, Some(end)));
            }
            _ => {}
        }
        true
    }

    /// The pad begins or stops to take frames.
    pub(super) fn activate(&self, is_active: bool) -> Result<(), gst::LoggableError> {
        self.line.flush(!is_active);
        Ok(())
    }

    /// What the picture's thread does from now on.
    pub(super) fn let_picture(&self, picture: Picture) {
        self.line.let_picture(picture);
    }

    /// The pad's frame at the running time `now`, or the file's picture where there is no pad or nothing came from it yet.
    pub(super) fn at(&self, now: Option<gst::ClockTime>, may_wait: bool) -> Looked {
        let is_there = locked(&self.pad).is_some();
        let mut looked = if is_there { self.line.at(now, may_wait) } else { Looked::default() };
        looked.shown = looked.shown.or_else(|| locked(&self.picture).clone());
        looked
    }

    /// Loads the picture at `location`; empty: none. Fails with the one before still there.
    pub(super) fn load_picture(&self, location: &str) -> Result<(), NoPicture> {
        let picture = match location {
            "" => None,
            location => Some(picture::load(location)?),
        };
        *locked(&self.picture) = picture.map(|(buffer, info)| numbered(buffer, info));
        Ok(())
    }

    /// Forgets frames of the pad.
    pub(super) fn clear(&self) {
        self.line.clear();
    }
}

/// Each background has a number of its own.
fn numbered(buffer: gst::Buffer, info: VideoInfo) -> Shown {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Shown { buffer, info, serial: NEXT.fetch_add(1, Ordering::Relaxed) }
}
