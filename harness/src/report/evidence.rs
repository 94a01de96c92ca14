//! Evidence in words, and without the operator's secrets.

use lsps1_scenarios::Evidence;
use lsps1_scenarios::verdict::{EVIDENCE_LIMIT, EvidenceBytes};

use crate::text::{Redactor, one_line};

/// One line that is safe to print.
#[must_use]
pub fn describe(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Sent { at_ms, via, bytes, .. } => {
            format!("{at_ms} ms, {} >> {}", one_line(via), content(bytes))
        }
        Evidence::Received { at_ms, via, bytes, .. } => {
            format!("{at_ms} ms, {} << {}", one_line(via), content(bytes))
        }
        Evidence::Note { text } => one_line(text),
    }
}

/// The same evidence with the secret taken out. Lengths stay those of the original bytes.
#[must_use]
pub fn redacted(evidence: Evidence, redactor: &Redactor) -> Evidence {
    let clean = |shown: &str, length| match length > EVIDENCE_LIMIT {
        true => redactor.clean_beginning(shown),
        false => redactor.clean(shown),
    };
    let clean = |bytes: EvidenceBytes| EvidenceBytes {
        text: bytes.text.map(|text| clean(&text, bytes.length)),
        hex: bytes.hex.map(|hex| clean(&hex, bytes.length)),
        length: bytes.length,
    };
    match evidence {
        Evidence::Sent { at_ms, transport, via, bytes } => {
            Evidence::Sent { at_ms, transport, via: redactor.clean(&via), bytes: clean(bytes) }
        }
        Evidence::Received { at_ms, transport, via, bytes } => {
            Evidence::Received { at_ms, transport, via: redactor.clean(&via), bytes: clean(bytes) }
        }
        Evidence::Note { text } => Evidence::Note { text: redactor.clean(&text) },
    }
}

fn content(bytes: &EvidenceBytes) -> String {
    match (&bytes.text, &bytes.hex) {
        (Some(text), _) if text.is_empty() => "(no bytes)".to_owned(),
        (Some(text), _) => one_line(text),
        (None, Some(hex)) => format!("hex {hex}"),
        (None, None) => format!("({} bytes)", bytes.length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lsps1_scenarios::Transport;

    fn sent(bytes: &[u8]) -> Evidence {
        Evidence::Sent {
            at_ms: 3,
            transport: Transport::P2p,
            via: "main".into(),
            bytes: EvidenceBytes::new(bytes),
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_in_hex() {
        assert_eq!(describe(&sent(b"\xff\x00")), "3 ms, main >> hex ff00");
        assert_eq!(describe(&sent(b"")), "3 ms, main >> (no bytes)");
        assert!(!describe(&sent(b"\x1b[2J")).contains('\u{1b}'));
    }

    #[test]
    fn the_token_is_taken_out_of_text_and_hex() {
        let redactor = Redactor::new(["sesame"]);
        for bytes in [&br#"{"token":"sesame"}"#[..], b"\xffsesame"] {
            let shown = describe(&redacted(sent(bytes), &redactor));
            assert!(shown.contains("[token]"), "{shown}");
        }
        // Half of it is behind the end of what is kept.
        for start in [b'x', 0xff] {
            let mut bytes = vec![start; EVIDENCE_LIMIT - 4];
            bytes.extend(b"sesame");
            let shown = describe(&redacted(sent(&bytes), &redactor));
            assert!(shown.ends_with("[token]"), "{shown}");
        }
    }
}
