//! The directory of a zip archive whose entries are stored as they are, the only kind that torch writes.
//!
//! Everything is checked against the bytes at hand: whatever an archive claims, an entry is a range of the file that no
//! other entry shares, or the archive is refused. Nothing is decompressed, so no small file can become a large one.

use std::collections::BTreeMap;
use std::ops::Range;

const LOCAL_HEADER: u32 = 0x0403_4b50;
const DIRECTORY_ENTRY: u32 = 0x0201_4b50;
const DIRECTORY_END: u32 = 0x0605_4b50;
const DIRECTORY_END_64: u32 = 0x0606_4b50;
const DIRECTORY_END_64_LOCATOR: u32 = 0x0706_4b50;

const DIRECTORY_END_BYTES: usize = 22;
const DIRECTORY_END_64_BYTES: usize = 56;
const LOCATOR_BYTES: usize = 20;
const DIRECTORY_ENTRY_BYTES: usize = 46;
const LOCAL_HEADER_BYTES: usize = 30;
/// A comment behind the end of the directory has a length of 16 bits.
const MAX_COMMENT_BYTES: usize = u16::MAX as usize;
const EXTRA_ZIP64: u16 = 1;
const FLAG_ENCRYPTED: u16 = 1;
const METHOD_STORED: u16 = 0;
/// "Look in the zip64 field".
const IN_ZIP64: u64 = u32::MAX as u64;

/// Where each entry's bytes stand in the file, by name.
pub(super) type Entries = BTreeMap<String, Range<usize>>;

/// Reads the directory.
///
/// # Errors
/// In words, when the archive is cut off, damaged or of another kind.
pub(super) fn entries(file: &[u8]) -> Result<Entries, String> {
    let directory = directory(file)?;
    let mut at = directory.range.start;
    let mut entries = Entries::new();
    for _ in 0..directory.count {
        let entry = Entry::read(&file[..directory.range.end], at)?;
        at = entry.next;
        let data = entry.data(file, directory.range.start)?;
        if entries.insert(entry.name.clone(), data).is_some() {
            return Err(format!("it has two entries called {}", entry.name));
        }
    }
    refuse_overlaps(&entries)?;
    Ok(entries)
}

struct Directory {
    range: Range<usize>,
    count: u64,
}

fn directory(file: &[u8]) -> Result<Directory, String> {
    let cut_off = || "its directory is missing: the file is cut off".to_string();
    let latest = file.len().checked_sub(DIRECTORY_END_BYTES).ok_or_else(cut_off)?;
    let earliest = latest.saturating_sub(MAX_COMMENT_BYTES);
    let is_end = |&at: &usize| {
        let comment_bytes = u16_at(file, at + 20).map(usize::from);
        u32_at(file, at) == Some(DIRECTORY_END) && comment_bytes == Some(latest - at)
    };
    let end = (earliest..=latest).rev().find(is_end).ok_or_else(cut_off)?;
    let damaged = || "its directory is damaged".to_string();
    let field16 = |at| u16_at(file, end + at).map(u64::from).ok_or_else(damaged);
    let field32 = |at| u32_at(file, end + at).map(u64::from).ok_or_else(damaged);
    if (field16(4)?, field16(6)?) != (0, 0) && (field16(4)?, field16(6)?) != (0xffff, 0xffff) {
        return Err("it is one of several parts".into());
    }
    let (mut count, mut bytes, mut start) = (field16(10)?, field32(12)?, field32(16)?);
    if count == u64::from(u16::MAX) || bytes == IN_ZIP64 || start == IN_ZIP64 {
        (count, bytes, start) = zip64_directory(file, end).ok_or_else(damaged)?;
    }
    let start = usize::try_from(start).map_err(|_| damaged())?;
    let past = usize::try_from(bytes).ok().and_then(|bytes| start.checked_add(bytes)).ok_or_else(damaged)?;
    if past > end {
        return Err(damaged());
    }
    Ok(Directory { range: start..past, count })
}

