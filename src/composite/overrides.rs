//! How single objects are drawn differently from the rest: `styles`.
//!
//! ```text
//! person: color=#ff8800 opacity=0.3; #7 & score>=0.5: outline-width=6 boxes=true; cat: labels=false
//! ```

use super::selection::Conditions;
use super::style::Rgb;
use crate::error::{Error, Result};
use crate::objects::Object;

const REMEDY: &str = "Write SELECTION: name=value name=value; … with color=#rrggbb, opacity=0…1, outline-width=pixels, \
                      boxes=true|false, labels=true|false";

/// Styles of single objects; of two that name the same thing of one object the later one counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides(Vec<(Conditions, Override)>);

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Override {
    pub(super) color: Option<Rgb>,
    pub(super) opacity: Option<f32>,
    pub(super) outline_width: Option<f32>,
    pub(super) boxes: Option<bool>,
    pub(super) labels: Option<bool>,
}

impl Overrides {
    /// Reads styles with `;` between them.
    ///
    /// # Errors
    /// [`Error::Setting`] of `property` with the part that cannot be read.
    pub fn parse(property: &'static str, text: &str) -> Result<Self> {
        let refused =
            |part: &str, cause: String| Error::Setting { property, value: part.into(), cause, remedy: REMEDY.into() };
        let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
        let parsed = parts.map(|part| {
            let (which, what) = part.split_once(':').ok_or_else(|| refused(part, "it has no colon".into()))?;
            let what = Override::parse(what).map_err(|cause| refused(part, cause))?;
            Ok((Conditions::parse(property, which.trim())?, what))
        });
        Ok(Self(parsed.collect::<Result<_>>()?))
    }

    /// Width of the widest outline among them, in pixels.
    pub(super) fn widest_outline(&self) -> f32 {
        self.0.iter().filter_map(|(_, what)| what.outline_width).fold(0.0, f32::max)
    }

    /// True when the opacity of some objects differs.
    pub(super) fn set_opacity(&self) -> bool {
        self.0.iter().any(|(_, what)| what.opacity.is_some())
    }

    /// What differs for `object`.
    pub(super) fn of(&self, object: &Object) -> Override {
        let matching = self.0.iter().filter(|(which, _)| which.hold(object));
        matching.fold(Override::default(), |before, (_, later)| before.with(later))
    }
}

impl Override {
    fn parse(text: &str) -> std::result::Result<Self, String> {
        let mut parsed = Self::default();
        for pair in text.split([' ', ',']).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| format!("{pair} is not name=value"))?;
            let number = |least: f32, most: f32| {
                let number = value.parse::<f32>().ok().filter(|number| (least..=most).contains(number));
                number.map(Some).ok_or_else(|| format!("{name}={value} is not from {least} to {most}"))
            };
            let switch = || value.parse::<bool>().map(Some).map_err(|_| format!("{name}={value} is not true or false"));
            match name {
                "color" => parsed.color = Some(Rgb::parse(value)?),
                "opacity" => parsed.opacity = number(0.0, 1.0)?,
                "outline-width" => parsed.outline_width = number(0.0, 64.0)?,
                "boxes" => parsed.boxes = switch()?,
                "labels" => parsed.labels = switch()?,
                _ => return Err(format!("{name} is nothing that can differ")),
            }
        }
        Ok(parsed)
    }

    fn with(self, later: &Self) -> Self {
        Self {
            color: later.color.or(self.color),
            opacity: later.opacity.or(self.opacity),
            outline_width: later.outline_width.or(self.outline_width),
            boxes: later.boxes.or(self.boxes),
            labels: later.labels.or(self.labels),
        }
    }
}

impl Rgb {
    /// Reads `#rrggbb` or `0xaarrggbb`, whose alpha does not count.
    fn parse(text: &str) -> std::result::Result<Self, String> {
        let refused = || format!("{text} is not a colour like #ff8800");
        let digits = match (text.strip_prefix('#'), text.strip_prefix("0x")) {
            (Some(digits), _) if digits.len() == 6 => digits,
            (_, Some(digits)) if digits.len() == 8 => digits,
            _ => return Err(refused()),
        };
        let [_, r, g, b] = u32::from_str_radix(digits, 16).map_err(|_| refused())?.to_be_bytes();
        Ok(Self { r, g, b })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composite::tests::disc;

    #[test]
    fn later_ones_count_and_the_rest_stays() {
        let text = "dog: color=#ff8800 opacity=0.25; #3: color=0xff010203; cat: boxes=true; score>=0.5: labels=false, \
                    outline-width=6";
        let overrides = Overrides::parse("styles", text).unwrap();
        let mut dog = disc("dog", [0.5, 0.5], 0.2, 1.0);
        let both =
            Override { opacity: Some(0.25), outline_width: Some(6.0), labels: Some(false), ..Override::default() };
        let orange = Some(Rgb { r: 255, g: 0x88, b: 0 });
        assert_eq!(overrides.of(&dog), Override { color: orange, ..both });
        dog.id = Some(3);
        assert_eq!(overrides.of(&dog), Override { color: Some(Rgb { r: 1, g: 2, b: 3 }), ..both });
        dog.label = "bird".into();
        dog.score = 0.1;
        assert_eq!(overrides.of(&dog).opacity, None);
        assert_eq!(Overrides::parse("styles", " ; ").unwrap(), Overrides::default());
    }

    #[test]
    fn what_cannot_be_read_is_named_with_a_remedy() {
        for (text, cause) in [
            ("dog", "no colon"),
            ("dog: red", "red is not name=value"),
            ("dog: color=red", "red is not a colour like #ff8800"),
            ("dog: color=#ff88", "#ff88 is not a colour"),
            ("dog: color=#gggggg", "#gggggg is not a colour"),
            ("dog: opacity=2", "opacity=2 is not from 0 to 1"),
            ("dog: outline-width=wide", "outline-width=wide is not from 0 to 64"),
            ("dog: boxes=yes", "boxes=yes is not true or false"),
            ("dog: size=2", "size is nothing that can differ"),
            ("#x: boxes=true", "#x is no id"),
        ] {
            let error = Overrides::parse("styles", text).unwrap_err().to_string();
            assert!(error.contains("styles=") && error.contains(cause) && error.contains("Write"), "{error}");
        }
    }
}
