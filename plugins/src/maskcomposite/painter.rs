//! What happens to one buffer: look at its masks, decide, draw. Knows no pads.

use std::fmt;
use std::time::{Duration, Instant};

use gst_video::VideoInfo;
use sa3::composite::{Compositor, Mode, Style};
use sa3::{Objects, Result};

use super::mapping::{draw_on, gain_alpha};
use super::negotiation::gains_alpha;
use crate::meta::MaskMeta;

/// The caps on both sides.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) in_caps: gst::Caps,
    pub(super) in_info: VideoInfo,
    /// `None` until downstream was asked.
    pub(super) out_info: Option<VideoInfo>,
}

/// Something the user should hear of, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// The masks were made for a frame of another size.
    Mismatch { masks: (u32, u32), frame: (u32, u32) },
    /// Cutout removes everything, as nobody looked at the frame.
    NoMasks,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch { masks, frame } => write!(
                f,
                "The masks were made for frames of {}x{}, but the frames are {}x{}, so none are drawn; put maskcomposite \
                 directly behind sa3segment",
                masks.0, masks.1, frame.0, frame.1
            ),
            Self::NoMasks => f.write_str(
                "mode=cutout removes the whole picture, as the frames carry no masks; put sa3segment with a prompt before \
                 maskcomposite",
            ),
        }
    }
}

/// A buffer and what was done to it.
#[derive(Debug)]
pub(super) struct Painted {
    pub(super) buffer: gst::Buffer,
    /// Time that drawing took; `None` when the buffer passed as it was.
    pub(super) taken: Option<Duration>,
    /// Objects it came with; `None` without masks.
    pub(super) objects: Option<u32>,
    pub(super) is_mismatched: bool,
    pub(super) notice: Option<Notice>,
}

/// Draws on the buffers of one stream.
#[derive(Debug, Default)]
pub(super) struct Painter {
    pub(super) stream: Option<Stream>,
    compositor: Compositor,
    has_told_mismatch: bool,
    has_told_no_masks: bool,
}

impl Painter {
    /// Draws what `buffer` carries. `None` before caps are agreed on.
    ///
    /// # Errors
    /// [`sa3::Error::Frame`] when the buffer's memory cannot be drawn on.
    pub(super) fn paint(&mut self, buffer: gst::Buffer, style: &Style) -> Option<Result<Painted>> {
        let stream = self.stream.as_ref()?;
        let (in_info, out_info) = (stream.in_info.clone(), stream.out_info.clone()?);
        let attached = MaskMeta::read(&buffer).map(|attached| attached.objects);
        let count = attached.as_ref().map(|objects| objects.items.len() as u32);
        let mismatch = attached.as_ref().and_then(|objects| mismatch(objects, &in_info));
        let notice = self.notice(mismatch, attached.is_none() && style.mode == Mode::Cutout);
        let objects = attached.filter(|_| mismatch.is_none()).unwrap_or_default();
        let drawn = self.draw(buffer, &objects, style, (&in_info, &out_info));
        Some(drawn.map(|(buffer, taken)| Painted {
            buffer,
            taken,
            objects: count,
            is_mismatched: mismatch.is_some(),
            notice,
        }))
    }

    fn draw(
        &mut self,
        mut buffer: gst::Buffer,
        objects: &Objects,
        style: &Style,
        (in_info, out_info): (&VideoInfo, &VideoInfo),
    ) -> Result<(gst::Buffer, Option<Duration>)> {
        let gains_alpha = gains_alpha(in_info, out_info);
        if !gains_alpha && style.leaves_untouched(objects) {
            return Ok((buffer, None));
        }
        let start = Instant::now();
        if gains_alpha {
            // The old buffer goes first, so that its memory need not be copied.
            buffer = gain_alpha(&buffer, in_info, out_info)?;
        }
        let compositor = &mut self.compositor;
        draw_on(buffer.make_mut(), out_info, |frame| {
            if gains_alpha {
                compositor.make_opaque(frame);
            }
            compositor.composite(frame, objects, style);
        })?;
        Ok((buffer, Some(start.elapsed())))
    }

    fn notice(&mut self, mismatch: Option<Notice>, lacks_masks: bool) -> Option<Notice> {
        if mismatch.is_some() && !std::mem::replace(&mut self.has_told_mismatch, true) {
            return mismatch;
        }
        (lacks_masks && !std::mem::replace(&mut self.has_told_no_masks, true)).then_some(Notice::NoMasks)
    }
}

fn mismatch(objects: &Objects, info: &VideoInfo) -> Option<Notice> {
    let masks = (objects.frame_width, objects.frame_height);
    let frame = (info.width(), info.height());
    (masks != frame).then_some(Notice::Mismatch { masks, frame })
}
