//! The REST face of a target: one request, one bounded answer.

use std::time::Duration;

use reqwest::redirect::Policy;
use serde_json::Value;

use super::address::BaseUrl;

/// How much of a body is read, in bytes. A longer one is cut there and marked as truncated.
pub const MAX_BODY: usize = 1024 * 1024;

/// Why no HTTP answer was had.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// The HTTP client couldn't be set up.
    #[error("failed to set up the HTTP client: {0}")]
    Client(String),
    /// Nobody accepts connections at the address.
    #[error("failed to connect to {url}: {reason}")]
    Connect {
        /// The URL that was asked for.
        url: String,
        /// The system's or the resolver's words.
        reason: String,
    },
    /// The answer didn't come in time.
    #[error("no complete answer from {url} within {} s", .within.as_secs_f32())]
    TimedOut {
        /// The URL that was asked for.
        url: String,
        /// The time that was given.
        within: Duration,
    },
    /// What came isn't a whole HTTP answer.
    #[error("the answer from {url} broke off: {reason}")]
    Broken {
        /// The URL that was asked for.
        url: String,
        /// What the HTTP client said.
        reason: String,
    },
    /// The request itself can't be put into HTTP.
    #[error("the request can't be sent: {0}")]
    Request(String),
}

impl RestError {
    /// Whether the target wasn't there at all, in contrast to answering badly.
    #[must_use]
    pub const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Connect { .. })
    }
}

/// A request below the base URL.
#[derive(Clone, Debug)]
pub struct RestRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// Appended to the base URL.
    pub path: String,
    /// Put behind `?`, percent-encoded.
    pub query: Vec<(String, String)>,
    /// Sent as they are.
    pub headers: Vec<(String, String)>,
    /// Sent as it is.
    pub body: Option<Vec<u8>>,
}

impl RestRequest {
    /// `GET path`.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self {
            method: "GET".into(),
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct RestReply {
    /// The HTTP status code.
    pub status: u16,
    /// Names in lower case; values that aren't UTF-8 are made so.
    pub headers: Vec<(String, String)>,
    /// At most [`MAX_BODY`] bytes.
    pub body: Vec<u8>,
    /// Whether the body was longer than that.
    pub truncated: bool,
}

impl RestReply {
    /// The body as a JSON object, if the status is a success and the body is one.
    #[must_use]
    pub fn success_object(&self) -> Option<Value> {
        (200..300).contains(&self.status).then_some(())?;
        serde_json::from_slice(&self.body).ok().filter(Value::is_object)
    }
}

/// An HTTP client bound to one base URL.
#[derive(Clone, Debug)]
pub struct RestTarget {
    client: reqwest::Client,
    base: BaseUrl,
    timeout: Duration,
}

impl RestTarget {
    /// A client for `base` that waits `timeout` for each whole answer.
    ///
    /// Redirects aren't followed: they are an answer to be judged.
    ///
    /// # Errors
    /// [`RestError::Client`] if there is no TLS or resolver to be had.
    pub fn new(base: BaseUrl, timeout: Duration) -> Result<Self, RestError> {
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(timeout)
            .tcp_nodelay(true)
            .user_agent(concat!("lsps1-harness/", env!("CARGO_PKG_VERSION")));
        if base.is_loopback() {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| RestError::Client(chain(&error)))?;
        Ok(Self { client, base, timeout })
    }

    /// As [`RestTarget::new`], but for a bare origin finds out whether the API is below it or below `/api/v1`.
    ///
    /// # Errors
    /// As [`RestTarget::new`]. A target that can't be reached is no error here: it is found out by the first request.
    pub async fn locate(base: BaseUrl, timeout: Duration) -> Result<Self, RestError> {
        let given = Self::new(base, timeout)?;
        if !given.base.is_bare_origin() {
            return Ok(given);
        }
        let usual = Self { base: given.base.with_default_path(), ..given.clone() };
        let get_info = RestRequest::get("get_info");
        let at_given = match given.send(&get_info).await {
            Ok(reply) => reply,
            // Neither will the other path be reached, and waiting a second time tells nothing.
            Err(_) => return Ok(given),
        };
        if at_given.success_object().is_some() {
            return Ok(given);
        }
        match usual.send(&get_info).await {
            Ok(reply) if reply.success_object().is_some() => Ok(usual),
            // Neither serves an object: take the one that isn't plainly missing.
            Ok(reply) if at_given.status == 404 && reply.status != 404 => Ok(usual),
            Ok(_) | Err(_) => Ok(given),
        }
    }

    /// The URL that paths are appended to.
    #[must_use]
    pub const fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// Sends `request` and reads the answer, up to [`MAX_BODY`] bytes of body.
    ///
    /// # Errors
    /// Any [`RestError`] but [`RestError::Client`].
    pub async fn send(&self, request: &RestRequest) -> Result<RestReply, RestError> {
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).map_err(|_| {
            RestError::Request(format!("'{}' is not an HTTP method", request.method))
        })?;
        let url = self.base.join(&request.path, &request.query);
        let mut builder = self.client.request(method, url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let shown = self.base.shown(&request.path, &request.query);
        let explain = |error: reqwest::Error| explain(&error, &shown, self.timeout);
        let mut response = builder.send().await.map_err(explain)?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let mut body = Vec::new();
        let mut truncated = false;
        while let Some(chunk) = response.chunk().await.map_err(explain)? {
            let room = MAX_BODY - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                truncated = true;
                break;
            }
        }
        Ok(RestReply { status, headers, body, truncated })
    }
}

fn explain(error: &reqwest::Error, url: &str, within: Duration) -> RestError {
    let url = url.to_owned();
    if error.is_connect() {
        RestError::Connect { url, reason: root(error) }
    } else if error.is_timeout() {
        RestError::TimedOut { url, within }
    } else if error.is_builder() {
        RestError::Request(chain(error))
    } else {
        RestError::Broken { url, reason: root(error) }
    }
}

/// The innermost cause, which is the one that says something.
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// The error and all its causes, outermost first.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
