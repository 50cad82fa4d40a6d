//! Translation between GStreamer and the element's parts; no logic of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex};

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::{VideoCropMeta, VideoInfo, VideoMeta};
use sa3::composite::Mode;

use super::background::{BACKGROUND, Background, MAX_WAIT, NoPicture, Picture, Shown};
use super::masks::Unusable;
use super::negotiation::{background_caps, candidates, gains_alpha, key_caps, sink_caps, src_caps, template_caps};
use super::outputs::{FILL, KEY, Outputs, key_info};
use super::painter::{Painter, Stream, Wish};
use super::presets;
use super::settings::Settings;
use super::specs::specs;
use super::stats::Stats;
use crate::error::{post_error, post_warning};
use crate::flow::{running_time, stream_time};
use crate::lock::locked;
use crate::progressive::ProgressiveOnly;
use crate::{controls, pads};

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
    outputs: Outputs,
    background: Background,
    /// Nothing may wait for the background.
    is_live: AtomicBool,
    progressive_only: ProgressiveOnly,
}

impl MaskComposite {
    fn chain(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        if self.src_pad.check_reconfigure() {
            self.negotiate()?;
        }
        let wish = self.wish_at(buffer.pts());
        let (buffer, key) = self.paint(buffer, &wish)?;
        self.outputs.push(buffer, key)
    }

    fn paint(&self, buffer: gst::Buffer, wish: &Wish) -> Result<(gst::Buffer, Option<gst::Buffer>), gst::FlowError> {
        locked(&self.stats).frames_in += 1;
        let painted = locked(&self.painter).paint(buffer, wish).ok_or(gst::FlowError::NotNegotiated)?;
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
        Ok((painted.buffer, painted.key))
    }

    /// The properties as they are for the frame at `pts`, bound controls included, and the background that belongs to it.
    fn wish_at(&self, pts: Option<gst::ClockTime>) -> Wish {
        controls::sync(&*self.obj(), || stream_time(&self.src_pad, pts));
        let (mut wish, key_range) = locked(&self.settings).wish();
        wish.key_info = self.outputs.key().and_then(|_| {
            let frame_info = locked(&self.painter).stream.as_ref()?.in_info.clone();
            key_info(&frame_info, key_range)
        });
        wish.background = self.background_at(pts, wish.style.mode);
        wish
    }

    /// The pad's frame, or the picture where there is no pad or nothing came from it yet.
    ///
    /// The pad is asked in every mode, so that its stream goes on.
    fn background_at(&self, pts: Option<gst::ClockTime>, mode: Mode) -> Option<Shown> {
        let may_wait = mode == Mode::Replace && !self.is_live.load(Ordering::Relaxed);
        let looked = self.background.at(running_time(&self.sink_pad, pts), may_wait);
        if looked.has_stalled {
            gst::element_imp_warning!(
                self,
                gst::StreamError::Failed,
                (
                    "The background pad sent no frame for {} s; its last frame stays until the next one comes. Put a queue \
                     before the pad, and see that its source is as fast as the picture",
                    MAX_WAIT.as_secs()
                )
            );
        }
        looked.shown
    }

    /// Agrees with downstream on the caps for what comes in, and tells downstream when they are new.
    fn negotiate(&self) -> Result<(), gst::FlowError> {
        let mode = locked(&self.settings).style.mode;
        let Some(Stream { in_caps, in_info, .. }) = locked(&self.painter).stream.clone() else {
            return Ok(());
        };
        let candidates = candidates(&in_caps, in_info.format(), mode);
        let offer: gst::Caps = candidates.iter().flat_map(|caps| caps.iter().map(ToOwned::to_owned)).collect();
        let taken = self.downstream_caps(Some(&offer));
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
        for pad in [Some(self.src_pad.clone()), self.outputs.fill()].into_iter().flatten() {
            self.send_caps(&pad, &out_caps);
        }
        let key_range = locked(&self.settings).key_range;
        let key_caps = key_info(&in_info, key_range).and_then(|info| info.to_caps().ok());
        if let Some((pad, caps)) = self.outputs.key().zip(key_caps) {
            self.send_caps(&pad, &caps);
        }
        Ok(())
    }

