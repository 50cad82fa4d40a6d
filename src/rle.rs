//! Masks as run lengths, equal to those of COCO and pycocotools: column after column, outside first.

/// A mask of one size. Runs alternate between outside and inside, and no run but the first is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rle {
    width: u32,
    height: u32,
    runs: Vec<u32>,
}

/// Largest number of pixels that a mask may have.
const PIXELS_MAX: u64 = 1 << 28;

impl Rle {
    /// A mask from the lengths of its runs.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence, when the runs do not fill the picture.
    pub fn from_runs(width: u32, height: u32, runs: impl IntoIterator<Item = u32>) -> Result<Self, String> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || pixels > PIXELS_MAX {
            return Err(format!("a mask of {width}x{height} pixels; legal are 1 to {PIXELS_MAX} pixels"));
        }
        let mut writer = RunWriter::default();
        let mut total = 0u64;
        for (index, run) in runs.into_iter().enumerate() {
            total += u64::from(run);
            if total > pixels {
                return Err(format!("runs longer than the {pixels} pixels of {width}x{height}"));
            }
            writer.push(run, index % 2 == 1);
        }
        if total != pixels {
            return Err(format!("runs of {total} pixels in all, where {width}x{height} has {pixels}"));
        }
        Ok(Self { width, height, runs: writer.runs })
    }

    /// A mask from COCO's compressed text: differences to the run before the last, in groups of five bits.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn from_text(width: u32, height: u32, text: &str) -> Result<Self, String> {
        let mut runs: Vec<i64> = Vec::new();
        let mut bytes = text.bytes();
        while let Some(mut value) = read_number(&mut bytes)? {
            if runs.len() > 2 {
                value += runs[runs.len() - 2];
            }
            runs.push(value);
        }
        let checked = runs.into_iter().map(|run| u32::try_from(run).map_err(|_| format!("a run of {run} pixels")));
        Self::from_runs(width, height, checked.collect::<Result<Vec<_>, _>>()?)
    }

    /// COCO's compressed text.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (index, &run) in self.runs.iter().enumerate() {
            let before = if index > 2 { i64::from(self.runs[index - 2]) } else { 0 };
            write_number(i64::from(run) - before, &mut text);
        }
        text
    }

    /// The mask of the pixels that are true, first row first.
    ///
    /// # Panics
    /// When there are not `width * height` of them, or none.
    pub fn from_pixels(width: u32, height: u32, inside: &[bool]) -> Self {
        let labels: Vec<u8> = inside.iter().map(|&inside| u8::from(inside)).collect();
        let mut masks = Self::from_labels(width, height, &labels);
        masks.pop().map_or_else(|| Self::empty(width, height), |(_, mask)| mask)
    }

    /// A mask from the ascending positions, counted down the columns, at which it is entered and left in turn.
    pub(crate) fn from_crossings(width: u32, height: u32, positions: &[u32]) -> Self {
        let (mut writer, mut end) = (RunWriter::default(), 0);
        for (index, &position) in positions.iter().enumerate() {
            writer.push(position - end, index % 2 == 1);
            end = position;
        }
        writer.push(width * height - end, false);
        Self { width, height, runs: writer.runs }
    }

    /// A mask with nothing inside.
    pub fn empty(width: u32, height: u32) -> Self {
        Self { width, height, runs: vec![width * height] }
    }

    /// One mask for each label but 0, in the labels' order; labels are given first row first.
    ///
    /// # Panics
    /// When there are not `width * height` labels.
    pub fn from_labels(width: u32, height: u32, labels: &[u8]) -> Vec<(u8, Self)> {
        let (columns, rows) = (width as usize, height as usize);
        assert_eq!(labels.len(), columns * rows, "one label for each pixel");
        let mut masks: Vec<LabelRuns> = (0..=u8::MAX).map(|_| LabelRuns::default()).collect();
        let (mut current, mut began) = (0u8, 0u32);
        let by_column = (0..columns).flat_map(|x| (0..rows).map(move |y| labels[y * columns + x]));
        for (position, label) in (0u32..).zip(by_column) {
            if label != current {
                masks[usize::from(current)].add(began, position);
                (current, began) = (label, position);
            }
        }
        masks[usize::from(current)].add(began, width * height);
        let filled = (0..=u8::MAX).zip(masks).skip(1).filter(|(_, mask): &(u8, LabelRuns)| mask.end > 0);
        filled.map(|(label, mask)| (label, mask.finish(width, height))).collect()
    }

    /// Columns.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Pixels inside.
    pub fn area(&self) -> u64 {
        self.runs.iter().skip(1).step_by(2).map(|&run| u64::from(run)).sum()
    }

    /// Positions of the runs inside: first pixel and the one after the last, counted column after column.
    pub fn spans(&self) -> impl Iterator<Item = (u32, u32)> {
        self.runs.chunks(2).scan(0, |end, runs| {
            let first = *end + runs[0];
            *end = first + runs.get(1).copied().unwrap_or(0);
            Some((first, *end)).filter(|_| runs.len() == 2)
        })
    }

    /// True inside, first row first.
    pub fn to_pixels(&self) -> Vec<bool> {
        let (columns, rows) = (self.width as usize, self.height as usize);
        let mut inside = vec![false; columns * rows];
        for position in self.spans().flat_map(|(first, end)| first as usize..end as usize) {
            inside[position % rows * columns + position / rows] = true;
        }
        inside
    }

    /// 255 inside and 0 outside, first row first.
    pub fn to_levels(&self) -> Vec<u8> {
        let (columns, rows) = (self.width as usize, self.height as usize);
        let mut levels = vec![0; columns * rows];
        for (first, end) in self.spans() {
            for position in first as usize..end as usize {
                levels[position % rows * columns + position / rows] = 255;
            }
        }
        levels
    }

    /// Pixels inside both; masks of other sizes share none.
    pub fn shared_area(&self, other: &Self) -> u64 {
        let (mut ours, mut theirs) = (self.spans().peekable(), other.spans().peekable());
        let mut shared = 0;
        while let (Some(&(first, end)), Some(&(other_first, other_end))) = (ours.peek(), theirs.peek()) {
            shared += u64::from(end.min(other_end).saturating_sub(first.max(other_first)));
            if end < other_end {
                ours.next()
            } else {
                theirs.next()
            };
        }
        if (self.width, self.height) == (other.width, other.height) { shared } else { 0 }
    }

    /// Intersection over union; 0 when both are empty.
    pub fn iou(&self, other: &Self) -> f64 {
        let shared = self.shared_area(other);
        let either = self.area() + other.area() - shared;
        if either > 0 { shared as f64 / either as f64 } else { 0.0 }
    }

    /// What is inside this mask or the other, which has the same size.
    pub fn with(&self, other: &Self) -> Self {
        self.combine(other, |here, there| here || there)
    }

    /// What is inside this mask and outside the other, which has the same size.
    pub fn without(&self, other: &Self) -> Self {
        self.combine(other, |here, there| here && !there)
    }

    fn combine(&self, other: &Self, rule: impl Fn(bool, bool) -> bool) -> Self {
        let (mut writer, mut position) = (RunWriter::default(), 0);
        let mut cursors = [Cursor::new(&self.runs), Cursor::new(&other.runs)];
        while let [Some(here), Some(there)] = [cursors[0].skip_to(position), cursors[1].skip_to(position)] {
            let end = here.end.min(there.end);
            writer.push(end - position, rule(here.inside, there.inside));
            position = end;
        }
        Self { width: self.width, height: self.height, runs: writer.runs }
    }
}

