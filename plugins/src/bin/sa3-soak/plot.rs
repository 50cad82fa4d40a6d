//! Samples as a picture: panels of curves, one below the other.

use std::fmt::Write;

const WIDTH: f64 = 800.0;
const PANEL_HEIGHT: f64 = 180.0;
/// Around a panel: left for numbers, right, and between panels for their titles.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const GAP: f64 = 50.0;
const TICKS: u32 = 4;

/// Curves with one scale.
pub struct Panel {
    pub title: &'static str,
    /// Colour and values of each.
    pub curves: Vec<(&'static str, Vec<f64>)>,
}

/// Panels that begin at zero, so that growth looks as large as it is; `at` are the samples' places from left to right.
pub fn svg(title: &str, at: &[f64], panels: &[Panel]) -> String {
    let height = GAP + panels.len() as f64 * (PANEL_HEIGHT + GAP);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{}</text>\n",
        escaped(title)
    );
    for (number, panel) in panels.iter().enumerate() {
        let top = GAP + number as f64 * (PANEL_HEIGHT + GAP);
        text += &panel.drawn(top, at);
    }
    text + "</svg>\n"
}

impl Panel {
    fn drawn(&self, top: f64, at: &[f64]) -> String {
        let (bottom, plot_width) = (top + PANEL_HEIGHT, WIDTH - LEFT - RIGHT);
        let most = round_up(self.curves.iter().flat_map(|(_, values)| values).copied().fold(0.0, f64::max));
        let end = at.last().copied().unwrap_or(1.0);
        let x = |place: f64| LEFT + plot_width * place / end;
        let y = |value: f64| bottom - PANEL_HEIGHT * value / most;
        let mut text = format!("<text x=\"{LEFT}\" y=\"{}\">{}</text>\n", top - 8.0, self.title);
        for tick in 0..=TICKS {
            let part = f64::from(tick) / f64::from(TICKS);
            let (at_x, at_y) = (x(part * end), y(part * most));
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "<path d=\"M{LEFT} {at_y:.1}h{plot_width}\" stroke=\"#ddd\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
                 <text x=\"{at_x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                LEFT - 6.0,
                at_y + 4.0,
                part * most,
                bottom + 16.0,
                (part * end).round(),
            );
        }
        for (colour, values) in &self.curves {
            let points = at.iter().zip(values).map(|(place, value)| format!("{:.1},{:.1}", x(*place), y(*value)));
            let points = points.collect::<Vec<_>>().join(" ");
            let _ = writeln!(
                text,
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
            );
        }
        text
    }
}

/// The next of 1, 2, 4, 8 times a power of ten, so that quarters are short numbers.
fn round_up(value: f64) -> f64 {
    let power = 10f64.powf(value.max(1e-3).log10().floor());
    [1.0, 2.0, 4.0, 8.0, 10.0].into_iter().map(|step| step * power).find(|step| *step >= value).unwrap_or(value)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_go_from_left_to_right_and_higher_is_more() {
        let memory = Panel { title: "memory", curves: vec![("red", vec![1.0, 2.0]), ("blue", vec![0.0, 0.0])] };
        let picture = svg("model=a<b", &[100.0, 200.0], &[memory]);
        assert!(picture.contains("a&lt;b") && picture.ends_with("</svg>\n"));
        // Values from 0 to 2 between 230 and 50; frames from 0 to 200 between 70 and 780.
        assert!(picture.contains("points=\"425.0,140.0 780.0,50.0\""), "{picture}");
        assert_eq!(picture.matches("<polyline").count(), 2);
    }

    #[test]
    fn the_scale_ends_at_a_short_number() {
        for (value, end) in [(0.3, 0.4), (1.0, 1.0), (3.1, 4.0), (90.0, 100.0), (205.0, 400.0)] {
            let found = round_up(value);
            assert!((found - end).abs() < 1e-9, "{value}: {found}");
        }
    }

    #[test]
    fn no_samples_are_a_picture_too() {
        let empty = Panel { title: "nothing", curves: vec![("red", Vec::new())] };
        assert!(!svg("", &[], &[empty]).contains("NaN"));
    }
}
