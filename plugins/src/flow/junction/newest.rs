//! The newest frame, on its way to the worker of `sync-mode=latest`.

use super::{Gate, Interrupted, Junction, Newest, thread};

/// The newest frame, for a worker that looks at what it can and never holds the stream up.
impl Junction {
    /// In place of the one that nobody took.
    pub(in crate::flow) fn offer_newest(&self, newest: Newest) {
        let _not_taken =
            self.change(|inner| if inner.gate == Gate::Open { inner.newest.replace(newest) } else { Some(newest) });
    }

    /// The newest frame, for the worker, which works on it until [`Junction::worker_done`]. `None` when the pads are
    /// switched off.
    pub(in crate::flow) fn take_newest(&self) -> Option<Newest> {
        self.wait(|inner| match inner.gate {
            Gate::Closed => Some(None),
            Gate::Open if inner.newest.is_some() => {
                inner.busy_worker = Some(thread::current().id());
                Some(inner.newest.take())
            }
            Gate::Open | Gate::Flushing => None,
        })
    }

    pub(in crate::flow) fn worker_done(&self) {
        self.change(|inner| inner.busy_worker = None);
    }

    /// Takes back what nobody took, and waits for the worker no longer than the stream flows.
    pub(in crate::flow) fn wait_for_worker(&self) -> Result<(), Interrupted> {
        self.wait_while_open(|inner| {
            inner.newest = None;
            inner.busy_worker.is_none().then_some(())
        })
    }
}