/// Number of entries, size and place of the directory.
fn zip64_directory(file: &[u8], end: usize) -> Option<(u64, u64, u64)> {
    let locator = end.checked_sub(LOCATOR_BYTES)?;
    let at = usize::try_from(u64_at(file, locator + 8)?).ok()?;
    let is_whole = at.checked_add(DIRECTORY_END_64_BYTES)? <= locator;
    let is_right = u32_at(file, locator)? == DIRECTORY_END_64_LOCATOR && u32_at(file, at)? == DIRECTORY_END_64;
    (is_whole && is_right).then_some(())?;
    Some((u64_at(file, at + 32)?, u64_at(file, at + 40)?, u64_at(file, at + 48)?))
}

/// One line of the directory.
struct Entry {
    name: String,
    bytes: u64,
    local_header: u64,
    next: usize,
}

impl Entry {
    fn read(directory: &[u8], at: usize) -> Result<Self, String> {
        Self::parse(directory, at).ok_or("its directory is damaged")?
    }

    /// `None` when the line is not whole.
    fn parse(directory: &[u8], at: usize) -> Option<Result<Self, String>> {
        (u32_at(directory, at)? == DIRECTORY_ENTRY).then_some(())?;
        let (flags, method) = (u16_at(directory, at + 8)?, u16_at(directory, at + 10)?);
        let mut sizes = [20, 24, 42]
            .map(|field| u32_at(directory, at + field).map(u64::from))
            .into_iter()
            .collect::<Option<Vec<_>>>()?;
        let lengths = [28, 30, 32].map(|field| u16_at(directory, at + field).map(usize::from));
        let [name_bytes, extra_bytes, comment_bytes] = lengths;
        let name_at = at + DIRECTORY_ENTRY_BYTES;
        let extra_at = name_at + name_bytes?;
        let name = String::from_utf8_lossy(directory.get(name_at..extra_at)?).into_owned();
        let extra = directory.get(extra_at..extra_at + extra_bytes?)?;
        read_zip64(extra, &mut sizes)?;
        let (packed, bytes, local_header) = (sizes[0], sizes[1], sizes[2]);
        if flags & FLAG_ENCRYPTED != 0 {
            return Some(Err(format!("its entry {name} is encrypted")));
        }
        if method != METHOD_STORED || packed != bytes {
            return Some(Err(format!("its entry {name} is compressed, which torch never does")));
        }
        Some(Ok(Self { name, bytes, local_header, next: extra_at + extra_bytes? + comment_bytes? }))
    }

    /// The bytes themselves, which stand behind a second header and before the directory.
    fn data(&self, file: &[u8], directory_start: usize) -> Result<Range<usize>, String> {
        let place = || {
            let header = usize::try_from(self.local_header).ok()?;
            (u32_at(file, header)? == LOCAL_HEADER && u16_at(file, header + 8)? == METHOD_STORED).then_some(())?;
            let (name, extra) = (u16_at(file, header + 26)?, u16_at(file, header + 28)?);
            let start = header.checked_add(LOCAL_HEADER_BYTES + usize::from(name) + usize::from(extra))?;
            let end = start.checked_add(usize::try_from(self.bytes).ok()?)?;
            (end <= directory_start).then_some(start..end)
        };
        place().ok_or_else(|| format!("its entry {} is not where the directory says", self.name))
    }
}

/// Replaces sizes that did not fit into 32 bits; `None` when their field is missing or cut off.
fn read_zip64(mut extra: &[u8], sizes: &mut [u64]) -> Option<()> {
    // The order in the field is that of uncompressed size, compressed size, place.
    let mut wanted: Vec<usize> = [1, 0, 2].into_iter().filter(|&index| sizes[index] == IN_ZIP64).collect();
    while !wanted.is_empty() {
        let (tag, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
        let field = extra.get(4..4 + length)?;
        if tag == EXTRA_ZIP64 {
            for (position, index) in wanted.drain(..).enumerate() {
                sizes[index] = u64_at(field, 8 * position)?;
            }
        }
        extra = &extra[4 + length..];
    }
    Some(())
}

fn refuse_overlaps(entries: &Entries) -> Result<(), String> {
    let mut ranges: Vec<_> = entries.iter().filter(|(_, range)| !range.is_empty()).collect();
    ranges.sort_by_key(|(_, range)| range.start);
    match ranges.windows(2).find(|pair| pair[0].1.end > pair[1].1.start) {
        Some(pair) => Err(format!("its entries {} and {} overlap", pair[0].0, pair[1].0)),
        None => Ok(()),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
