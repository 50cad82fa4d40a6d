//! Asking the server: redirects followed by hand, so that the token stays with the hub; refusals told apart.

use std::time::Duration;

use ureq::http::header::{AUTHORIZATION, CONTENT_RANGE, LOCATION, RANGE};
use ureq::http::{Response, StatusCode, Uri};
use ureq::{Agent, Body, Error as Http};

use crate::environment::{Environment, Token};
use crate::error::{Error, Result};
use crate::listing::{Listing, Remote, Repository};

const MOST_REDIRECTS: usize = 5;
const MOST_TEXT_BYTES: u64 = 16 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// For the first byte of an answer, and between any two.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);
const AGENT: &str = concat!("sa3-fetch/", env!("CARGO_PKG_VERSION"));

/// A server that speaks as the Hugging Face hub does, and the repository that is wanted from it.
pub struct Hub<'e> {
    agent: Agent,
    endpoint: &'e str,
    token: Option<&'e Token>,
    repository: &'e Repository,
}

/// A file's bytes from somewhere on.
pub struct Answer {
    /// Position of the first byte.
    pub from_byte: u64,
    /// The bytes.
    pub body: Body,
}

impl<'e> Hub<'e> {
    /// Asks nothing yet.
    pub fn new(environment: &'e Environment, repository: &'e Repository) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(SILENCE_TIMEOUT))
            .timeout_per_read(Some(SILENCE_TIMEOUT))
            .user_agent(AGENT);
        let (endpoint, token) = (environment.endpoint.as_str(), environment.token.as_ref());
        Self { agent: config.build().into(), endpoint, token, repository }
    }

    /// The page where a person reads about the repository, and asks for access.
    pub fn page(&self) -> String {
        format!("{}/{}", self.endpoint, self.repository)
    }

    /// What the repository's main revision holds.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or says something else.
    pub fn listing(&self) -> Result<Listing> {
        let url = format!("{}/api/models/{}/revision/main?blobs=true", self.endpoint, self.repository);
        let text = self.text(self.get(&url, 0)?, &url)?;
        Listing::parse(&text, self.repository).map_err(|cause| Error::Answer { url, cause })
    }

    /// The text of a small file.
    ///
    /// # Errors
    /// As [`Hub::listing`].
    pub fn file_text(&self, commit: &str, file: &Remote) -> Result<String> {
        let url = self.url(commit, file);
        self.text(self.get(&url, 0)?, &url)
    }

    /// A file's bytes from `from_byte` on, or from the first when the server cannot begin elsewhere.
    ///
    /// # Errors
    /// As [`Hub::listing`].
    pub fn file(&self, commit: &str, file: &Remote, from_byte: u64) -> Result<Answer> {
        let url = self.url(commit, file);
        let response = self.get(&url, from_byte)?;
        let began = first_byte(&response).filter(|&first| first == 0 || first == from_byte);
        let from_byte = began.ok_or_else(|| Error::Answer { url, cause: "it begins in another place".into() })?;
        Ok(Answer { from_byte, body: response.into_body() })
    }

    fn url(&self, commit: &str, file: &Remote) -> String {
        format!("{}/{}/resolve/{commit}/{}", self.endpoint, self.repository, file.name)
    }

    fn text(&self, response: Response<Body>, url: &str) -> Result<String> {
        let text = response.into_body().into_with_config().limit(MOST_TEXT_BYTES).read_to_string();
        text.map_err(|cause| Error::Answer { url: url.into(), cause: cause.to_string() })
    }

    fn get(&self, url: &str, from_byte: u64) -> Result<Response<Body>> {
        let mut url = url.to_owned();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.get_once(&url, from_byte)?;
            if !response.status().is_redirection() {
                return if response.status().is_success() { Ok(response) } else { Err(self.refusal(&url, response)) };
            }
            url = redirected(&url, &response)?;
        }
        Err(Error::Answer { url, cause: format!("more than {MOST_REDIRECTS} redirects") })
    }

    /// The token goes to the endpoint alone: the storage behind it has addresses that carry their own permission.
    fn get_once(&self, url: &str, from_byte: u64) -> Result<Response<Body>> {
        let mut request = self.agent.get(url);
        if from_byte > 0 {
            request = request.header(RANGE, format!("bytes={from_byte}-"));
        }
        if let Some(token) = self.token.filter(|_| origin(url) == origin(self.endpoint)) {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.text));
        }
        request.call().map_err(|error| unreachable_host(url, &error))
    }

    fn refusal(&self, url: &str, mut response: Response<Body>) -> Error {
        let status = response.status();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let code = header("x-error-code").unwrap_or_default();
        let said = header("x-error-message").or_else(|| error_of(&mut response)).unwrap_or_default();
        let is_hub = origin(url) == origin(self.endpoint);
        let refusal = Refusal { status: status.as_u16(), is_gated: code == "GatedRepo", said };
        if is_hub { self.hub_refusal(url, refusal) } else { refusal.of_server(url) }
    }

    fn hub_refusal(&self, url: &str, refusal: Refusal) -> Error {
        let (repository, page, endpoint) = (self.repository.to_string(), self.page(), self.endpoint.to_owned());
        let said = refusal.quoted();
        match (refusal.status, self.token) {
            (401 | 403, None) if refusal.is_gated => Error::TokenMissing { repository, page, endpoint, said },
            // To those whom it knows, and does not let in, the hub says 403.
            (401, Some(token)) => Error::TokenRefused { origin: token.origin.clone(), page, endpoint, said },
            (403, Some(token)) => {
                Error::AccessNotGranted { repository, page, endpoint, origin: token.origin.clone(), said }
            }
            // The hub does not tell strangers which private repositories there are.
            (401 | 403 | 404, _) => Error::NotFound { repository, page, endpoint, said },
            _ => refusal.of_server(url),
        }
    }
}

