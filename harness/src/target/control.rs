//! What a target lets the harness do to it beside LSPS1, where its ready line has `control`.
//!
//! One call is known, the same for every target: `POST {control}/orders/{order_id}/expire` lets the time pass at which
//! the order expires, and answers with a status of 2xx once that has taken effect.

use std::time::Duration;

use super::address::BaseUrl;
use super::rest::{RestError, RestRequest, RestTarget};

/// A target's control API.
#[derive(Clone, Debug)]
pub struct Control(RestTarget);

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
        Ok(Self(RestTarget::new(base, timeout)?))
    }

    /// Lets the time pass at which the order expires.
    ///
    /// # Errors
    /// If the target doesn't do it.
    pub async fn expire(&self, order_id: &str) -> Result<(), ControlError> {
        // An order's id comes from the target and may be anything.
        let id: String = url::form_urlencoded::byte_serialize(order_id.as_bytes()).collect();
        self.post(&format!("orders/{id}/expire")).await
    }

    async fn post(&self, path: &str) -> Result<(), ControlError> {
        let request = RestRequest { method: "POST".to_owned(), ..RestRequest::get(path) };
        let reply = self.0.send(&request).await?;
        if (200..300).contains(&reply.status) {
            return Ok(());
        }
        let body = crate::text::clipped(&String::from_utf8_lossy(&reply.body), 200);
        let RestRequest { method, path, .. } = request;
        Err(ControlError::Refused { method, path, status: reply.status, body })
    }
}
