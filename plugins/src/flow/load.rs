//! Loading the engine in the background, told to the bus with PROGRESS messages of code `sa3-load`.

use gst::ProgressType;
use gst::prelude::*;
use gst::subclass::prelude::*;
use sa3::engine::LoadProgress;
use sa3::{EngineSettings, SharedEngine};

use super::Analyser;
use super::junction::{Junction, LoadTicket};
use super::timing::LoadMode;
use crate::error::post_error;

const PROGRESS_CODE: &str = "sa3-load";

/// The load's part of a state change: nothing with `load-mode=lazy`, and with `blocking` all of it.
pub(super) fn begin_with_state<A: Analyser>(imp: &A) -> Result<(), gst::StateChangeError> {
    let mode = imp.flow().timing().load_mode;
    if mode == LoadMode::Lazy {
        return Ok(());
    }
    begin(imp)?;
    let is_there = mode == LoadMode::Background || imp.flow().junction.wait_until_loaded();
    if is_there { Ok(()) } else { Err(gst::StateChangeError) }
}

/// Starts to load what the properties ask for, unless it is there or on its way.
pub(super) fn begin<A: Analyser>(imp: &A) -> Result<(), gst::StateChangeError> {
    let element = imp.obj().clone().upcast::<gst::Element>();
    let settings = imp.engine_settings().map_err(|error| {
        post_error(&element, &error);
        gst::StateChangeError
    })?;
    let junction = imp.flow().junction.clone();
    let Some(ticket) = junction.load_begins(&settings) else {
        return Ok(());
    };
    // Applications start and end on their main thread, most of them here.
    sa3::engine::finish_passes_before_exit();
    post_progress(&element, ProgressType::Start, &format!("Loading model {}", settings.model), 0);
    let loader = Loader { element: element.downgrade(), junction, ticket };
    let spawned = std::thread::Builder::new().name("sa3-load".into()).spawn(move || loader.load(&settings));
    spawned.map(drop).map_err(|cause| {
        let error = sa3::Error::Torch { stage: "starting the loader's thread", message: cause.to_string() };
        post_error(&element, &error);
        imp.flow().junction.load_ends(ticket, None);
        gst::StateChangeError
    })
}

/// Gives the engine back; a load in progress ends by itself and unheard.
pub(super) fn cancel<A: Analyser>(imp: &A) {
    if imp.flow().junction.give_engine_back() {
        post_progress(imp.obj().upcast_ref(), ProgressType::Canceled, "Loading was stopped", 0);
    }
}

/// What the loader's thread holds: the element only while it tells something.
struct Loader {
    element: glib::WeakRef<gst::Element>,
    junction: std::sync::Arc<Junction>,
    ticket: LoadTicket,
}

impl Loader {
    fn load(&self, settings: &EngineSettings) {
        let loaded = SharedEngine::get(settings, &mut |progress| self.tell_progress(progress));
        let Some(element) = self.listener() else {
            return;
        };
        match loaded {
            Ok(engine) => {
                let info = engine.info();
                let text = format!("Model {} runs on {}, {}", info.model, info.device_in_use, info.precision_in_use);
                if self.junction.load_ends(self.ticket, Some(engine)) {
                    element.notify("device-in-use");
                    post_progress(&element, ProgressType::Complete, &text, 100);
                }
            }
            Err(error) => {
                // The cause first: those who wait for the engine will end the stream with a vaguer error.
                post_error(&element, &error);
                post_progress(&element, ProgressType::Error, &error.to_string(), 0);
                self.junction.load_ends(self.ticket, None);
            }
        }
    }

    fn tell_progress(&self, LoadProgress { stage, percent }: LoadProgress) {
        if let Some(element) = self.listener() {
            post_progress(&element, ProgressType::Continue, &format!("Loading: {stage} ({percent} %)"), percent.into());
        }
    }

    /// The element, if it still waits for this load.
    fn listener(&self) -> Option<gst::Element> {
        self.element.upgrade().filter(|_| self.junction.is_current(self.ticket))
    }
}

fn post_progress(element: &gst::Element, kind: ProgressType, text: &str, percent: i32) {
    let message = gst::message::Progress::builder(kind, PROGRESS_CODE, text).src(element);
    // A bus that flushes takes no message; there is nobody left to tell.
    let _ = element.post_message(message.other_field("percent", percent).build());
}
