//! `sa3segment` with the artificial engine: pixels, order, prompts, failures, states.

mod events;
mod failures;
mod pixels;
mod prompts;
mod rig;
mod states;