    fn send_caps(&self, pad: &gst::Pad, caps: &gst::Caps) {
        if pad.current_caps().as_ref() != Some(caps) {
            gst::debug!(CAT, obj = pad, "frames leave as {caps}");
            pad.push_event(gst::event::Caps::new(caps));
        }
    }

    /// What all who take the picture take.
    fn downstream_caps(&self, filter: Option<&gst::Caps>) -> gst::Caps {
        let caps = self.src_pad.peer_query_caps(filter);
        match self.outputs.fill() {
            Some(fill) => fill.peer_query_caps(filter).intersect_with_mode(&caps, gst::CapsIntersectMode::First),
            None => caps,
        }
    }

    fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Caps(caps) => return self.set_caps(caps.caps_owned()),
            gst::EventView::FlushStart(_) => self.background.let_picture(Picture::Hurries),
            gst::EventView::FlushStop(_) | gst::EventView::StreamStart(_) => {
                self.outputs.reset();
                self.background.let_picture(Picture::Asks);
            }
            gst::EventView::Eos(_) => self.background.let_picture(Picture::Ended),
            _ => {}
        }
        gst::Pad::event_default(pad, Some(&*self.obj()), event)
    }

    fn background_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Caps(caps) => answer_caps(caps, &background_caps()),
            gst::QueryViewMut::Allocation(allocation) => {
                allocation.add_allocation_meta::<VideoMeta>(None);
                true
            }
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    fn new_background_pad(&self, template: &gst::PadTemplate) -> Option<gst::Pad> {
        let failed = || Err(gst::FlowError::Error);
        let builder = gst::Pad::builder_from_template(template)
            .name(BACKGROUND)
            .chain_function(move |pad, parent, buffer| {
                Self::catch_panic_pad_function(parent, failed, |imp| imp.background.chain(pad, buffer))
            })
            .event_function(|pad, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.background.take_event(pad, &event))
            })
            .query_function(|pad, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.background_query(pad, query))
            })
            // It is activated before the element has it, and after the element had it.
            .activatemode_function(|_, parent, _, is_active| {
                let element = parent.and_then(|parent| parent.downcast_ref::<super::MaskComposite>());
                element.map_or(Ok(()), |element| element.imp().background.activate(is_active))
            });
        self.background.add_pad(|| builder.build())
    }

    /// Sends what the stream has told so far to a pad that comes later, with caps of its own.
    fn catch_up(&self, pad: &gst::Pad) {
        let own_caps = match pad.name().as_str() {
            KEY => locked(&self.painter)
                .stream
                .as_ref()
                .map(|stream| stream.in_info.clone())
                .and_then(|frame_info| key_info(&frame_info, locked(&self.settings).key_range)?.to_caps().ok()),
            _ => self.src_pad.current_caps(),
        };
        self.sink_pad.sticky_events_foreach(|event| {
            let event = match event.type_() {
                gst::EventType::Caps => own_caps.as_ref().map(gst::event::Caps::new),
                _ => Some(event.clone()),
            };
            // A pad that nobody takes from yet keeps them.
            event.map(|event| pad.push_event(event));
            std::ops::ControlFlow::Continue(gst::EventForeachAction::Keep)
        });
        self.src_pad.mark_reconfigure();
    }

    fn load_picture(&self) -> Result<(), NoPicture> {
        let location = locked(&self.settings).background_location.clone();
        self.background.load_picture(&location)
    }

    /// In a running element: the picture before stays when there is no new one.
    fn load_picture_while_running(&self) {
        self.obj().call_async(|element| {
            if let Err(NoPicture(cause)) = element.imp().load_picture() {
                gst::element_warning!(element, gst::ResourceError::OpenRead, ("{cause}; the background before stays"));
            }
        });
    }

    fn set_caps(&self, in_caps: gst::Caps) -> bool {
        let Ok(in_info) = VideoInfo::from_caps(&in_caps) else {
            return false;
        };
        if !self.progressive_only.takes(&*self.obj(), &in_info) {
            return false;
        }
        let mut latency = gst::query::Latency::new();
        let is_live = self.sink_pad.peer_query(&mut latency) && latency.result().0;
        self.is_live.store(is_live, Ordering::Relaxed);
        locked(&self.painter).stream = Some(Stream { in_caps, in_info, out_info: None });
        self.negotiate().is_ok()
    }

    fn sink_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Caps(caps) => answer_caps(caps, &sink_caps(&self.downstream_caps(None))),
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
            outputs: Outputs::new(src_pad.clone()),
            src_pad,
            painter: Mutex::default(),
            settings: Mutex::default(),
            stats: Mutex::default(),
            background: Background::default(),
            is_live: AtomicBool::new(false),
            progressive_only: ProgressiveOnly::default(),
        }
    }
}

