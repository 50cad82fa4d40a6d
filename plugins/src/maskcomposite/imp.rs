//! Translation between GStreamer and the element's parts; no logic of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::{VideoCropMeta, VideoInfo, VideoInterlaceMode, VideoMeta};
use sa3::composite::Style;

use super::masks::{MaskRules, Unusable};
use super::negotiation::{candidates, gains_alpha, sink_caps, src_caps, template_caps};
use super::painter::{Painter, Stream};
use super::presets;
use super::settings::Settings;
use super::specs::specs;
use super::stats::Stats;
use crate::error::post_error;
use crate::flow::stream_time;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("maskcomposite", gst::DebugColorFlags::empty(), Some("Masks drawn on video"))
});

pub struct MaskComposite {
    sink_pad: gst::Pad,
    src_pad: gst::Pad,
    /// Before `settings` and `stats` where several are taken; none is held while anything is pushed or posted.
    painter: Mutex<Painter>,
    settings: Mutex<Settings>,
    stats: Mutex<Stats>,
    has_refused_caps: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MaskComposite {
    fn chain(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        if self.src_pad.check_reconfigure() {
            self.negotiate()?;
        }
        let (style, rules) = self.settings_at(buffer.pts());
        let buffer = self.paint(buffer, &style, rules)?;
        self.src_pad.push(buffer)
    }

    fn paint(&self, buffer: gst::Buffer, style: &Style, rules: MaskRules) -> Result<gst::Buffer, gst::FlowError> {
        locked(&self.stats).frames_in += 1;
        let painted = locked(&self.painter).paint(buffer, style, rules).ok_or(gst::FlowError::NotNegotiated)?;
        let painted = painted.map_err(|error| {
            post_error(&*self.obj(), &error);
            gst::FlowError::Error
        })?;
        gst::log!(CAT, imp = self, "{:?} objects, drawn in {:?}", painted.objects, painted.taken);
        let mut stats = locked(&self.stats);
        stats.objects = painted.objects.unwrap_or(stats.objects);
        stats.mismatched += u64::from(matches!(painted.flaw, Some(Unusable::Mismatched { .. })));
        stats.without_masks += u64::from(painted.flaw.is_some());
        stats.hidden += u64::from(painted.is_hidden);
        match painted.taken {
            Some(taken) => stats.note_drawing(taken),
            None => stats.passed += 1,
        }
        drop(stats);
        match painted.flaw.filter(|_| painted.is_news) {
            Some(flaw @ Unusable::Mismatched { .. }) => {
                gst::element_imp_warning!(self, gst::StreamError::Format, ("{flaw}"));
            }
            Some(flaw) => gst::element_imp_warning!(self, gst::LibraryError::Settings, ("{flaw}")),
            None => {}
        }
        Ok(painted.buffer)
    }

    /// The properties as they are for the frame at `pts`, bound controls included.
    fn settings_at(&self, pts: Option<gst::ClockTime>) -> (Arc<Style>, MaskRules) {
        if self.obj().has_active_control_bindings()
            && let Some(time) = stream_time(&self.src_pad, pts)
            && let Err(cause) = self.obj().sync_values(time)
        {
            gst::log!(CAT, imp = self, "no controlled values at {time}: {cause}");
        }
        let settings = locked(&self.settings);
        (settings.style.clone(), settings.mask_rules)
    }

    /// Agrees with downstream on the caps for what comes in, and tells downstream when they are new.
    fn negotiate(&self) -> Result<(), gst::FlowError> {
        let mode = locked(&self.settings).style.mode;
        let Some(Stream { in_caps, in_info, .. }) = locked(&self.painter).stream.clone() else {
            return Ok(());
        };
        let candidates = candidates(&in_caps, in_info.format(), mode);
        let offer: gst::Caps = candidates.iter().flat_map(|caps| caps.iter().map(ToOwned::to_owned)).collect();
        let taken = self.src_pad.peer_query_caps(Some(&offer));
        let chosen = candidates.into_iter().find(|caps| caps.can_intersect(&taken));
        let Some((out_caps, out_info)) =
            chosen.and_then(|caps| Some((caps.clone(), VideoInfo::from_caps(&caps).ok()?)))
        else {
            self.src_pad.mark_reconfigure();
            let is_flushing = self.src_pad.pad_flags().contains(gst::PadFlags::FLUSHING);
            return Err(if is_flushing { gst::FlowError::Flushing } else { gst::FlowError::NotNegotiated });
        };
        if let Some(stream) = &mut locked(&self.painter).stream {
            stream.out_info = Some(out_info);
        }
        if self.src_pad.current_caps().as_ref() != Some(&out_caps) {
            gst::debug!(CAT, imp = self, "caps {in_caps} leave as {out_caps}");
            self.src_pad.push_event(gst::event::Caps::new(&out_caps));
        }
        Ok(())
    }

    fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Caps(caps) => self.set_caps(caps.caps_owned()),
            _ => gst::Pad::event_default(pad, Some(&*self.obj()), event),
        }
    }

    fn set_caps(&self, in_caps: gst::Caps) -> bool {
        let Ok(in_info) = VideoInfo::from_caps(&in_caps) else {
            return false;
        };
        let is_progressive = in_info.interlace_mode() == VideoInterlaceMode::Progressive;
        // Upstream offers refused caps again with each frame; once is enough to say why.
        let was_refused = self.has_refused_caps.swap(!is_progressive, Ordering::Relaxed);
        if !is_progressive && !was_refused {
            gst::element_imp_error!(
                self,
                gst::StreamError::Format,
                (
                    "Interlaced video (interlace-mode={}) is refused, as each frame holds two moments; put deinterlace \
                     before this element",
                    in_info.interlace_mode().to_str()
                ),
                ["caps {in_caps}"]
            );
        }
        if !is_progressive {
            return false;
        }
        locked(&self.painter).stream = Some(Stream { in_caps, in_info, out_info: None });
        self.negotiate().is_ok()
    }

    fn sink_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Caps(caps) => answer_caps(caps, &sink_caps(&self.src_pad.peer_query_caps(None))),
            gst::QueryViewMut::Allocation(allocation) => self.answer_allocation(allocation),
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    fn src_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Caps(caps) => answer_caps(caps, &src_caps(&self.sink_pad.peer_query_caps(None))),
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    /// Downstream's offer, where frames leave as they come. With alpha gained only strides of its own are offered.
    fn answer_allocation(&self, allocation: &mut gst::query::Allocation) -> bool {
        let stream = locked(&self.painter).stream.clone();
        let out_info = match stream {
            Some(Stream { in_info, out_info: Some(out_info), .. }) if gains_alpha(&in_info, &out_info) => out_info,
            _ => {
                let is_answered = self.src_pad.peer_query(allocation);
                // Masks lie over whole frames.
                while let Some(index) = allocation.find_allocation_meta::<VideoCropMeta>() {
                    allocation.remove_nth_allocation_meta(index);
                }
                return is_answered;
            }
        };
        let mut downstream = gst::query::Allocation::new(out_info.to_caps().ok().as_ref(), false);
        if self.src_pad.peer_query(&mut downstream) && downstream.find_allocation_meta::<VideoMeta>().is_some() {
            allocation.add_allocation_meta::<VideoMeta>(None);
        }
        true
    }
}

