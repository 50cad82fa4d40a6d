//! What was said of the marks that are ignored, so that each is told once and not at every frame.

use std::sync::Arc;

use sa3::prompt::PointedThing;
use sa3::session::Notice;

use crate::prompted::are_same;

/// What was ignored on the latest frame.
#[derive(Debug, Default)]
pub(super) struct Told {
    things: Vec<Arc<PointedThing>>,
    notices: Vec<Notice>,
}

impl Told {
    /// Those notices of a frame that are news: not there on the frame before, or about other things.
    pub(super) fn news(&mut self, things: &[Arc<PointedThing>], notices: Vec<Notice>) -> Vec<Notice> {
        if !are_same(&self.things, things) {
            *self = Self { things: things.to_vec(), notices: Vec::new() };
        }
        let before = std::mem::replace(&mut self.notices, notices);
        self.notices.iter().filter(|notice| !before.contains(notice)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sa3::prompt::things_from_text;

    #[test]
    fn a_notice_is_told_until_things_change_or_it_returns() {
        let (first, second) = (things_from_text("0,0").unwrap(), things_from_text("0,0").unwrap());
        let mut told = Told::default();
        let mut count = |things, notices: Vec<Notice>| told.news(things, notices).len();
        let (one, two) = (|| vec![Notice::BoxOutside], || vec![Notice::BoxOutside, Notice::EmptyMask]);
        assert_eq!([count(&first, one()), count(&first, one())], [1, 0]);
        assert_eq!([count(&first, two()), count(&second, one())], [1, 1]);
        assert_eq!([count(&second, Vec::new()), count(&second, one())], [0, 1]);
    }
}
