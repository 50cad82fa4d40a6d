//! Everything that reads what a stranger wrote. A target takes any bytes and answers with what it made of them or with an
//! error; it must not panic, and it must come to an end.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sa3::config::{ModelConfig, Recommendations};
use sa3::export::Reader;
use sa3::prompt::Prompt;
use sa3::text::Tokenizer;
use sa3::weights::{Checkpoint, TensorSource, agreement, bundled};

use crate::corpus;

/// What became of an input, in words.
pub type Outcome = Result<String, String>;

/// A reader under test.
pub struct Target {
    /// Also the name of its folder in the corpus.
    pub name: &'static str,
    /// Reads one input.
    pub run: fn(&[u8]) -> Outcome,
    /// Parts that its inputs are made of.
    pub words: &'static [&'static [u8]],
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target { name: "checkpoint", run: checkpoint, words: CHECKPOINT_WORDS },
    Target { name: "index", run: index, words: JSON_WORDS },
    Target { name: "config", run: config, words: JSON_WORDS },
    Target { name: "recommendations", run: recommendations, words: JSON_WORDS },
    Target { name: "tokenizer", run: tokenizer, words: JSON_WORDS },
    Target { name: "phrase", run: phrase, words: PHRASE_WORDS },
    Target { name: "lines", run: lines, words: LINE_WORDS },
];

const CHECKPOINT_WORDS: &[&[u8]] = &[
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"data.pkl",
    b"data/0",
    b"(",
    b"t",
    b"}",
    b"u",
    b"R",
    b"Q",
    b".",
    b"\x85",
    b"\x8a\x08",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch\nBFloat16Storage\n",
    b"ccollections\nOrderedDict\n)R",
    b"X\x05\0\0\0model",
    b"\"dtype\":\"BF16\"",
    b"\"data_offsets\":[0,0]",
    b"\"shape\":[0,9223372036854775807]",
    b"detector.",
    b"tracker.model.",
    b"\"__metadata__\":{}",
    b"in_proj_weight",
];

const JSON_WORDS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\"",
    b"null",
    b"true",
    b"1e999",
    b"-1",
    b"0",
    b"9223372036854775807",
    b"9223372036854775808",
    b"1048576",
    b"0.5",
    b"\"\\ud800\"",
    b"\"weight_map\":",
    b"\"vision_config\":",
    b"\"backbone_config\":",
    b"\"image_size\":",
    b"\"patch_size\":",
    b"\"window_size\":",
    b"\"num_attention_heads\":",
    b"\"hidden_size\":",
    b"\"global_attn_indexes\":[-1]",
    b"\"scale_factors\":[]",
    b"\"detector_config\":",
    b"\"type\":\"ByteLevel\"",
    b"\"pattern\":{\"Regex\":\"(((a*)*)*)*b\"}",
    b"\"merges\":[[]]",
    b"\"vocab\":{}",
];

const PHRASE_WORDS: &[&[u8]] = &[
    b";",
    b" ",
    b"\n",
    b"\0",
    b"<|startoftext|>",
    b"<|endoftext|>",
    b"'s",
    b"\xcc\x81",
    b"\xe2\x80\x8d",
    b"\xf0\x9f\x90\xb6",
    b"\xef\xbf\xbd",
    b"\xff",
    b"&amp;",
    b"aaaaaaaaaaaaaaaa",
];

const LINE_WORDS: &[&[u8]] = &[
    b"\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"null",
    b"-1",
    b"1e300",
    b"1e-300",
    b"16384",
    b"4294967295",
    b"18446744073709551615",
    b"\"counts\":\"",
    b"\"size\":[16384,16384]",
    b"\"width\":16384",
    b"\"coordinates\":\"normalised\"",
    b"\"segmentation\":[[0,0,9,0,9,9]]",
    b"\"segmentation\":[[-1e9,1e9,3]]",
    b"\"soft_mask\":{\"size\":[2,2],\"zlib\":\"",
    b"\"semantic_maps\":[",
    b"PPPPPPPPPP",
    b"oooooooo0",
];

fn words(error: sa3::Error) -> String {
    error.to_string()
}

/// safetensors and torch, told apart by their bytes; every tensor is read.
fn checkpoint(input: &[u8]) -> Outcome {
    read_all(&Checkpoint::from_bytes("the input", input.to_vec()).map_err(words)?)
}

