//! Strings are written without needless escapes (L0-132), judged on the raw bytes.

use super::collect::Collector;
use super::view::View;
use crate::verdict::Judgement;

/// Members whose strings have a type in LSPS0 or LSPS1. Everything else is free text.
const TYPED: [&str; 22] = [
    "lsp_balance_sat",
    "client_balance_sat",
    "fee_total_sat",
    "order_total_sat",
    "min_initial_client_balance_sat",
    "max_initial_client_balance_sat",
    "min_initial_lsp_balance_sat",
    "max_initial_lsp_balance_sat",
    "min_channel_balance_sat",
    "max_channel_balance_sat",
    "created_at",
    "expires_at",
    "funded_at",
    "funding_outpoint",
    "address",
    "refund_onchain_address",
    "order_id",
    "order_state",
    "state",
    "invoice",
    "offer",
    "uris",
];

pub(super) fn judge(view: &View<'_>, collector: &mut Collector<'_>) {
    for reply in &view.replies {
        if reply.value.is_none() {
            continue;
        }
        let found = needless_escapes(reply.bytes);
        let typed =
            found.iter().find(|escape| !escape.in_key && TYPED.contains(&escape.member.as_str()));
        let (judgement, escape) = match (typed, found.first()) {
            (Some(escape), _) => (Judgement::Broken, escape),
            // Whether the rule reaches beyond typed strings is open.
            (None, Some(escape)) => (Judgement::Tolerated, escape),
            (None, None) => {
                collector.check("L0-132", reply, Ok(()));
                continue;
            }
        };
        let place = if escape.in_key {
            "a member's name".into()
        } else {
            format!("the value of `{}`", escape.member)
        };
        collector.report(
            "L0-132",
            &[reply],
            judgement,
            format!("{place} has the needless escape {}", escape.text),
        );
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Escape {
    /// Name of the innermost member whose value it is in; empty at the top.
    member: String,
    in_key: bool,
    text: String,
}

/// Finds escapes of characters that need none, in bytes that are valid JSON.
fn needless_escapes(bytes: &[u8]) -> Vec<Escape> {
    let mut found = Vec::new();
    // For each open object or array: whether it is an object, and the name of the member that is being read.
    let mut open: Vec<(bool, String)> = Vec::new();
    let mut expects_key = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => {
                let member = open.last().map(|(_, member)| member.clone()).unwrap_or_default();
                open.push((*byte == b'{', member));
                expects_key = *byte == b'{';
            }
            b'}' | b']' => {
                open.pop();
                expects_key = false;
            }
            b',' => expects_key = open.last().is_some_and(|(is_object, _)| *is_object),
            b':' => expects_key = false,
            b'"' => {
                let (end, escapes) = read_string(bytes, at);
                if expects_key && let Some((_, member)) = open.last_mut() {
                    *member = String::from_utf8_lossy(bytes.get(at..end).unwrap_or_default())
                        .into_owned();
                }
                let member = open.last().map(|(_, member)| member.clone()).unwrap_or_default();
                found.extend(escapes.into_iter().map(|text| Escape {
                    member: member.clone(),
                    in_key: expects_key,
                    text,
                }));
                at = end + 1;
            }
            _ => {}
        }
    }
    found
}

/// The place of the closing quote of the string that begins at `at`, and its needless escapes.
fn read_string(bytes: &[u8], mut at: usize) -> (usize, Vec<String>) {
    let mut found = Vec::new();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => break,
            b'\\' => {
                match bytes.get(at + 1) {
                    Some(b'/') => found.push("\\/".into()),
                    Some(b'u') => {
                        let digits = bytes.get(at + 2..at + 6).unwrap_or_default();
                        let digits = String::from_utf8_lossy(digits).into_owned();
                        if u32::from_str_radix(&digits, 16).is_ok_and(is_needless) {
                            found.push(format!("\\u{digits}"));
                        }
                    }
                    _ => {}
                }
                at += 2;
            }
            _ => at += 1,
        }
    }
    (at, found)
}

/// Whether a character can be written as it is, in every reader's eyes. Control characters beyond ASCII, the line
/// separators that JavaScript once minded, and the byte-order mark are left out of the judgement.
fn is_needless(code: u32) -> bool {
    !matches!(code, 0..=0x1f | 0x22 | 0x5c | 0x7f..=0x9f | 0x2028 | 0x2029 | 0xfeff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::testing::p2p_raw;
    use crate::verdict::Verdict;

    #[test]
    fn needless_escapes_are_found_by_member() {
        let found = needless_escapes(
            br#"{"a\u0062":"\"\\\n\u0000","x":[{"y":"\/"},"\u003c"],"z":"\u00fc"}"#,
        );
        let found: Vec<(&str, bool, &str)> = found
            .iter()
            .map(|escape| (escape.member.as_str(), escape.in_key, escape.text.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (r"a\u0062", true, r"\u0062"),
                ("y", false, r"\/"),
                ("x", false, r"\u003c"),
                ("z", false, r"\u00fc")
            ]
        );
        assert_eq!(needless_escapes(br#""unfinished \u12"#), []);
    }

    #[test]
    fn typed_strings_fail_and_free_text_warns() {
        let judged = |payload: &str| p2p_raw(&[payload.as_bytes()]).verdict("L0-132");
        assert_eq!(
            judged(r#"{"jsonrpc":"2.0","id":"a","result":{"x":"a\nb"}}"#),
            Some(Verdict::Pass)
        );
        assert_eq!(
            judged(r#"{"jsonrpc":"2.0","id":"a","result":{"order_state":"\u0043REATED"}}"#),
            Some(Verdict::Fail)
        );
        assert_eq!(
            judged(r#"{"jsonrpc":"2.0","id":"a","error":{"code":1,"message":"a\/b"}}"#),
            Some(Verdict::Warn)
        );
    }
}
