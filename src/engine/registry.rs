//! One engine per model, device and precision in a process.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use once_cell::sync::{Lazy, OnceCell};

use super::{Engine, EngineSettings, LoadProgress};
use crate::error::Result;

type Slot = OnceCell<Engine>;

static SLOTS: Lazy<Mutex<HashMap<EngineSettings, Weak<Slot>>>> = Lazy::new(Mutex::default);

/// A share of an engine; the model is freed with the last share.
#[derive(Clone)]
pub struct SharedEngine(Arc<Slot>);

impl SharedEngine {
    /// The engine for `settings`: at once when somebody has it, otherwise loaded here. Callers who ask while it loads
    /// wait for the same load; after a failed load the next caller tries again.
    ///
    /// # Errors
    /// Those of [`Engine::load`].
    pub fn get(settings: &EngineSettings, on_progress: &mut dyn FnMut(LoadProgress)) -> Result<Self> {
        let slot = slot_for(settings);
        slot.get_or_try_init(|| Engine::load(settings, on_progress))?;
        Ok(Self(slot))
    }

    /// True for two shares of one engine.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for SharedEngine {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        self.0.get().expect("a share is only made of a loaded slot")
    }
}

fn slot_for(settings: &EngineSettings) -> Arc<Slot> {
    let mut slots = SLOTS.lock().unwrap_or_else(PoisonError::into_inner);
    slots.retain(|_, slot| slot.strong_count() > 0);
    if let Some(slot) = slots.get(settings).and_then(Weak::upgrade) {
        return slot;
    }
    let slot = Arc::new(Slot::new());
    slots.insert(settings.clone(), Arc::downgrade(&slot));
    slot
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(model: &str) -> EngineSettings {
        EngineSettings { model: model.into(), ..EngineSettings::default() }
    }

    #[test]
    fn equal_settings_share_one_engine_and_the_last_share_frees_it() {
        let wanted = settings("test:name=registry-share");
        let first = SharedEngine::get(&wanted, &mut |_| {}).unwrap();
        let mut loads = 0;
        let second = SharedEngine::get(&wanted, &mut |_| loads += 1).unwrap();
        assert!(Arc::ptr_eq(&first.0, &second.0) && loads == 0);
        let weak = Arc::downgrade(&first.0);
        drop((first, second));
        assert!(weak.upgrade().is_none());
    }

    #[test]
    fn a_failed_load_is_tried_again() {
        let wanted = settings("test:fail-load=true,name=registry-retry");
        for _ in 0..2 {
            let mut stages = 0;
            assert!(SharedEngine::get(&wanted, &mut |_| stages += 1).is_err());
            assert!(stages > 0);
        }
    }
}