fn answer_caps(query: &mut gst::query::Caps, caps: &gst::Caps) -> bool {
    let answer = query.filter().map(|filter| filter.intersect_with_mode(caps, gst::CapsIntersectMode::First));
    query.set_result(answer.as_ref().unwrap_or(caps));
    true
}

#[glib::object_subclass]
impl ObjectSubclass for MaskComposite {
    const NAME: &'static str = "GstMaskComposite";
    type Type = super::MaskComposite;
    type ParentType = gst::Element;

    fn with_class(class: &Self::Class) -> Self {
        let template = |name| class.pad_template(name).expect("the class registers the templates sink and src");
        let failed = || Err(gst::FlowError::Error);
        let sink_pad = gst::Pad::builder_from_template(&template("sink"))
            .chain_function(move |_, parent, buffer| {
                Self::catch_panic_pad_function(parent, failed, |imp| imp.chain(buffer))
            })
            .event_function(|pad, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.sink_event(pad, event))
            })
            .query_function(|pad, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.sink_query(pad, query))
            })
            .build();
        let src_pad = gst::Pad::builder_from_template(&template("src"))
            .query_function(|pad, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.src_query(pad, query))
            })
            .build();
        Self {
            sink_pad,
            src_pad,
            painter: Mutex::default(),
            settings: Mutex::default(),
            stats: Mutex::default(),
            has_refused_caps: AtomicBool::new(false),
        }
    }
}

impl ObjectImpl for MaskComposite {
    fn properties() -> &'static [glib::ParamSpec] {
        specs()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        let before = locked(&self.settings).style.mode;
        locked(&self.settings).set(pspec.name(), value);
        if locked(&self.settings).style.mode != before {
            self.src_pad.mark_reconfigure();
        }
        if pspec.name() == "preset" {
            presets::NAMES.iter().for_each(|name| self.obj().notify(name));
        }
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "stats" => locked(&self.stats).to_structure().to_value(),
            name => locked(&self.settings).get(name).unwrap_or_else(|| pspec.default_value().clone()),
        }
    }

    fn constructed(&self) {
        self.parent_constructed();
        for pad in [&self.sink_pad, &self.src_pad] {
            self.obj().add_pad(pad).expect("a new element has no pad of this name");
        }
    }
}

impl GstObjectImpl for MaskComposite {}

impl ElementImpl for MaskComposite {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Mask compositor",
                "Filter/Editor/Video/Compositor",
                "Draws the objects that frames carry, with masks, boxes and labels, or cuts them out",
                "The sa3 developers",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            [("sink", gst::PadDirection::Sink), ("src", gst::PadDirection::Src)]
                .into_iter()
                .map(|(name, direction)| {
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &template_caps())
                        .expect("name, direction and caps are valid")
                })
                .collect()
        });
        &TEMPLATES
    }

    fn change_state(&self, transition: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::ReadyToPaused {
            *locked(&self.stats) = Stats::default();
        }
        let success = self.parent_change_state(transition)?;
        if transition == gst::StateChange::PausedToReady {
            *locked(&self.painter) = Painter::default();
            self.has_refused_caps.store(false, Ordering::Relaxed);
        }
        Ok(success)
    }
}
