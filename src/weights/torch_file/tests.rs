//! Files of torch as they are, and as an attacker or a broken copy makes them.

use super::*;
use tch::{Device, Kind, Tensor};

/// How an archive is to differ from what torch writes.
#[derive(Default, Clone, Copy)]
struct Fault {
    method: u16,
    flags: u16,
    /// Added to the size of every entry but the last.
    claimed_bytes: u32,
    /// Added to the place of every entry but the first.
    shift: i32,
    is_zip64: bool,
}

fn zip(entries: &[(&str, &[u8])], fault: Fault) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (index, (name, data)) in entries.iter().enumerate() {
        let place = (file.len() as i32 + if index == 0 { 0 } else { fault.shift }) as u32;
        let bytes = data.len() as u32 + if index + 1 < entries.len() { fault.claimed_bytes } else { 0 };
        let lengths = [(name.len() as u16).to_le_bytes(), 0u16.to_le_bytes()].concat();
        let head = [20u16, fault.flags, fault.method, 0, 0].map(u16::to_le_bytes).concat();
        let sizes = [0, bytes, bytes].map(u32::to_le_bytes).concat();
        file.extend([b"PK\x03\x04", &head[..], &sizes, &lengths, name.as_bytes(), data].concat());
        let extra = if fault.is_zip64 {
            let numbers = [u64::from(bytes), u64::from(bytes), u64::from(place)].map(u64::to_le_bytes).concat();
            [&b"\x01\x00\x18\x00"[..], &numbers].concat()
        } else {
            Vec::new()
        };
        let (sizes, place) = if fault.is_zip64 {
            ([0, u32::MAX, u32::MAX].map(u32::to_le_bytes).concat(), u32::MAX)
        } else {
            (sizes, place)
        };
        let lengths = [name.len() as u16, extra.len() as u16, 0, 0, 0, 0, 0].map(u16::to_le_bytes).concat();
        let line = [b"PK\x01\x02\x00\x00", &head[..], &sizes, &lengths, &place.to_le_bytes(), name.as_bytes(), &extra];
        directory.extend(line.concat());
    }
    let (start, count) = (file.len() as u64, entries.len() as u64);
    let directory_bytes = directory.len() as u64;
    file.extend(directory);
    if !fault.is_zip64 {
        let counts = [0, 0, count as u16, count as u16].map(u16::to_le_bytes).concat();
        let places = [directory_bytes as u32, start as u32].map(u32::to_le_bytes).concat();
        file.extend([b"PK\x05\x06", &counts[..], &places, b"\0\0"].concat());
        return file;
    }
    let end = file.len() as u64;
    let numbers = [count, count, directory_bytes, start].map(u64::to_le_bytes).concat();
    file.extend([b"PK\x06\x06", &44u64.to_le_bytes()[..], &[0; 12], &numbers].concat());
    file.extend([b"PK\x06\x07", &[0; 4][..], &end.to_le_bytes(), &[1, 0, 0, 0]].concat());
    file.extend([&b"PK\x05\x06"[..], &[0xff; 16], b"\0\0"].concat());
    file
}

fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

fn ints(numbers: &[i32]) -> Vec<u8> {
    let pushed = numbers.iter().flat_map(|number| [b"J", &number.to_le_bytes()[..]].concat());
    [b"(", &pushed.collect::<Vec<u8>>()[..], b"t"].concat()
}

/// A name and its tensor, as pickled.
fn tensor(name: &str, storage: &str, count: i32, offset: i32, shape: &[i32], strides: &[i32]) -> Vec<u8> {
    let class = format!("ctorch\n{storage}\n");
    let storage = [&b"("[..], &text("storage"), class.as_bytes(), &text("0"), &text("cpu")].concat();
    [
        &text(name)[..],
        b"ctorch._utils\n_rebuild_tensor_v2\n(",
        &storage,
        b"J",
        &count.to_le_bytes(),
        b"tQJ",
        &offset.to_le_bytes(),
        &ints(shape),
        &ints(strides),
        b"\x89ccollections\nOrderedDict\n)RtR",
    ]
    .concat()
}

