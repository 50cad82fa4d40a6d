//! The properties that prompts come from.

use glib::ParamSpec;
use gst::prelude::{GstParamSpecBuilderExt, ParamSpecBuilderExt};

/// In the order of [`super::PROPERTIES`], but for `points`.
pub(in crate::prompted) fn specs() -> Vec<ParamSpec> {
    vec![
        text(
            "prompt",
            "Prompt",
            "What to find, in English: one concept or several with ; between (prompt=\"red car; dog\"). Each object is \
             labelled with its concept. Concepts of prompts, boxes, prompts-file and add-text come on top. None at all: \
             frames pass without objects",
        ),
        gst::ParamSpecArray::builder("prompts")
            .nick("Prompts for programs")
            .blurb(
                "Concepts as an array of strings and of structures with the fields text, label, threshold (0 to 1), \
                 max-objects, boxes and negative-boxes (as in boxes, or arrays x, y, width, height), unit, from, exclude",
            )
            .mutable_playing()
            .build(),
        text(
            "boxes",
            "Exemplar boxes",
            "What objects look like: a phrase and a colon (or none), then x,y,width,height from 0 to 1, with ; between \
             boxes and a minus before what is not meant (boxes=\"red car: 0.1,0.2,0.3,0.4; -0.5,0.5,0.1,0.1\"). \
             unit=pixels; and from=each-frame; hold for the boxes after them; otherwise what a box shows on the first \
             frame is kept as the example for all that follow. Setting it again takes it from the next frame",
        ),
        text(
            "exclude",
            "Excluded concepts",
            "What not to find: concepts with ; between. Their objects are looked for, not reported, and take away every \
             object of which they cover more than half",
        ),
        text(
            "prompts-file",
            "File of prompts",
            "A file with a concept on each line: a phrase, or a JSON object with the fields of prompts. It is read again \
             within a second when it changes. A file with a mistake is a WARNING, and the prompts before stay",
        ),
    ]
}

/// The property `points`, of elements that look at each frame by itself.
pub(crate) fn points_spec() -> ParamSpec {
    text(
        "points",
        "Things pointed at",
        "Exactly these things, found by points and boxes on them: a name and a colon (or a lone colon) begin a thing, then \
         x,y for a point, with a minus before one that is not on it, or x,y,width,height for a box around it, from 0 to 1, \
         with ; between (points=\"dog: 0.4,0.5; -0.6,0.2; cat: 0.1,0.1,0.3,0.4\"). unit=pixels; holds for the things after \
         it. They lie at the same place of every frame. Needs a model with tracker weights; things that all look alike \
         are the matter of boxes",
    )
}

fn text(name: &str, nick: &str, blurb: &str) -> ParamSpec {
    glib::ParamSpecString::builder(name).nick(nick).blurb(blurb).default_value(Some("")).mutable_playing().build()
}