fn read_all(checkpoint: &Checkpoint) -> Outcome {
    let names = checkpoint.names();
    for name in &names {
        let shape = checkpoint.shape(name).ok_or("a name without a shape")?;
        let tensor = checkpoint.read(name).map_err(words)?;
        assert_eq!(tensor.size(), shape, "{name}");
    }
    Ok(format!("{} tensors", names.len()))
}

/// The input as the index beside one shard.
fn index(input: &[u8]) -> Outcome {
    let path = folder().join("model.safetensors.index.json");
    corpus::write_over(&path, input);
    read_all(&Checkpoint::open(&path).map_err(words)?)
}

/// With a shard of one tensor; stays for the life of the process, so that inputs take their turns in it.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("sa3-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written to");
        let header = br#"{"text_projection.bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}       "#;
        let length = header.len() as u64;
        let shard = [&length.to_le_bytes()[..], header, &[0; 8]].concat();
        std::fs::write(folder.join("model-00001-of-00001.safetensors"), shard).expect("as the folder");
        folder
    })
}

/// Removes what the targets wrote.
pub fn clean_up() {
    let _ = std::fs::remove_dir_all(folder());
}

fn config(input: &[u8]) -> Outcome {
    let config = ModelConfig::from_json(&String::from_utf8_lossy(input)).map_err(words)?;
    let nano = Checkpoint::from_bytes("nano", bundled().ok_or("built without the bundled model")?.weights);
    let agrees = agreement::check(&config, &nano.map_err(words)?).is_ok();
    Ok(format!("{} {} {agrees}", config.native_size() > 0, config.size_multiple() > 0))
}

fn recommendations(input: &[u8]) -> Outcome {
    Recommendations::from_json(&String::from_utf8_lossy(input)).map(|_| "read".into()).map_err(words)
}

fn tokenizer(input: &[u8]) -> Outcome {
    let tokenizer = Tokenizer::from_json(input, 32).map_err(words)?;
    for text in ["", "ab ba", "a;b 🐶 <|endoftext|>"] {
        tokenizer.notices(text);
        if let Ok(tokens) = tokenizer.encode(text) {
            assert!(tokens.ids.len() <= 32, "{} tokens", tokens.ids.len());
        }
    }
    Ok("read".into())
}

/// The text of a prompt property, through the bundled tokenizer.
fn phrase(input: &[u8]) -> Outcome {
    static TOKENIZER: OnceLock<Option<Tokenizer>> = OnceLock::new();
    let bundled = || Tokenizer::from_json(bundled()?.tokenizer, 32).ok();
    let tokenizer = TOKENIZER.get_or_init(bundled).as_ref().ok_or("built without the bundled model")?;
    let prompts = Prompt::list_from_text(&String::from_utf8_lossy(input));
    for prompt in &prompts {
        tokenizer.notices(&prompt.text);
        let ids = tokenizer.encode(&prompt.text).map_err(words)?.ids;
        let is_framed = ids.first() == Some(&49_406) && ids.last() == Some(&49_407);
        assert!(ids.len() <= 32 && is_framed, "{:?} gives {ids:?}", prompt.text);
    }
    Ok(format!("{} prompts", prompts.len()))
}

/// The input as a file for `maskattach`; every mask of every line is made.
fn lines(input: &[u8]) -> Outcome {
    let path = folder().join("lines.jsonl");
    corpus::write_over(&path, input);
    let mut reader = Reader::open(&path).map_err(words)?;
    let (mut frames, mut masks) = (0, 0);
    while let Some((line, record)) = reader.next_record().map_err(words)? {
        let found = record.objects().map_err(|cause| reader.refusal(line, &cause).to_string())?;
        let found = found.unwrap_or_default();
        for object in &found.items {
            assert!(object.box_in_frame.x1.is_finite() && object.score.is_finite(), "line {line}");
        }
        let maps = found.semantic_maps.iter().map(|map| &map.map);
        for mask in found.items.iter().map(|object| &object.mask).chain(maps) {
            assert_eq!(mask.bytes().len(), mask.width as usize * mask.height as usize, "line {line}");
            masks += 1;
        }
        frames += 1;
    }
    Ok(format!("{frames} frames, {masks} masks"))
}