fn dictionary(items: &[u8]) -> Vec<u8> {
    [b"\x80\x02}(", items, b"u."].concat()
}

/// An archive with `program` and one storage, the numbers 0 to 5.
fn archive(program: &[u8], fault: Fault) -> Vec<u8> {
    let data: Vec<u8> = (0..6u8).flat_map(|number| f32::from(number).to_le_bytes()).collect();
    zip(&[("sam3/data.pkl", program), ("sam3/byteorder", b"little"), ("sam3/data/0", &data)], fault)
}

fn sound() -> Vec<u8> {
    dictionary(
        &[tensor("a", "FloatStorage", 6, 0, &[2, 3], &[3, 1]), tensor("b", "FloatStorage", 6, 1, &[2], &[2])].concat(),
    )
}

fn read(file: &[u8]) -> Result<Vec<(String, Vec<f32>)>> {
    let numbers = |(name, stored): (String, Stored)| {
        let mut target = Tensor::zeros(&stored.shape, (Kind::Float, Device::Cpu));
        let copied = super::super::bytes::copy(file, &stored, &mut target);
        copied.map_err(|report| Error::Weights { report })?;
        Ok((name, Vec::try_from(target.flatten(0, -1)).unwrap_or_default()))
    };
    tensors(Path::new("sam3.pt"), file, 0)?.into_iter().map(numbers).collect()
}

fn refusal(file: &[u8]) -> String {
    read(file).unwrap_err().to_string()
}

#[test]
fn tensors_are_windows_on_their_storage() {
    let expected = vec![("a".into(), vec![0., 1., 2., 3., 4., 5.]), ("b".into(), vec![1., 3.])];
    assert_eq!(read(&archive(&sound(), Fault::default())).unwrap(), expected);
    assert_eq!(read(&archive(&sound(), Fault { is_zip64: true, ..Fault::default() })).unwrap(), expected);
    let inner = tensor("a", "FloatStorage", 6, 0, &[2, 3], &[3, 1]);
    let model = dictionary(&[&text("epoch")[..], b"K\x05", &text("model"), b"}(", &inner, b"u"].concat());
    assert_eq!(read(&archive(&model, Fault::default())).unwrap(), expected[..1]);
    let parameter = [&text("a")[..], b"ctorch._utils\n_rebuild_parameter\n(", &inner[6..], b"\x88NtR"].concat();
    assert_eq!(read(&archive(&dictionary(&parameter), Fault::default())).unwrap(), expected[..1]);
    let attributes = [&text("model")[..], b"ccollections\nOrderedDict\n)R(", &inner, b"u}", &text("v"), b"K\x01sb"];
    assert_eq!(read(&archive(&dictionary(&attributes.concat()), Fault::default())).unwrap(), expected[..1]);
}

