//! The program against a stand-in for the hub: what it leaves in the cache, and what it says when something is wrong.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stand_in;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use stand_in::{COMMIT, Manners, Published, REPOSITORY, StandIn};

const SIZE: usize = 40_000;
const LICENCE: &str = "You may do this and that.\n";

/// A user's home, removed at the end.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sa3-fetch-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn root(&self) -> PathBuf {
        self.0.join("hub/models--owner--name")
    }

    fn incomplete(&self, file: &Published) -> PathBuf {
        self.root().join("blobs").join(file.checksum() + ".incomplete")
    }

    /// Exit and everything said.
    fn run(&self, endpoint: &str, arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_sa3-fetch"));
        program.env_clear().env("HOME", &self.0).env("HF_HOME", &self.0).env("HF_ENDPOINT", endpoint);
        let output = program.args(arguments).envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    }

    fn fetch(&self, stand_in: &StandIn) -> String {
        let (is_done, text) = self.run(&stand_in.endpoint, &[REPOSITORY, "--accept-licence"], &[]);
        assert!(is_done, "{text}");
        text
    }

    fn refusal(&self, stand_in: &StandIn, variables: &[(&str, &str)]) -> String {
        let (is_done, text) = self.run(&stand_in.endpoint, &[REPOSITORY, "--accept-licence"], variables);
        assert!(!is_done, "{text}");
        text
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(&self.0).unwrap().next().is_none()
    }

    fn assert_whole(&self, files: &[Published]) {
        assert_eq!(fs::read_to_string(self.root().join("refs/main")).unwrap(), COMMIT);
        let snapshot = self.root().join("snapshots").join(COMMIT);
        for file in files {
            let name = snapshot.join(file.name);
            assert_eq!(fs::read_link(&name).unwrap(), Path::new("../../blobs").join(file.checksum()), "{}", file.name);
            assert!(fs::read(&name).unwrap() == file.bytes, "{}", file.name);
        }
        assert_eq!(fs::read_dir(snapshot).unwrap().count(), files.len());
        assert_eq!(fs::read_dir(self.root().join("blobs")).unwrap().count(), files.len());
        assert_eq!(fs::read_dir(self.root().join("refs")).unwrap().count(), 1);
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn model() -> Vec<Published> {
    vec![
        Published::small("LICENSE", LICENCE),
        Published::small("config.json", "{}"),
        Published::small("tokenizer.json", "{\"a\": 1}"),
        Published::large("model.safetensors", SIZE),
    ]
}

fn weights() -> Published {
    Published::large("model.safetensors", SIZE)
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

#[test]
fn a_model_lies_as_hugging_faces_libraries_lay_it_and_comes_once() {
    let home = Home::new("whole");
    let with_strangers =
        [model(), vec![Published::small("README.md", "words"), Published::large("sam3.pt", 9)]].concat();
    let stand_in = StandIn::start(with_strangers, Manners::default());
    fs::write(home.0.join("token"), "hf_secret\n").unwrap();
    let text = home.fetch(&stand_in);
    assert_says(&text, &[LICENCE.trim(), "sam-license", "model.safetensors", "100 %", "model=owner/name"]);
    assert!(!text.contains("hf_secret"), "{text}");
    home.assert_whole(&model());
    let seen = stand_in.seen();
    assert!(seen.iter().any(|request| request.is_storage));
    for request in &seen {
        let token = request.authorization.as_deref();
        assert_eq!(token, (!request.is_storage).then_some("Bearer hf_secret"), "{request:?}");
    }

    let (is_done, text) = home.run(&stand_in.endpoint, &[REPOSITORY], &[]);
    assert!(is_done && text.contains("already there"), "{text}");
    assert_eq!(stand_in.seen().len(), seen.len() + 1, "only the listing is asked for again");
    home.assert_whole(&model());
}

#[test]
fn without_a_yes_nothing_is_fetched() {
    let home = Home::new("consent");
    let stand_in = StandIn::start(model(), Manners::default());
    let (is_done, text) = home.run(&stand_in.endpoint, &[REPOSITORY], &[]);
    assert!(!is_done);
    assert_says(&text, &["licence", "--accept-licence", &format!("{}/owner/name", stand_in.endpoint)]);
    assert!(home.is_empty() && stand_in.seen().len() == 1);
}

#[test]
fn shards_come_with_their_index_and_the_pickle_when_there_is_nothing_else() {
    let home = Home::new("shards");
    let index = r#"{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}"#;
    let files = vec![
        Published::small("config.json", "{}"),
        Published::small("tokenizer.json", "{}"),
        Published::small("model.safetensors.index.json", index),
        Published::large("model-1.safetensors", 100),
        Published::large("model-2.safetensors", 200),
    ];
    // The first two are one blob: their contents are equal.
    let stand_in = StandIn::start(files.clone(), Manners::default());
    assert_says(&home.fetch(&stand_in), &["2 shards"]);
    for file in &files {
        let name = home.root().join("snapshots").join(COMMIT).join(file.name);
        assert!(fs::read(name).unwrap() == file.bytes, "{}", file.name);
    }

    let home = Home::new("pickle");
    let files = vec![Published::large("sam3.pt", 100)];
    home.fetch(&StandIn::start(files.clone(), Manners::default()));
    home.assert_whole(&files);
}

#[test]
fn a_broken_connection_is_taken_up_and_so_is_a_broken_run() {
    let home = Home::new("resume");
    let cuts = |connections: usize| Manners { cuts: Some((3_000, connections)), ..Manners::default() };
    let stand_in = StandIn::start(model(), cuts(usize::MAX));
    let text = home.refusal(&stand_in, &[]);
    assert_says(&text, &["interrupted at 18 kB of 40 kB", "run the command again"]);
    assert_eq!(fs::metadata(home.incomplete(&weights())).unwrap().len(), 18_000);
    assert!(!home.root().join("snapshots").exists() && !home.root().join("refs").exists());

    stand_in.behave(cuts(1));
    assert_says(
        &home.fetch(&stand_in),
        &["go on model.safetensors at 18000 of 40000", "go on model.safetensors at 21000"],
    );
    home.assert_whole(&model());
    let ranges: Vec<_> = stand_in.seen().into_iter().filter_map(|request| request.range).collect();
    assert!(ranges.ends_with(&["bytes=18000-".into(), "bytes=21000-".into(), "bytes=21000-".into()]), "{ranges:?}");
}

#[test]
fn a_server_that_knows_no_ranges_begins_anew() {
    let home = Home::new("no-ranges");
    fs::create_dir_all(home.incomplete(&weights()).parent().unwrap()).unwrap();
    fs::write(home.incomplete(&weights()), &weights().bytes[..17]).unwrap();
    home.fetch(&StandIn::start(model(), Manners { ignores_ranges: true, ..Manners::default() }));
    home.assert_whole(&model());
}

#[test]
fn wrong_bytes_are_removed_wherever_they_came_from() {
    let home = Home::new("checksum");
    let stand_in = StandIn::start(model(), Manners { corrupts: true, ..Manners::default() });
    let text = home.refusal(&stand_in, &[]);
    assert_says(
        &text,
        &["model.safetensors did not arrive as it was published", &weights().checksum(), "run the command"],
    );
    assert!(!home.incomplete(&weights()).exists() && !home.root().join("snapshots").exists());

    stand_in.behave(Manners::default());
    for left in [vec![7; 500], vec![7; SIZE], vec![7; SIZE + 5]] {
        fs::write(home.incomplete(&weights()), &left).unwrap();
        // What is longer than the file cannot be its beginning, and is not gone on with.
        if left.len() <= SIZE {
            assert_says(&home.refusal(&stand_in, &[]), &["checksum"]);
        }
        home.fetch(&stand_in);
        home.assert_whole(&model());
        fs::remove_dir_all(home.root().join("snapshots")).unwrap();
        fs::remove_dir_all(home.root().join("refs")).unwrap();
        fs::remove_file(home.root().join("blobs").join(weights().checksum())).unwrap();
    }
}

#[test]
fn each_refusal_of_the_hub_has_its_own_remedy() {
    let home = Home::new("refusals");
    let stand_in = StandIn::start(model(), Manners::default());
    let (token, page) = (&[("HF_TOKEN", "hf_secret")][..], format!("{}/owner/name", stand_in.endpoint));
    let gated = "GatedRepo";
    let ask = format!("request access at {page}");
    for (is_for_files, status, code, message, variables, parts) in [
        (true, 401, gated, "Access is restricted", &[][..], [&*ask, "HF_TOKEN", "no token", "Access is restricted"]),
        (true, 403, gated, "not in the list", token, [&*ask, "not granted", "fine-grained", "from HF_TOKEN"]),
        (true, 403, gated, "awaiting a review", token, [&*ask, "not granted", "wait", "awaiting a review"]),
        (true, 401, gated, "Please log in", token, [&*ask, "not accepted", "revoked", "Please log in"]),
        (
            false,
            401,
            "",
            "Token is expired",
            token,
            ["from HF_TOKEN", "expired", "settings/tokens", "Token is expired"],
        ),
        (false, 403, "", "no permission", token, ["not granted", "no permission", "fine-grained", &page]),
        (
            false,
            401,
            "RepoNotFound",
            "Repository not found",
            &[],
            ["no repository owner/name", "private", "name", &page],
        ),
        (
            false,
            404,
            "RepoNotFound",
            "Repository not found",
            token,
            ["no repository owner/name", "private", "name", &page],
        ),
        (false, 503, "", "", &[], ["answered 503", "later", "kept", "/api/models/owner/name"]),
        (false, 429, "", "slow down", &[], ["answered 429", "later", "slow down", "remedy"]),
    ] {
        let refusal = Some((status, code, message));
        stand_in.behave(if is_for_files {
            Manners { file_refusal: refusal, ..Manners::default() }
        } else {
            Manners { refusal, ..Manners::default() }
        });
        let text = home.refusal(&stand_in, variables);
        assert_says(&text, &parts);
        assert!(!text.contains("hf_secret") && home.is_empty(), "{text}");
    }
}

#[test]
fn no_network_and_no_hub_at_the_other_end_are_told() {
    let home = Home::new("network");
    for (endpoint, part) in [
        ("http://127.0.0.1:1", "127.0.0.1:1 cannot be reached"),
        ("https://127.0.0.1:1", "127.0.0.1:1 cannot be reached"),
        ("http://no-such-host.invalid", "no-such-host.invalid cannot be reached"),
    ] {
        let (is_done, text) = home.run(endpoint, &[REPOSITORY, "--accept-licence"], &[]);
        assert!(!is_done);
        assert_says(&text, &[part, "HF_ENDPOINT", "proxy"]);
    }
    let (is_done, text) = home.run("http://127.0.0.1:1", &["facebook"], &[]);
    assert!(!is_done && text.contains("owner/name"), "{text}");
    assert!(home.is_empty());
}

#[test]
fn a_full_disk_and_a_cache_that_may_not_be_written_are_told() {
    let home = Home::new("disk");
    let stand_in = StandIn::start(model(), Manners::default());
    fs::create_dir_all(home.incomplete(&weights()).parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/dev/full", home.incomplete(&weights())).unwrap();
    let text = home.refusal(&stand_in, &[]);
    assert_says(&text, &["disk is full", "needs 40 kB more", "HF_HOME"]);
    assert!(!home.root().join("snapshots").exists() && !home.root().join("refs").exists());

    // Nobody may make folders there, not even root.
    let text = home.refusal(&stand_in, &[("HF_HUB_CACHE", "/sys/sa3-fetch")]);
    assert_says(&text, &["/sys/sa3-fetch cannot be written", "HF_HUB_CACHE"]);
}

#[test]
fn two_at_once_do_not_write_into_each_other() {
    let home = Home::new("busy");
    let stand_in = StandIn::start(model(), Manners::default());
    fs::create_dir_all(home.incomplete(&weights()).parent().unwrap()).unwrap();
    let other = fs::File::create(home.incomplete(&weights())).unwrap();
    other.lock().unwrap();
    assert_says(&home.refusal(&stand_in, &[]), &["another program is fetching"]);
    drop(other);
    home.fetch(&stand_in);
    home.assert_whole(&model());
}

#[test]
fn a_repository_without_a_model_costs_nothing() {
    let home = Home::new("none");
    let stand_in = StandIn::start(vec![Published::large("sam3.1_multiplex.pt", 9)], Manners::default());
    assert_says(&home.refusal(&stand_in, &[]), &["holds no model that sa3 reads", "SAM 3.1", "facebook/sam3"]);
    assert!(home.is_empty());
}
