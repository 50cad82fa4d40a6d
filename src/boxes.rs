//! Boxes, always in normalised coordinates unless the name says otherwise.

/// Corners, `x0 <= x1` and `y0 <= y1`; normalised to 0..1 of width and height when it describes a frame.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BoxXyxy {
    /// Left.
    pub x0: f32,
    /// Top.
    pub y0: f32,
    /// Right.
    pub x1: f32,
    /// Bottom.
    pub y1: f32,
}

/// Centre and size, the form the model speaks.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BoxCxcywh {
    /// Horizontal centre.
    pub cx: f32,
    /// Vertical centre.
    pub cy: f32,
    /// Width.
    pub w: f32,
    /// Height.
    pub h: f32,
}

impl From<BoxCxcywh> for BoxXyxy {
    fn from(b: BoxCxcywh) -> Self {
        Self { x0: b.cx - 0.5 * b.w, y0: b.cy - 0.5 * b.h, x1: b.cx + 0.5 * b.w, y1: b.cy + 0.5 * b.h }
    }
}

impl From<BoxXyxy> for BoxCxcywh {
    fn from(b: BoxXyxy) -> Self {
        Self { cx: 0.5 * (b.x0 + b.x1), cy: 0.5 * (b.y0 + b.y1), w: b.x1 - b.x0, h: b.y1 - b.y0 }
    }
}

impl BoxXyxy {
    /// Area, 0 for an empty or inverted box.
    pub fn area(&self) -> f32 {
        (self.x1 - self.x0).max(0.0) * (self.y1 - self.y0).max(0.0)
    }

    /// The part inside 0..1.
    pub fn clipped(&self) -> Self {
        let [x0, y0, x1, y1] = [self.x0, self.y0, self.x1, self.y1].map(|v| v.clamp(0.0, 1.0));
        Self { x0, y0, x1, y1 }
    }

    /// Grown on each side by `margin` times its own size.
    pub fn grown(&self, margin: f32) -> Self {
        let (dx, dy) = (margin * (self.x1 - self.x0), margin * (self.y1 - self.y0));
        Self { x0: self.x0 - dx, y0: self.y0 - dy, x1: self.x1 + dx, y1: self.y1 + dy }
    }

    /// Intersection over union, 0 when both are empty.
    pub fn iou(&self, other: &Self) -> f32 {
        let overlap = Self {
            x0: self.x0.max(other.x0),
            y0: self.y0.max(other.y0),
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
        }
        .area();
        let union = self.area() + other.area() - overlap;
        if union > 0.0 { overlap / union } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT_HALF: BoxXyxy = BoxXyxy { x0: 0.0, y0: 0.0, x1: 0.5, y1: 1.0 };
    const MIDDLE: BoxXyxy = BoxXyxy { x0: 0.25, y0: 0.0, x1: 0.75, y1: 1.0 };

    #[test]
    fn forms_convert_both_ways() {
        let centre = BoxCxcywh::from(MIDDLE);
        assert_eq!(centre, BoxCxcywh { cx: 0.5, cy: 0.5, w: 0.5, h: 1.0 });
        assert_eq!(BoxXyxy::from(centre), MIDDLE);
    }

    #[test]
    fn iou_of_shifted_halves_is_a_third() {
        assert!((LEFT_HALF.iou(&MIDDLE) - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(BoxXyxy::default().iou(&BoxXyxy::default()), 0.0);
    }

    #[test]
    fn growing_and_clipping() {
        let grown = LEFT_HALF.grown(0.1);
        assert!((grown.x0 + 0.05).abs() < 1e-6 && (grown.y1 - 1.1).abs() < 1e-6);
        let clipped = grown.clipped();
        assert!(clipped.x0 == 0.0 && clipped.y1 == 1.0 && (clipped.x1 - 0.55).abs() < 1e-6);
    }
}
