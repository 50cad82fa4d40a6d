//! What happens to one buffer: look at its masks, decide, draw. Knows no pads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gst_video::VideoInfo;
use sa3::composite::{Compositor, Mode, Region, Style};
use sa3::{Objects, Result};

use super::background::{Fit, Fitting, Shown};
use super::mapping::{draw_on, gain_alpha};
use super::masks::{Came, MaskKeeper, MaskRules, Unusable, Verdict};
use super::negotiation::gains_alpha;
use super::outputs::KeyMaker;
use crate::meta::MaskMeta;

/// The caps on both sides.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) in_caps: gst::Caps,
    pub(super) in_info: VideoInfo,
    /// `None` until downstream was asked.
    pub(super) out_info: Option<VideoInfo>,
}

/// What the user wants of one frame.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) style: Arc<Style>,
    pub(super) rules: MaskRules,
    pub(super) background: Option<Shown>,
    pub(super) fit: Fit,
    /// The key's layout, where somebody takes it.
    pub(super) key_info: Option<VideoInfo>,
}

/// A buffer and what was done to it.
#[derive(Debug)]
pub(super) struct Painted {
    pub(super) buffer: gst::Buffer,
    pub(super) key: Option<gst::Buffer>,
    /// Time that drawing took; `None` when the buffer passed as it was.
    pub(super) taken: Option<Duration>,
    /// Objects it came with; `None` without masks.
    pub(super) objects: Option<u32>,
    /// Why its own masks did not count.
    pub(super) flaw: Option<Unusable>,
    pub(super) is_hidden: bool,
    /// The user should hear of the flaw.
    pub(super) is_news: bool,
}

/// Draws on the buffers of one stream.
#[derive(Debug, Default)]
pub(super) struct Painter {
    pub(super) stream: Option<Stream>,
    compositor: Compositor,
    keeper: MaskKeeper,
    fitting: Fitting,
    key_maker: KeyMaker,
    /// The user knows of: no masks, old ones, mismatched ones.
    has_told: [bool; 3],
}

impl Painter {
    /// Draws what `buffer` carries. `None` before caps are agreed on.
    ///
    /// # Errors
    /// [`sa3::Error::Frame`] when the buffer's memory cannot be drawn on, or the background cannot be read.
    pub(super) fn paint(&mut self, buffer: gst::Buffer, wish: &Wish) -> Option<Result<Painted>> {
        let stream = self.stream.as_ref()?;
        let (in_info, out_info) = (stream.in_info.clone(), stream.out_info.clone()?);
        let attached = MaskMeta::read(&buffer);
        let count = attached.as_ref().map(|attached| attached.objects.items.len() as u32);
        let came = Came { attached, size: (in_info.width(), in_info.height()), pts: buffer.pts() };
        let (verdict, flaw) = self.keeper.judge(came, wish.rules);
        let is_news = flaw.is_some_and(|flaw| self.is_news(flaw, wish.style.mode));
        let drawn = self.draw(buffer, &verdict, wish, (&in_info, &out_info)).and_then(|(buffer, taken)| {
            let key = wish.key_info.as_ref().map(|info| self.key(&buffer, &verdict, wish, info)).transpose()?;
            Ok((buffer, key, taken))
        });
        Some(drawn.map(|(buffer, key, taken)| Painted {
            buffer,
            key,
            taken,
            objects: count,
            flaw,
            is_hidden: matches!(verdict, Verdict::Hide),
            is_news,
        }))
    }

    fn draw(
        &mut self,
        mut buffer: gst::Buffer,
        verdict: &Verdict,
        wish: &Wish,
        (in_info, out_info): (&VideoInfo, &VideoInfo),
    ) -> Result<(gst::Buffer, Option<Duration>)> {
        let (style, gains_alpha) = (&*wish.style, gains_alpha(in_info, out_info));
        let is_untouched = match verdict {
            Verdict::Show(objects) => self.compositor.leaves_untouched(objects, style),
            Verdict::Pass => true,
            Verdict::Hide => false,
        };
        if !gains_alpha && is_untouched {
            self.compositor.pass_over(style);
            return Ok((buffer, None));
        }
        let start = Instant::now();
        if gains_alpha {
            // The old buffer goes first, so that its memory need not be copied.
            buffer = gain_alpha(&buffer, in_info, out_info)?;
        }
        let backdrop = match &wish.background {
            Some(shown) if style.mode == Mode::Replace => Some(self.fitting.fit(shown, out_info, &wish.fit)?),
            _ => None,
        };
        let compositor = &mut self.compositor;
        draw_on(buffer.make_mut(), out_info, |frame| {
            if gains_alpha && !frame.has_alpha_plane() {
                compositor.make_opaque(frame);
            }
            match verdict {
                Verdict::Show(objects) => compositor.composite_over(frame, objects, style, backdrop),
                Verdict::Hide => {
                    compositor.hide(frame, style.mode == Mode::Cutout);
                    compositor.pass_over(style);
                }
                Verdict::Pass => compositor.pass_over(style),
            }
        })?;
        Ok((buffer, Some(start.elapsed())))
    }

    /// White where the frame is seen, black where it is not; made after the frame itself.
    fn key(&mut self, frame: &gst::BufferRef, verdict: &Verdict, wish: &Wish, info: &VideoInfo) -> Result<gst::Buffer> {
        let Self { compositor, key_maker, .. } = self;
        key_maker.make(frame, info, |key| match verdict {
            Verdict::Show(objects) => compositor.paint_key(key, objects, &wish.style),
            Verdict::Hide => compositor.hide(key, false),
            Verdict::Pass => {
                let nowhere = Style { region: Region::Inside, ..Style::default() };
                compositor.paint_key(key, &Objects::default(), &nowhere);
            }
        })
    }

    /// Each flaw is told once. Modes that draw on the picture have nothing to tell of frames without masks.
    fn is_news(&mut self, flaw: Unusable, mode: Mode) -> bool {
        let draws_on_picture = matches!(mode, Mode::Overlay | Mode::Outline | Mode::Glow);
        let told = match flaw {
            Unusable::Missing if draws_on_picture => return false,
            Unusable::Missing => &mut self.has_told[0],
            Unusable::Old { .. } | Unusable::Late { .. } => &mut self.has_told[1],
            Unusable::Mismatched { .. } => &mut self.has_told[2],
        };
        !std::mem::replace(told, true)
    }
}