impl ObjectImpl for MaskComposite {
    fn properties() -> &'static [glib::ParamSpec] {
        specs()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        let before = locked(&self.settings).style.mode;
        let was_set = locked(&self.settings).set(pspec.name(), value);
        if let Err(error) = was_set {
            post_warning(&*self.obj(), &error, &format!("{error}; what was set before stays"));
        }
        if locked(&self.settings).style.mode != before {
            self.src_pad.mark_reconfigure();
        }
        if pspec.name() == "preset" {
            presets::NAMES.iter().for_each(|name| self.obj().notify(name));
        }
        match pspec.name() {
            "background-location" if self.obj().current_state() > gst::State::Ready => {
                self.load_picture_while_running()
            }
            // The key's caps tell its range.
            "key-range" | "preset" => self.src_pad.mark_reconfigure(),
            _ => {}
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
        pads::add_always(&*self.obj(), [&self.sink_pad, &self.src_pad]);
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
        use gst::{PadDirection::Sink, PadDirection::Src, PadPresence::Always, PadPresence::Request};
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let video = template_caps();
            pads::templates(&[
                ("sink", Sink, Always, &video),
                ("src", Src, Always, &video),
                (BACKGROUND, Sink, Request, &background_caps()),
                (FILL, Src, Request, &video),
                (KEY, Src, Request, &key_caps()),
            ])
        });
        &TEMPLATES
    }

    fn request_new_pad(
        &self,
        template: &gst::PadTemplate,
        _name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        let name = template.name_template();
        let pad = match name {
            BACKGROUND => self.new_background_pad(template),
            _ => self.outputs.add(template),
        };
        let Some(pad) = pad else {
            gst::warning!(CAT, imp = self, "there is one pad {name} only");
            return None;
        };
        pads::activate_where_running(&*self.obj(), &pad);
        if name != BACKGROUND {
            self.catch_up(&pad);
        }
        self.obj().add_pad(&pad).ok()?;
        Some(pad)
    }

    fn release_pad(&self, pad: &gst::Pad) {
        self.background.remove_pad(pad);
        self.outputs.remove(pad);
        pads::release(&*self.obj(), pad);
    }

    fn change_state(&self, transition: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::ReadyToPaused {
            *locked(&self.stats) = Stats::default();
            self.background.let_picture(Picture::Asks);
            self.outputs.reset();
            if let Err(NoPicture(cause)) = self.load_picture() {
                gst::element_imp_error!(self, gst::ResourceError::OpenRead, ("{cause}"));
                return Err(gst::StateChangeError);
            }
        }
        if transition == gst::StateChange::PausedToReady {
            self.background.let_picture(Picture::Hurries);
        }
        let success = self.parent_change_state(transition)?;
        if transition == gst::StateChange::PausedToReady {
            *locked(&self.painter) = Painter::default();
            self.background.clear();
            self.progressive_only.forget();
        }
        Ok(success)
    }
}
