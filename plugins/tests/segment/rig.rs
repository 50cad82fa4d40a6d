//! An element between two pads of the test, with a bus to read.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, mpsc};
use std::time::Duration;

use gst::prelude::*;
use gst_check::Harness;
use sa3::frame::{Frame, FrameSource};

pub const CAPS: &str = "video/x-raw,format=GRAY8,width=32,height=16,framerate=25/1";
pub const FRAME_BYTES: usize = 32 * 16;

/// Registers the elements of this library, once.
pub fn init() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        gst::init().unwrap();
        gstsa3::plugin_register_static().expect("the plugin registers; GST_PLUGIN_PATH must not lead to another one");
    });
}

/// An element of its own name, with properties as gst-launch takes them.
pub fn element(properties: &str) -> gst::Element {
    element_of("sa3segment", properties)
}

/// The harness is live; so that every frame is looked at whenever it comes, the rig asks for what files get.
pub fn element_of(factory: &str, properties: &str) -> gst::Element {
    init();
    gst::parse::launch(&format!("{factory} until-loaded=wait late-policy=block {properties}")).unwrap()
}

pub struct Rig {
    pub harness: Harness,
    pub element: gst::Element,
    bus: gst::Bus,
    /// Taken from the bus and not asked for yet.
    unread: RefCell<Vec<gst::Message>>,
}

impl Rig {
    /// Without caps yet.
    pub fn bare(properties: &str) -> Self {
        Self::around(element(properties))
    }

    /// Around any element, without caps yet.
    pub fn around(element: gst::Element) -> Self {
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        let harness = Harness::with_element(&element, Some("sink"), Some("src"));
        Self { harness, element, bus, unread: RefCell::default() }
    }

    pub fn new(properties: &str) -> Self {
        let mut rig = Self::bare(properties);
        rig.harness.set_src_caps_str(CAPS);
        rig
    }

    /// One frame in, the same frame out.
    pub fn through(&mut self, pts_in_ms: u64) -> gst::Buffer {
        self.harness.push_and_pull(frame(pts_in_ms)).unwrap()
    }

    /// The messages of one type that nobody has read yet.
    pub fn messages(&self, kind: gst::MessageType) -> Vec<gst::Message> {
        let mut unread = self.unread.borrow_mut();
        unread.extend(std::iter::from_fn(|| self.bus.pop()));
        let (wanted, others) = unread.drain(..).partition(|message| message.type_() == kind);
        *unread = others;
        wanted
    }

    pub fn warnings(&self) -> Vec<String> {
        self.messages(gst::MessageType::Warning).iter().map(text_of).collect()
    }

    pub fn errors(&self) -> Vec<String> {
        self.messages(gst::MessageType::Error).iter().map(text_of).collect()
    }

    /// Waits for one ERROR.
    pub fn error(&self) -> String {
        loop {
            if let Some(error) = self.errors().pop() {
                return error;
            }
            let message = self.bus.timed_pop(gst::ClockTime::from_seconds(30)).expect("an ERROR within 30 s");
            self.unread.borrow_mut().push(message);
        }
    }

    pub fn stat<T: for<'a> glib::value::FromValue<'a> + 'static>(&self, name: &str) -> T {
        let stats: gst::Structure = self.element.property("stats");
        stats.value(name).unwrap().get().unwrap()
    }

    /// Waits, a little at a time, for something that another thread will do.
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..3000 {
            if is_so(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("waited too long until {what}; {:?}", self.element.property::<Option<gst::Structure>>("stats"));
    }
}

/// Messages hold their element, and the element its bus.
impl Drop for Rig {
    fn drop(&mut self) {
        self.bus.set_flushing(true);
    }
}

fn text_of(message: &gst::Message) -> String {
    match message.view() {
        gst::MessageView::Warning(warning) => warning.error().message().to_string(),
        gst::MessageView::Error(error) => error.error().message().to_string(),
        _ => panic!("{message:?} has no text"),
    }
}

pub fn frame(pts_in_ms: u64) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_mut_slice(vec![128u8; FRAME_BYTES]);
    buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(pts_in_ms));
    buffer
}

/// Everything that leaves the element, in order: a frame as its PTS in milliseconds, an event as its type's name.
pub fn record_output(element: &gst::Element) -> Arc<Mutex<Vec<String>>> {
    let recorded: Arc<Mutex<Vec<String>>> = Arc::default();
    let pad = element.static_pad("src").unwrap();
    let into = recorded.clone();
    let mask = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::EVENT_FLUSH;
    pad.add_probe(mask, move |_, info| {
        let what = match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => buffer.pts().unwrap().mseconds().to_string(),
            Some(gst::PadProbeData::Event(event)) => event.type_().name().to_string(),
            other => format!("{other:?}"),
        };
        into.lock().unwrap().push(what);
        gst::PadProbeReturn::Ok
    });
    recorded
}

/// Keeps an engine busy until it is dropped: whoever asks the engine meanwhile waits behind it.
pub struct BusyEngine {
    is_over: Arc<AtomicBool>,
    _release: mpsc::Sender<()>,
    _share: sa3::SharedEngine,
}

/// How long a test that waits for the engine after all hangs before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

impl BusyEngine {
    pub fn of(model: &str) -> Self {
        let settings = sa3::EngineSettings { model: model.into(), ..sa3::EngineSettings::default() };
        let engine = sa3::SharedEngine::get(&settings, &mut |_| {}).unwrap();
        let (release, released) = mpsc::channel();
        let is_over: Arc<AtomicBool> = Arc::default();
        let pass = EndlessPass { released: Mutex::new(released), is_over: is_over.clone() };
        engine.submit(Box::new(pass), Arc::default(), |_| {});
        Self { is_over, _release: release, _share: engine }
    }

    pub fn is_busy(&self) -> bool {
        !self.is_over.load(Ordering::SeqCst)
    }
}

struct EndlessPass {
    released: Mutex<mpsc::Receiver<()>>,
    is_over: Arc<AtomicBool>,
}

impl FrameSource for EndlessPass {
    fn frame(&self) -> sa3::Result<Frame<'_>> {
        let _ = self.released.lock().unwrap().recv_timeout(PATIENCE);
        self.is_over.store(true, Ordering::SeqCst);
        Err(sa3::Error::Closed)
    }
}
