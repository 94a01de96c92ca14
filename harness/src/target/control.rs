//! What a target lets the harness do to it beside LSPS1, where its ready line has `control`.
//!
//! Two calls are known, the same for every target. They answer with a status of 2xx once they have taken effect:
//! - `POST {control}/orders/{order_id}/expire` lets the time pass at which the order expires.
//! - `POST {control}/clock` with `{"advance_seconds": 21600}` moves the target's clock on for good. A target that can't do
//!   that answers with 404, 405 or 501.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use super::address::BaseUrl;
use super::rest::{RestError, RestRequest, RestTarget};

/// A target's control API. Clones share what they know.
#[derive(Clone, Debug)]
pub struct Control {
    rest: RestTarget,
    ahead_seconds: Arc<AtomicU64>,
}

/// Why a target can't be controlled.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Its address is somewhere else: what the harness does to a target stays on this machine.
    #[error("the target's control API is at {0}, which is not on this machine")]
    Elsewhere(BaseUrl),
    /// It didn't answer.
    #[error(transparent)]
    Rest(#[from] RestError),
    /// It refused.
    #[error("the target's control API answered {method} {path} with status {status}: {body}")]
    Refused {
        /// The HTTP method.
        method: String,
        /// What was asked for.
        path: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of its answer.
        body: String,
    },
}

impl Control {
    /// The API at `base`.
    ///
    /// # Errors
    /// If it isn't on this machine.
    pub fn new(base: BaseUrl, timeout: Duration) -> Result<Self, ControlError> {
        if !base.is_loopback() {
            return Err(ControlError::Elsewhere(base));
        }
        Ok(Self { rest: RestTarget::new(base, timeout)?, ahead_seconds: Arc::default() })
    }

    /// Lets the time pass at which the order expires.
    ///
    /// # Errors
    /// If the target doesn't do it.
    pub async fn expire(&self, order_id: &str) -> Result<(), ControlError> {
        // An order's id comes from the target and may be anything.
        let id: String = url::form_urlencoded::byte_serialize(order_id.as_bytes()).collect();
        self.post(&format!("orders/{id}/expire"), None).await
    }

    /// Moves the target's clock on.
    ///
    /// # Errors
    /// If the target doesn't do it.
    pub async fn advance_clock(&self, seconds: u32) -> Result<(), ControlError> {
        let body = json!({"advance_seconds": seconds}).to_string();
        self.post("clock", Some(body.into_bytes())).await?;
        self.ahead_seconds.fetch_add(seconds.into(), Ordering::Relaxed);
        Ok(())
    }

    /// By how much the target's clock was moved on.
    #[must_use]
    pub fn ahead(&self) -> Duration {
        Duration::from_secs(self.ahead_seconds.load(Ordering::Relaxed))
    }

    async fn post(&self, path: &str, body: Option<Vec<u8>>) -> Result<(), ControlError> {
        let headers = match body {
            Some(_) => vec![("content-type".to_owned(), "application/json".to_owned())],
            None => Vec::new(),
        };
        let method = "POST".to_owned();
        let request = RestRequest { method, headers, body, ..RestRequest::get(path) };
        let reply = self.rest.send(&request).await?;
        if (200..300).contains(&reply.status) {
            return Ok(());
        }
        let body = crate::text::clipped(&String::from_utf8_lossy(&reply.body), 200);
        let RestRequest { method, path, .. } = request;
        Err(ControlError::Refused { method, path, status: reply.status, body })
    }
}
