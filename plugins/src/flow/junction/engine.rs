//! The engine, and the passes that it is asked for.

use sa3::{EngineSettings, SharedEngine};

use super::{EngineState, Interrupted, Junction, LoadTicket, PassTicket};

/// The engine, brought by the loader's thread.
impl Junction {
    /// Notes that `settings` are being loaded; `None` when they already are, or have been, well or badly.
    pub(in crate::flow) fn load_begins(&self, settings: &EngineSettings) -> Option<LoadTicket> {
        let (ticket, _former_engine) = self.change(|inner| {
            if let EngineState::Loading(known) | EngineState::Ready(known, _) | EngineState::Failed(known) =
                &inner.engine
                && known == settings
            {
                return None;
            }
            inner.load_ticket.0 += 1;
            let former = std::mem::replace(&mut inner.engine, EngineState::Loading(settings.clone()));
            Some((inner.load_ticket, former))
        })?;
        Some(ticket)
    }

    pub(in crate::flow) fn is_current(&self, ticket: LoadTicket) -> bool {
        self.lock().load_ticket == ticket
    }

    /// Notes how a load ended; false when nobody wants to know any more.
    pub(in crate::flow) fn load_ends(&self, ticket: LoadTicket, engine: Option<SharedEngine>) -> bool {
        self.change(|inner| {
            if inner.load_ticket != ticket {
                return false;
            }
            inner.engine = match (std::mem::replace(&mut inner.engine, EngineState::Absent), engine) {
                (EngineState::Loading(settings), Some(engine)) => EngineState::Ready(settings, engine),
                (EngineState::Loading(settings), None) => EngineState::Failed(settings),
                (state, _) => state,
            };
            true
        })
    }

    /// A load that failed is worth another try the next time.
    pub(in crate::flow) fn forget_failed_load(&self) {
        self.change(|inner| {
            if matches!(inner.engine, EngineState::Failed(_)) {
                inner.engine = EngineState::Absent;
            }
        });
    }

    /// Gives the engine back; true when it was still being loaded.
    pub(in crate::flow) fn give_engine_back(&self) -> bool {
        let engine = self.change(|inner| {
            inner.load_ticket.0 += 1;
            std::mem::replace(&mut inner.engine, EngineState::Absent)
        });
        matches!(engine, EngineState::Loading(_))
    }

    /// The engine, if it is there.
    pub(in crate::flow) fn engine(&self) -> Option<SharedEngine> {
        match &self.lock().engine {
            EngineState::Ready(_, engine) => Some(engine.clone()),
            _ => None,
        }
    }

    pub(in crate::flow) fn is_loading(&self) -> bool {
        matches!(self.lock().engine, EngineState::Loading(_))
    }

    /// True while nobody has asked for an engine, or gave it back.
    pub(in crate::flow) fn is_without_engine(&self) -> bool {
        matches!(self.lock().engine, EngineState::Absent)
    }

    /// Waits until the load in progress has ended; false when it failed.
    pub(in crate::flow) fn wait_until_loaded(&self) -> bool {
        self.wait(|inner| match inner.engine {
            EngineState::Loading(_) => None,
            EngineState::Ready(..) => Some(true),
            EngineState::Failed(_) | EngineState::Absent => Some(false),
        })
    }

    /// Waits for the engine.
    pub(in crate::flow) fn wait_for_engine(&self) -> Result<SharedEngine, Interrupted> {
        self.wait_while_open(|inner| match &inner.engine {
            EngineState::Ready(_, engine) => Some(Ok(engine.clone())),
            EngineState::Loading(_) => None,
            EngineState::Failed(_) | EngineState::Absent => Some(Err(Interrupted::LoadFailed)),
        })?
    }
}

/// One pass at a time: the task asks, the engine's thread answers.
impl Junction {
    pub(in crate::flow) fn pass_begins(&self) -> PassTicket {
        self.change(|inner| {
            inner.pass_ticket.0 += 1;
            inner.is_answered = false;
            inner.pass_ticket
        })
    }

    /// True while somebody waits for the answer.
    pub(in crate::flow) fn is_wanted(&self, ticket: PassTicket) -> bool {
        self.lock().pass_ticket == ticket
    }

    /// The answer is there; it is dropped when the pass was abandoned.
    pub(in crate::flow) fn answer(&self, ticket: PassTicket) {
        self.change(|inner| inner.is_answered |= inner.pass_ticket == ticket);
    }

    pub(in crate::flow) fn wait_for_answer(&self) -> Result<(), Interrupted> {
        self.wait_while_open(|inner| std::mem::take(&mut inner.is_answered).then_some(()))
    }
}