/// The runs of one label while a picture is gone through.
#[derive(Default)]
struct LabelRuns {
    writer: RunWriter,
    end: u32,
}

impl LabelRuns {
    fn add(&mut self, first: u32, end: u32) {
        self.writer.push(first - self.end, false);
        self.writer.push(end - first, true);
        self.end = end;
    }

    fn finish(mut self, width: u32, height: u32) -> Rle {
        self.writer.push(width * height - self.end, false);
        Rle { width, height, runs: self.writer.runs }
    }
}

/// Joins neighbours of one kind, so that equal masks have equal runs.
#[derive(Default)]
struct RunWriter {
    runs: Vec<u32>,
}

impl RunWriter {
    fn push(&mut self, length: u32, inside: bool) {
        if length == 0 {
            return;
        }
        if self.runs.is_empty() && inside {
            self.runs.push(0);
        }
        let is_last_inside = self.runs.len().is_multiple_of(2);
        match self.runs.last_mut() {
            Some(last) if is_last_inside == inside => *last += length,
            _ => self.runs.push(length),
        }
    }
}

/// A run, as its end and its kind.
#[derive(Clone, Copy)]
struct Run {
    end: u32,
    inside: bool,
}

struct Cursor<'a> {
    runs: &'a [u32],
    next: usize,
    current: Run,
}

impl<'a> Cursor<'a> {
    fn new(runs: &'a [u32]) -> Self {
        Self { runs, next: 0, current: Run { end: 0, inside: false } }
    }

    /// The run that holds a position; none after the last.
    fn skip_to(&mut self, position: u32) -> Option<Run> {
        while self.current.end <= position {
            let length = self.runs.get(self.next)?;
            self.current = Run { end: self.current.end + length, inside: self.next % 2 == 1 };
            self.next += 1;
        }
        Some(self.current)
    }
}

