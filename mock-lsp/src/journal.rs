//! The last messages in both directions, for people who debug a client.

use std::collections::VecDeque;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;

/// How many exchanges are kept.
const ENTRIES: usize = 1_000;

/// How much of each message is kept, in bytes.
const MESSAGE_BYTES: usize = 4_096;

/// A bounded record of exchanges.
#[derive(Default)]
pub(crate) struct Journal {
    entries: Mutex<VecDeque<Entry>>,
}

/// A request and what was answered.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    at: Timestamp,
    from: String,
    request: String,
    answer: Option<String>,
}

impl Journal {
    /// Notes an exchange; an answer of `None` is silence.
    pub(crate) fn note(&self, at: Timestamp, from: String, request: &[u8], answer: Option<&[u8]>) {
        let entry = Entry { at, from, request: excerpt(request), answer: answer.map(excerpt) };
        let mut entries = self.entries.lock();
        if entries.len() == ENTRIES {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    /// What is recorded, oldest first.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().iter().cloned().collect()
    }
}

/// The start of a message, as text.
fn excerpt(bytes: &[u8]) -> String {
    if bytes.len() <= MESSAGE_BYTES {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let start = String::from_utf8_lossy(&bytes[..MESSAGE_BYTES]);
    format!("{start}… ({} bytes in all)", bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_forgets_the_oldest_and_keeps_excerpts() {
        let journal = Journal::default();
        for number in 0..ENTRIES + 5 {
            journal.note(
                Timestamp::UNIX_EPOCH,
                "x".to_owned(),
                number.to_string().as_bytes(),
                None,
            );
        }
        journal.note(Timestamp::UNIX_EPOCH, "x".to_owned(), &[0xff; 100_000], Some(b"{}"));
        let entries = journal.entries();
        assert_eq!((entries.len(), entries[0].request.as_str()), (ENTRIES, "6"));
        assert!(entries[ENTRIES - 1].request.len() < 4 * MESSAGE_BYTES);
    }
}