#[test]
fn programs_that_want_more_than_tensors_are_refused() {
    let item = |value: &[u8]| dictionary(&[&text("a"), value].concat());
    let deep = [&b"\x80\x02)"[..], &[0x85; 200_000], b"."].concat();
    let nine = [1; 9];
    for (program, words) in [
        (item(b"cos\nsystem\n(X\x02\0\0\0idtR"), "os.system"),
        (item(b"\x8c\x08builtins\x8c\x04eval\x93"), "builtins.eval"),
        (item(b"cnumpy.core.multiarray\nscalar\n"), "numpy.core.multiarray.scalar"),
        (item(b"(ios\nsystem\n"), "object of its own"),
        (item(b"ccollections\nOrderedDict\n)\x81"), "object of its own"),
        (item(b"ccollections\nOrderedDict\nK\x01\x85R"), "do not fit"),
        (item(b"ctorch\nFloatStorage\n)R"), "do not fit"),
        (item(b"K\x01)R"), "no function"),
        (item(b"K\x01}b"), "attributes"),
        (item(b"h\x07"), "value 7"),
        (item(b"\x8a\x09123456789"), "9 bytes"),
        (item(b"X\xff\xff\xff\xff"), "cut off"),
        (item(b"X\x01\0\0\0\xff"), "not text"),
        (item(b"K\x05"), "a is no tensor"),
        (item(b"(K\x05"), "no dictionary"),
        (b"\x80\x09.".to_vec(), "protocol 9"),
        (b"\x80\x02".to_vec(), "cut off"),
        (b".".to_vec(), "none"),
        (b"t".to_vec(), "did not open"),
        (b"P1\n.".to_vec(), "0x50"),
        (b"K\x05.".to_vec(), "dictionary of tensors"),
        (b"(K\x05K\x06l.".to_vec(), "0x6c"),
        (deep, "dictionary of tensors"),
        (dictionary(b"K\x01K\x02"), "no text"),
        (dictionary(&tensor("a", "FloatStorage", 7, 0, &[2], &[1])), "24 bytes instead of 7"),
        (dictionary(&tensor("a", "FloatStorage", -1, 0, &[2], &[1])), "instead of -1"),
        (dictionary(&tensor("a", "FloatStorage", 6, 5, &[2], &[1])), "leaves its storage"),
        (dictionary(&tensor("a", "FloatStorage", 6, -1, &[2], &[1])), "leaves its storage"),
        (dictionary(&tensor("a", "FloatStorage", 6, 0, &[2_000_000_000], &[0])), "leaves its storage"),
        (dictionary(&tensor("a", "FloatStorage", 6, 0, &nine, &nine)), "do not fit"),
        (dictionary(&tensor("a", "LongStorage", 3, 0, &[3], &[1])), "of type I64"),
        (dictionary(&tensor("a", "QInt8Storage", 3, 0, &[3], &[1])), "torch.QInt8Storage"),
    ] {
        let text = refusal(&archive(&program, Fault::default()));
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn archives_that_claim_what_is_not_there_are_refused() {
    let with = |fault| refusal(&archive(&sound(), fault));
    assert!(with(Fault { method: 8, ..Fault::default() }).contains("compressed"));
    assert!(with(Fault { flags: 1, ..Fault::default() }).contains("encrypted"));
    assert!(with(Fault { claimed_bytes: 60, ..Fault::default() }).contains("overlap"));
    assert!(with(Fault { claimed_bytes: u32::MAX / 2, ..Fault::default() }).contains("not where"));
    assert!(with(Fault { shift: 1, ..Fault::default() }).contains("not where"));
    let of = |entries: &[(&str, &[u8])]| refusal(&zip(entries, Fault::default()));
    assert!(of(&[("a/data.pkl", b""), ("b/data.pkl", b"")]).contains("2 entries data.pkl"));
    assert!(of(&[("a/data.pkl", b""), ("a/data.pkl", b"")]).contains("two entries"));
    assert!(of(&[("readme.txt", b"")]).contains("0 entries data.pkl"));
    assert!(of(&[("a/data.pkl", b"}."), ("a/byteorder", b"big")]).contains("little-endian"));
    assert!(of(&[("a/data.pkl", &sound())]).contains("a/data/0 is not in the archive"));
    assert!(refusal(LEGACY_MAGIC).contains("1.6"));
}

#[test]
fn a_file_cut_anywhere_or_with_any_bit_turned_never_misleads() {
    let intact = archive(&sound(), Fault::default());
    for length in 2..intact.len() {
        assert!(refusal(&intact[..length]).contains("cut off"), "{length}");
    }
    for at in 0..intact.len() {
        for bit in 0..8 {
            let mut turned = intact.clone();
            turned[at] ^= 1 << bit;
            // What still is a file of torch may have other names and numbers; what matters is that reading ends.
            let _ = read(&turned);
        }
    }
}