/// Five bits a character, from the lowest; bit 5 says that more follow, the last group's bit 4 is the sign.
fn read_number(bytes: &mut impl Iterator<Item = u8>) -> Result<Option<i64>, String> {
    let mut value = 0i64;
    for group in 0.. {
        let Some(byte) = bytes.next() else {
            return if group == 0 { Ok(None) } else { Err("run lengths that end in the middle of a number".into()) };
        };
        let bits =
            i64::from(byte.checked_sub(48).filter(|&bits| bits < 64).ok_or_else(|| {
                format!("the character {:?} in run lengths, which have '0' to 'o'", char::from(byte))
            })?);
        if group > 6 {
            return Err("a run length of more than 35 bits".into());
        }
        value |= (bits & 0x1f) << (5 * group);
        if bits & 0x20 == 0 {
            let is_negative = bits & 0x10 != 0;
            return Ok(Some(if is_negative { value | (-1 << (5 * (group + 1))) } else { value }));
        }
    }
    Ok(None)
}

fn write_number(mut value: i64, text: &mut String) {
    loop {
        let bits = (value & 0x1f) as u8;
        value >>= 5;
        let is_last = value == if bits & 0x10 != 0 { -1 } else { 0 };
        text.push(char::from(48 + bits + if is_last { 0 } else { 0x20 }));
        if is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> Rle {
        let inside: Vec<bool> = rows.iter().flat_map(|row| row.bytes().map(|byte| byte == b'#')).collect();
        Rle::from_pixels(rows[0].len() as u32, rows.len() as u32, &inside)
    }

    #[test]
    fn runs_go_down_the_columns_and_begin_outside() {
        let corner = mask(&["##.", "#.."]);
        assert_eq!(corner.runs, [0, 3, 3]);
        assert_eq!(corner.area(), 3);
        assert_eq!(corner.spans().collect::<Vec<_>>(), [(0, 3)]);
        assert_eq!(corner.to_pixels(), [true, true, false, true, false, false]);
        assert_eq!(mask(&["...", "..."]), Rle::empty(3, 2));
        assert_eq!(mask(&["..", ".#"]).runs, [3, 1]);
    }

    /// Values that pycocotools gives; in the second, runs are shorter than those two before them.
    #[test]
    fn text_is_that_of_pycocotools() {
        let corner = mask(&["##.", "#.."]);
        assert_eq!(corner.to_text(), "033");
        let long = Rle::from_runs(10, 100, [100, 40, 500, 10, 350]).unwrap();
        assert_eq!(long.to_text(), "T3X1d?ROZK");
        assert_eq!(Rle::from_text(10, 100, &long.to_text()), Ok(long));
        assert_eq!(Rle::from_text(3, 2, "033"), Ok(corner));
    }

    #[test]
    fn broken_text_is_refused_with_its_cause() {
        let cause = |text| Rle::from_text(3, 2, text).unwrap_err();
        assert!(cause("03").contains("3 pixels in all"), "{}", cause("03"));
        assert!(cause("09").contains("longer"), "{}", cause("09"));
        assert!(cause("0!").contains("'!'"), "{}", cause("0!"));
        assert!(cause("0P").contains("middle"), "{}", cause("0P"));
        assert!(cause("0@").contains("a run of -16"), "{}", cause("0@"));
        assert!(cause("oooooooooo").contains("35 bits"), "{}", cause("oooooooooo"));
        assert!(Rle::from_runs(0, 2, []).unwrap_err().contains("0x2"));
    }

    #[test]
    fn empty_runs_are_joined() {
        assert_eq!(Rle::from_runs(3, 2, [1, 0, 1, 2, 0, 1, 1]).unwrap().runs, [2, 3, 1]);
    }

    #[test]
    fn areas_and_sets() {
        let (left, low) = (mask(&["##..", "##.."]), mask(&["....", "####"]));
        assert_eq!((left.shared_area(&low), left.iou(&low)), (2, 2.0 / 6.0));
        assert_eq!(left.without(&low), mask(&["##..", "...."]));
        assert_eq!(left.with(&low), mask(&["##..", "####"]));
        assert_eq!(Rle::empty(4, 2).iou(&Rle::empty(4, 2)), 0.0);
    }

    #[test]
    fn each_label_has_its_mask() {
        let found = Rle::from_labels(3, 2, &[7, 0, 2, 7, 2, 2]);
        assert_eq!(found, [(2, mask(&["..#", ".##"])), (7, mask(&["#..", "#.."]))]);
    }
}
