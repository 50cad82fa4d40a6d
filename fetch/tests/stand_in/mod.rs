//! A stand-in for the hub and for the storage behind it, each on a port of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use sha1::Sha1;
use sha2::{Digest, Sha256};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub const REPOSITORY: &str = "owner/name";

/// A file of the repository; large ones come from the storage.
#[derive(Clone)]
pub struct Published {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub is_large: bool,
}

impl Published {
    pub fn small(name: &'static str, text: &str) -> Self {
        Self { name, bytes: text.into(), is_large: false }
    }

    pub fn large(name: &'static str, size: usize) -> Self {
        Self { name, bytes: (0..size).map(|index| (index * 31 % 251) as u8).collect(), is_large: true }
    }

    pub fn checksum(&self) -> String {
        let digest = if self.is_large {
            Sha256::digest(&self.bytes).to_vec()
        } else {
            Sha1::new()
                .chain_update(format!("blob {}\0", self.bytes.len()))
                .chain_update(&self.bytes)
                .finalize()
                .to_vec()
        };
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn listed(&self) -> String {
        let (name, size, sum) = (self.name, self.bytes.len(), self.checksum());
        if self.is_large {
            // The id of the pointer in git is another one.
            let pointer = "f".repeat(40);
            let large = format!(r#"{{"sha256":"{sum}","size":{size},"pointerSize":134}}"#);
            return format!(r#"{{"rfilename":"{name}","size":{size},"blobId":"{pointer}","lfs":{large}}}"#);
        }
        format!(r#"{{"rfilename":"{name}","size":{size},"blobId":"{sum}"}}"#)
    }
}

/// How the servers behave; what is not set is as it should be.
#[derive(Default)]
pub struct Manners {
    /// Status, error code and message for everything at the hub.
    pub refusal: Option<(u16, &'static str, &'static str)>,
    /// The same, only for files.
    pub file_refusal: Option<(u16, &'static str, &'static str)>,
    /// The storage ends after so many bytes of body, on so many connections.
    pub cuts: Option<(usize, usize)>,
    /// The storage changes a byte.
    pub corrupts: bool,
    /// The storage sends everything whatever was asked for.
    pub ignores_ranges: bool,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub is_storage: bool,
    pub authorization: Option<String>,
    pub range: Option<String>,
}

struct State {
    files: Vec<Published>,
    manners: Manners,
    seen: Vec<Seen>,
    storage: String,
}

#[derive(Clone)]
pub struct StandIn {
    state: Arc<Mutex<State>>,
    pub endpoint: String,
}

impl StandIn {
    pub fn start(files: Vec<Published>, manners: Manners) -> Self {
        let [hub, storage] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [endpoint, storage_url] = [&hub, &storage].map(|server| format!("http://{}", server.local_addr().unwrap()));
        let state = Arc::new(Mutex::new(State { files, manners, seen: Vec::new(), storage: storage_url }));
        let stand_in = Self { state, endpoint };
        stand_in.clone().serve(hub, false);
        stand_in.clone().serve(storage, true);
        stand_in
    }

    pub fn behave(&self, manners: Manners) {
        self.state().manners = manners;
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn serve(self, server: TcpListener, is_storage: bool) {
        std::thread::spawn(move || {
            for stream in server.incoming() {
                let stand_in = self.clone();
                std::thread::spawn(move || stand_in.answer(stream.unwrap(), is_storage));
            }
        });
    }

    fn answer(&self, mut stream: TcpStream, is_storage: bool) {
        let Some(seen) = read_request(&stream, is_storage) else { return };
        let mut state = self.state();
        state.seen.push(seen.clone());
        let answer = if is_storage { state.stored(&seen) } else { state.hub(&seen) };
        drop(state);
        // A client may have gone away.
        let _ = stream.write_all(&answer);
    }
}

fn read_request(stream: &TcpStream, is_storage: bool) -> Option<Seen> {
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut seen = Seen { path, is_storage, authorization: None, range: None };
    for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ")?;
        match name.to_ascii_lowercase().as_str() {
            "authorization" => seen.authorization = Some(value.into()),
            "range" => seen.range = Some(value.into()),
            _ => {}
        }
    }
    Some(seen)
}

impl State {
    fn hub(&self, seen: &Seen) -> Vec<u8> {
        if let Some(refusal) = self.manners.refusal {
            return refused(refusal);
        }
        if seen.path == format!("/api/models/{REPOSITORY}/revision/main?blobs=true") {
            return answer(200, "", self.listing().as_bytes());
        }
        if let Some(refusal) = self.manners.file_refusal {
            return refused(refusal);
        }
        let name = seen.path.rsplit('/').next().unwrap();
        let Some(file) = self.files.iter().find(|file| file.name == name) else {
            return refused((404, "EntryNotFound", "Entry not found"));
        };
        if file.is_large {
            let target = format!("Location: {}/{}?permission=secret\r\n", self.storage, file.name);
            return answer(302, &target, b"");
        }
        if seen.path.starts_with("/cache/") {
            return answer(200, "", &file.bytes);
        }
        assert!(seen.path.starts_with(&format!("/{REPOSITORY}/resolve/{COMMIT}/")), "{}", seen.path);
        answer(307, &format!("Location: /cache/{name}\r\n"), b"")
    }

    fn listing(&self) -> String {
        let files: Vec<_> = self.files.iter().map(Published::listed).collect();
        let card = r#"{"license":"other","license_name":"sam-license","license_link":"LICENSE"}"#;
        format!(r#"{{"sha":"{COMMIT}","gated":"manual","cardData":{card},"siblings":[{}]}}"#, files.join(","))
    }

    fn stored(&mut self, seen: &Seen) -> Vec<u8> {
        let name = seen.path.trim_start_matches('/').split('?').next().unwrap();
        let mut bytes = self.files.iter().find(|file| file.name == name).unwrap().bytes.clone();
        let size = bytes.len();
        if self.manners.corrupts {
            bytes[size / 2] ^= 1;
        }
        let range = seen.range.as_ref().filter(|_| !self.manners.ignores_ranges);
        let first: usize = range.map_or(0, |range| range[6..].trim_end_matches('-').parse().unwrap());
        let extra = format!("Content-Range: bytes {first}-{}/{size}\r\n", size - 1);
        let (status, extra) = if range.is_some() { (206, extra.as_str()) } else { (200, "") };
        let mut answer = answer(status, extra, &bytes[first..]);
        if let Some((kept, connections @ 1..)) = self.manners.cuts {
            self.manners.cuts = Some((kept, connections - 1));
            answer.truncate(answer.len() - (size - first) + kept.min(size - first));
        }
        answer
    }
}

fn answer(status: u16, extra: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\nConnection: close\r\n{extra}\r\n");
    [head.as_bytes(), body].concat()
}

fn refused((status, code, message): (u16, &str, &str)) -> Vec<u8> {
    answer(status, &format!("X-Error-Code: {code}\r\nX-Error-Message: {message}\r\n"), b"")
}
