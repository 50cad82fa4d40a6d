//! A playing `sa3track` and what it says of its frames.

use gstsa3::meta::MaskMeta;
use sa3::Objects;

use crate::rig::{self, CAPS, Rig};

/// Time from frame to frame.
const FRAME_IN_MS: u64 = 40;

pub struct Stage {
    pub rig: Rig,
    next: u64,
}

impl Stage {
    /// Without delay unless the properties say otherwise; the model is shared with nobody.
    pub fn new(name: &str, properties: &str) -> Self {
        let element = rig::element_of("sa3track", &format!("model=test:name={name} output-delay=0 {properties}"));
        let mut rig = Rig::around(element);
        rig.harness.set_src_caps_str(CAPS);
        Self { rig, next: 0 }
    }

    pub fn element(&self) -> &gst::Element {
        &self.rig.element
    }

    pub fn push(&mut self) {
        self.rig.harness.push(rig::frame(self.next * FRAME_IN_MS)).unwrap();
        self.next += 1;
    }

    /// One frame of plain grey of that level through, and the ids on it.
    pub fn ids_on_grey(&mut self, level: u8) -> Vec<u64> {
        let mut frame = rig::frame(self.next * FRAME_IN_MS);
        frame.make_mut().map_writable().unwrap().fill(level);
        self.next += 1;
        self.rig.harness.push(frame).unwrap();
        ids_of(&self.pull())
    }

    /// One frame through, and what is on it.
    pub fn see(&mut self) -> Objects {
        self.push();
        self.pull()
    }

    pub fn pull(&mut self) -> Objects {
        let buffer = self.rig.harness.pull().unwrap();
        MaskMeta::read(&buffer).map(|attached| attached.objects).unwrap_or_default()
    }

    /// Ids on the next frame, in order.
    pub fn ids(&mut self) -> Vec<u64> {
        ids_of(&self.see())
    }

    /// The same after some frames.
    pub fn ids_after(&mut self, frames: usize) -> Vec<u64> {
        (1..frames).for_each(|_| drop(self.see()));
        self.ids()
    }

    /// The `sa3-object` messages so far: event and id.
    pub fn events(&self) -> Vec<(String, u64)> {
        let structures = self.structures("sa3-object");
        structures.iter().map(|s| (s.get("event").unwrap(), s.get("id").unwrap())).collect()
    }

    pub fn structures(&self, name: &str) -> Vec<gst::Structure> {
        let messages = self.rig.messages(gst::MessageType::Element);
        let structures = messages.iter().filter_map(|message| message.structure().map(gst::StructureRef::to_owned));
        structures.filter(|structure| structure.name() == name).collect()
    }
}

pub fn ids_of(objects: &Objects) -> Vec<u64> {
    let mut ids: Vec<u64> = objects.items.iter().filter_map(|object| object.id).collect();
    ids.sort_unstable();
    ids
}
