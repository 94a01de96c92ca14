//! What went over the wire in a session.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::{End, Transport};
use crate::verdict::{Evidence, EvidenceBytes};

/// All exchanges of a session with the target, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// The exchanges.
    pub exchanges: Vec<Exchange>,
}

/// What was sent together, and what came back until the wait for it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// The interface.
    pub transport: Transport,
    /// The connection (`p2p`), or HTTP method and path (`rest`).
    pub via: String,
    /// What was sent.
    pub sent: Vec<Message>,
    /// What came back.
    pub received: Vec<Message>,
    /// How the wait ended.
    pub end: End,
    /// `rest`: what was asked for and the status line's code.
    pub http: Option<HttpExchange>,
}

/// One payload or body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// When, in milliseconds since the start of the session.
    pub at_ms: u64,
    /// The exact bytes.
    pub bytes: Vec<u8>,
}

/// What an exchange over HTTP was about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpExchange {
    /// The LSPS method that the request stands for (`lsps1.get_info`, …), if it is one of the face's three calls.
    pub method: Option<String>,
    /// Parameters: the body of a POST, the query of a GET; JSON null if they can't be read.
    pub params: Value,
    /// Status code; `None` without a response.
    pub status: Option<u16>,
    /// Value of the response's `Content-Type`.
    pub content_type: Option<String>,
    /// Whether the body was cut off at the driver's limit.
    pub truncated: bool,
}

impl Exchange {
    /// What was sent and received, as evidence.
    pub fn evidence(&self) -> Vec<Evidence> {
        let mut evidence: Vec<Evidence> =
            self.sent.iter().map(|message| self.sent_evidence(message)).collect();
        evidence.extend(self.received.iter().map(|message| self.received_evidence(message)));
        match self.end {
            End::Complete => {}
            End::TimedOut => {
                evidence.push(Evidence::note("nothing more came until the time had passed"))
            }
            End::Closed => evidence.push(Evidence::note("the target closed the connection")),
        }
        // A pipeline can be long; its beginning and the number are enough.
        const MOST: usize = 20;
        if evidence.len() > MOST {
            let left_out = evidence.len() - MOST;
            evidence.truncate(MOST);
            evidence.push(Evidence::note(format!("{left_out} more left out")));
        }
        evidence
    }

    /// One sent message as evidence.
    pub fn sent_evidence(&self, message: &Message) -> Evidence {
        Evidence::Sent {
            at_ms: message.at_ms,
            transport: self.transport,
            via: self.via.clone(),
            bytes: EvidenceBytes::new(&message.bytes),
        }
    }

    /// One received message as evidence.
    pub fn received_evidence(&self, message: &Message) -> Evidence {
        let via = match self.http.as_ref().and_then(|http| http.status) {
            Some(status) => format!("status {status}"),
            None => self.via.clone(),
        };
        Evidence::Received {
            at_ms: message.at_ms,
            transport: self.transport,
            via,
            bytes: EvidenceBytes::new(&message.bytes),
        }
    }
}
