//! The parts of a checkpoint that are complete or not there at all, each for itself.

use tch::Tensor;

use super::TensorSource;
use crate::error::Result;

/// A part of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// Everything that single pictures need.
    Detector,
    /// What follows objects, and its neck.
    Tracker,
}

/// The tensors of one component.
pub struct OfComponent<'a> {
    source: &'a dyn TensorSource,
    component: Component,
}

impl Component {
    /// The tensors of this component in `source`.
    pub fn of(self, source: &dyn TensorSource) -> OfComponent<'_> {
        OfComponent { source, component: self }
    }

    /// Which component a tensor belongs to, by its name.
    fn by_name(name: &str) -> Self {
        // Also what of the original release's `tracker.` is not known, so that the tracker's load tells it.
        if name.starts_with("tracker") { Self::Tracker } else { Self::Detector }
    }
}

impl TensorSource for OfComponent<'_> {
    fn names(&self) -> Vec<String> {
        let is_own = |name: &String| Component::by_name(name) == self.component;
        self.source.names().into_iter().filter(is_own).collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<i64>> {
        self.source.shape(name)
    }

    fn read(&self, name: &str) -> Result<Tensor> {
        self.source.read(name)
    }

    fn copy_to(&self, name: &str, target: &mut Tensor) -> Result<()> {
        self.source.copy_to(name, target)
    }
}
