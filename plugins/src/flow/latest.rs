//! `sync-mode=latest`: a worker looks at the newest frame whenever it is free, and the stream never waits for it.
//!
//! ```text
//! source pad's task: offer the frame → attach the newest objects, with their age → push downstream
//! worker:            take the newest → look at it as exact does → keep what was found
//! ```

use std::sync::Arc;

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::VideoInfo;

use super::junction::{Arrived, Failure, Newest};
use super::{Analyser, task};
use crate::found::Found;
use crate::meta::MaskMeta;

/// What the worker found last, and on which frame.
pub(super) struct NewestFound {
    number: u64,
    found: Found,
}

/// Lets a frame go at once.
pub(super) fn pass<A: Analyser>(imp: &A, mut frame: Arrived, info: &VideoInfo) -> Result<(), Failure> {
    let flow = imp.flow();
    // What was held back before the mode was chosen.
    task::push_all_held(imp)?;
    start_worker(imp)?;
    let number = flow.count_frame();
    flow.junction.offer_newest(Newest { number, buffer: frame.buffer.clone(), info: info.clone() });
    if let Some(NewestFound { number: found_at, found }) = &*flow.newest_found() {
        let age = found.age_in_frames.saturating_add(u32::try_from(number - found_at).unwrap_or(u32::MAX));
        flow.attach(&mut frame.buffer, &Found { age_in_frames: age, ..found.clone() });
    }
    task::push_at_once(imp, frame)
}

/// Ends the mode: the worker puts down its frame, and what it found is forgotten.
pub(super) fn stop<A: Analyser>(imp: &A) -> Result<(), gst::FlowError> {
    if imp.flow().worker().is_some() {
        imp.flow().junction.wait_for_worker()?;
        imp.flow().newest_found().take();
    }
    Ok(())
}

fn start_worker<A: Analyser>(imp: &A) -> Result<(), Failure> {
    let mut worker = imp.flow().worker();
    if worker.is_some() {
        return Ok(());
    }
    let element = imp.obj().downgrade();
    let junction = imp.flow().junction.clone();
    let work = move || {
        while let Some(newest) = junction.take_newest() {
            if let Some(element) = element.upgrade() {
                let imp = A::from_obj(&element);
                gst::panic_to_error!(imp, (), { look(imp, newest) });
            }
            junction.worker_done();
        }
    };
    match std::thread::Builder::new().name("sa3-newest".into()).spawn(work) {
        Ok(handle) => *worker = Some(handle),
        Err(cause) => {
            drop(worker);
            gst::element_imp_error!(imp, gst::CoreError::Thread, ("The thread for sync-mode=latest: {cause}"));
            return Err(Failure { flow: gst::FlowError::Error, is_told: true });
        }
    }
    Ok(())
}

fn look<A: Analyser>(imp: &A, newest: Newest) {
    let Newest { number, buffer, info } = newest;
    let buffer = match imp.process(buffer, &info) {
        Ok(buffer) => buffer,
        Err(flow) => return imp.flow().junction.fail(Failure { flow, is_told: true }),
    };
    let buffer = imp.release(buffer);
    let found = MaskMeta::read(&buffer).map(|attached| NewestFound {
        number,
        found: Found {
            objects: Arc::new(attached.objects),
            source_pts: attached.source_pts,
            age_in_frames: attached.age_in_frames,
        },
    });
    *imp.flow().newest_found() = found;
}