/// What the server says when it says no.
struct Refusal {
    status: u16,
    is_gated: bool,
    said: String,
}

impl Refusal {
    fn quoted(&self) -> String {
        let said: String = self.said.chars().filter(|letter| !letter.is_control()).take(300).collect();
        if said.is_empty() { said } else { format!(" (the server says: {said})") }
    }

    fn of_server(&self, url: &str) -> Error {
        // A storage address carries a permission in its query, which is nobody else's business.
        let url = url.split('?').next().unwrap_or_default().to_owned();
        Error::Server { url, status: self.status, said: self.quoted() }
    }
}

/// The hub's answers to programs: `{"error": "…"}`.
fn error_of(response: &mut Response<Body>) -> Option<String> {
    let text = response.body_mut().with_config().limit(MOST_TEXT_BYTES).read_to_string().ok()?;
    let answer: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(answer.get("error")?.as_str()?.to_owned())
}

/// Where the bytes of a successful answer begin; `None` when it does not say so understandably.
fn first_byte(response: &Response<Body>) -> Option<u64> {
    if response.status() != StatusCode::PARTIAL_CONTENT {
        return Some(0);
    }
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// Scheme, host and port.
fn origin(url: &str) -> Option<(String, String)> {
    let uri: Uri = url.parse().ok()?;
    Some((uri.scheme_str()?.to_ascii_lowercase(), uri.authority()?.as_str().to_ascii_lowercase()))
}

fn redirected(url: &str, response: &Response<Body>) -> Result<String> {
    let wrong = |cause: &str| Error::Answer { url: url.into(), cause: cause.into() };
    let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok());
    let target = target.ok_or_else(|| wrong("a redirect without a target"))?;
    if target.starts_with("http://") || target.starts_with("https://") {
        return Ok(target.into());
    }
    match origin(url) {
        Some((scheme, authority)) if target.starts_with('/') => Ok(format!("{scheme}://{authority}{target}")),
        _ => Err(wrong("a redirect to something that is no address")),
    }
}

fn unreachable_host(url: &str, error: &Http) -> Error {
    let host = origin(url).map_or_else(|| url.to_owned(), |(_, authority)| authority);
    let cause = match error {
        Http::HostNotFound => "its name is not known (no network, or no name server)".into(),
        Http::Timeout(what) => format!("no answer in time ({what})"),
        other => other.to_string(),
    };
    Error::Network { host, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_differ_in_scheme_host_and_port() {
        assert_eq!(origin("https://Hub.example/a?b"), origin("https://hub.example"));
        for other in ["http://hub.example", "https://hub.example:8443", "https://hub.example.org", "nonsense"] {
            assert_ne!(origin("https://hub.example/a"), origin(other), "{other}");
        }
    }

    #[test]
    fn the_first_byte_is_read_from_the_range() {
        let response = |status: u16, range: &str| {
            let response = Response::builder().status(status).header(CONTENT_RANGE, range);
            response.body(Body::builder().data("")).unwrap()
        };
        assert_eq!(first_byte(&response(200, "")), Some(0));
        assert_eq!(first_byte(&response(206, "bytes 17-99/100")), Some(17));
        assert_eq!(first_byte(&response(206, "lines 17-99/100")), None);
    }
}
