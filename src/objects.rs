//! What comes out: objects with label, score, box and soft mask. Plain data, shared not copied.

use std::sync::Arc;

use crate::boxes::BoxXyxy;

/// Mask values at or above this are inside.
pub const MASK_INSIDE: u8 = 128;

/// Bytes that a mask shares with whoever made them (the engine, a mapped buffer).
pub type SharedBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A soft mask on the model's mask grid, stretched over the whole frame.
///
/// Each value is `round(255 * sigmoid(logit))`; [`MASK_INSIDE`] and above is inside. Consumers upsample bilinearly.
#[derive(Clone)]
pub struct Mask {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height` values, first row first.
    pub values: SharedBytes,
}

impl Mask {
    /// A mask over `values`, or `None` when there are not `width * height` of them.
    pub fn new(width: u32, height: u32, values: impl AsRef<[u8]> + Send + Sync + 'static) -> Option<Self> {
        (values.as_ref().len() == width as usize * height as usize).then(|| Self {
            width,
            height,
            values: Arc::new(values),
        })
    }

    /// The values, first row first.
    pub fn bytes(&self) -> &[u8] {
        (*self.values).as_ref()
    }
}

/// The same values in the same shape.
impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.height) == (other.width, other.height)
            && (Arc::ptr_eq(&self.values, &other.values) || self.bytes() == other.bytes())
    }
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mask({}x{})", self.width, self.height)
    }
}

/// One object on one frame.
#[derive(Debug, Clone)]
pub struct Object {
    /// Stable over time; absent when objects are found frame by frame.
    pub id: Option<u64>,
    /// The phrase that found it, as the user wrote it, or the name of the thing that was pointed at.
    pub label: Arc<str>,
    /// Position of that phrase in the request; things that were pointed at come after the last phrase.
    pub prompt_index: u32,
    /// Probability, 0..1; of a thing that was pointed at, the overlap that its mask is expected to have with the truth.
    pub score: f32,
    /// Normalised to 0..1 of the frame's width and height; may reach beyond.
    pub box_in_frame: BoxXyxy,
    /// Soft mask over the whole frame.
    pub mask: Mask,
    /// How it is followed; absent when objects are found frame by frame.
    pub state: Option<ObjectState>,
    /// Time of the frame that it was first found on, where frames have times and objects are followed.
    pub first_seen_ns: Option<u64>,
    /// Time of the latest frame that it was seen on.
    pub last_seen_ns: Option<u64>,
}

/// How an object that is followed is known on one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectState {
    /// Shown on this frame for the first time.
    New,
    /// Followed, and confirmed by a detection or the user on this frame.
    Tracked,
    /// Followed by the tracker alone.
    Propagated,
    /// Not seen; the mask is the last one that was.
    Held,
    /// Not on this frame, but remembered.
    Lost,
}

impl ObjectState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::New, Self::Tracked, Self::Propagated, Self::Held, Self::Lost];

    /// Its name in files and properties.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Tracked => "tracked",
            Self::Propagated => "propagated",
            Self::Held => "held",
            Self::Lost => "lost",
        }
    }

    /// The state of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Where a concept is on one frame, all of its instances together.
#[derive(Debug, Clone)]
pub struct SemanticMap {
    /// What the concept is called.
    pub label: Arc<str>,
    /// Position of the concept in the request.
    pub prompt_index: u32,
    /// Probability that the concept is on the frame at all, 0..1; the map does not contain it.
    pub presence: f32,
    /// Soft map over the whole frame, as an object's mask.
    pub map: Mask,
}

/// Everything found on one frame, best score first.
#[derive(Debug, Clone)]
pub struct Objects {
    /// Width in pixels of the frame the objects were found on.
    pub frame_width: u32,
    /// Height in pixels of that frame.
    pub frame_height: u32,
    /// Mask values at or above this are inside; [`MASK_INSIDE`] unless the user moved `mask-threshold`.
    pub inside_level: u8,
    /// The objects, best score first.
    pub items: Vec<Object>,
    /// One for each concept, in the order of the request; empty unless they were asked for.
    pub semantic_maps: Vec<SemanticMap>,
}

impl Default for Objects {
    fn default() -> Self {
        Self {
            frame_width: 0,
            frame_height: 0,
            inside_level: MASK_INSIDE,
            items: Vec::new(),
            semantic_maps: Vec::new(),
        }
    }
}
