//! The format of a payload: UTF-8, no zero byte, exactly one JSON object (bLIP-50, Message Payload Format).

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::{Fault, Feature};
use crate::verdict::Judgement;

/// A BOLT 8 message has 65,535 bytes at most, two of them the type.
const MOST_BYTES: usize = 65_533;

/// The order in which requests are usually written.
const USUAL_ORDER: [&str; 4] = ["jsonrpc", "id", "method", "params"];

/// What a payload is.
pub(super) enum Framed {
    /// Exactly one JSON object.
    Object { object: Map<String, Value>, features: Vec<Feature>, openings: Vec<Fault> },
    /// One JSON object behind a byte-order mark.
    AfterMark { object: Map<String, Value>, fault: Fault },
    /// Bad format.
    Bad(Vec<Fault>),
    /// JSON that readers legally differ about: nested deeply, with huge numbers or with a name twice.
    Unclear,
}

pub(super) fn read(payload: &[u8]) -> Framed {
    let bad = |row, says: &str| Framed::Bad(vec![Fault::new(&[row], says).parse_error()]);
    if is_utf16(payload) {
        return bad("L0-011", "the payload is UTF-16");
    }
    let mut faults = Vec::new();
    if payload.contains(&0) {
        faults.push(Fault::new(&["L0-016"], "the payload has a zero byte").parse_error());
    }
    let Ok(text) = std::str::from_utf8(payload) else {
        faults.push(Fault::new(&["L0-010"], "the payload isn't UTF-8").parse_error());
        return Framed::Bad(faults);
    };
    if !faults.is_empty() {
        return Framed::Bad(faults);
    }
    if let Some(rest) = text.strip_prefix('\u{feff}') {
        let fault = Fault::new(&["L0-011"], "the payload begins with a byte-order mark");
        return match read_text(rest) {
            Framed::Object { object, .. } => Framed::AfterMark {
                object,
                fault: fault.parse_error().served(Judgement::Tolerated),
            },
            Framed::Unclear => Framed::Unclear,
            _ => Framed::Bad(vec![fault.parse_error()]),
        };
    }
    read_text(text)
}

fn read_text(text: &str) -> Framed {
    let bad = |row, says: &str| Framed::Bad(vec![Fault::new(&[row], says).parse_error()]);
    let start = text.trim_start_matches(is_json_space);
    if start.is_empty() {
        return bad("L0-009", "the payload is empty");
    }
    if start.starts_with(is_other_space) {
        return bad("L0-013", "there is white space before the object that JSON doesn't know");
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = match values.next() {
        Some(Ok(value)) => value,
        Some(Err(error)) if is_beyond_readers(&error) => return Framed::Unclear,
        _ => return bad("L0-006", "the payload isn't a complete JSON value"),
    };
    let rest = text.get(values.byte_offset()..).unwrap_or_default();
    let rest = rest.trim_start_matches(is_json_space);
    let Value::Object(object) = value else {
        let is_batch = value.as_array().is_some_and(|items| {
            !items.is_empty() && items.iter().all(|item| item.get("method").is_some())
        });
        return if is_batch && rest.is_empty() {
            bad("L0-008", "the payload is a batch")
        } else {
            bad("L0-007", "the payload is JSON, but no object")
        };
    };
    if rest.is_empty() {
        return whole(text, object);
    }
    if rest.chars().all(|c| is_json_space(c) || is_other_space(c)) {
        bad("L0-013", "there is white space behind the object that JSON doesn't know")
    } else if rest.starts_with('{') {
        bad("L0-014", "there is more than one object in the payload")
    } else {
        bad("L0-015", "there is something behind the object")
    }
}

/// An object and nothing else.
fn whole(text: &str, object: Map<String, Value>) -> Framed {
    let Some(names) = names_in_order(text) else { return Framed::Unclear };
    if has_duplicates(&names) {
        return Framed::Unclear;
    }
    let mut features = Vec::new();
    if text.len() == MOST_BYTES {
        features.push(Feature::of_envelope(&["L0-004"], "it has the greatest length there is"));
    }
    if text.starts_with(is_json_space) || text.ends_with(is_json_space) {
        features.push(Feature::of_envelope(&["L0-012"], "there is white space around it"));
    }
    let usual: Vec<&str> =
        USUAL_ORDER.into_iter().filter(|name| names.iter().any(|found| found == name)).collect();
    if names != usual && names.len() == usual.len() {
        features.push(Feature::of_envelope(&["L0-055"], "its members are in another order"));
    }
    let mut openings = Vec::new();
    if has_needless_escape(text) {
        openings.push(
            Fault::new(&["L0-133"], "it has needless escapes")
                .parse_error()
                .code(-32700, &[])
                .code(-32602, &[]),
        );
    }
    if text.contains("\\u0000") {
        openings.push(
            Fault::new(&["L0-017"], "it has an escaped zero").parse_error().code(-32700, &[]),
        );
    }
    Framed::Object { object, features, openings }
}

/// The names of the members of the outermost object, as they come.
fn names_in_order(text: &str) -> Option<Vec<String>> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
            let mut names = Vec::new();
            while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
                names.push(name);
            }
            Ok(names)
        }
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    serde::Deserializer::deserialize_map(&mut reader, Names).ok()
}

fn has_duplicates(names: &[String]) -> bool {
    names.iter().enumerate().any(|(at, name)| names.iter().skip(at + 1).any(|other| other == name))
}

const fn is_json_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn is_other_space(c: char) -> bool {
    c.is_whitespace() && !is_json_space(c)
}

/// Text of the ASCII range in UTF-16 has a zero byte for every other one.
fn is_utf16(payload: &[u8]) -> bool {
    let (pairs, rest) = payload.as_chunks::<2>();
    let zeros = |place: usize| pairs.iter().all(|pair| pair[place] == 0 && pair[1 - place] != 0);
    pairs.len() > 4 && rest.is_empty() && (zeros(0) || zeros(1))
}

/// Readers have limits that nothing is said about.
fn is_beyond_readers(error: &serde_json::Error) -> bool {
    let text = error.to_string();
    text.contains("recursion limit") || text.contains("number out of range")
}

/// `\u` escapes of printable ASCII other than the quote and the backslash, which nobody has to write.
fn has_needless_escape(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let escape = rest.get(at + 1..).unwrap_or_default();
        let code = escape.strip_prefix('u').and_then(|digits| digits.get(..4));
        let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if code.is_some_and(|code| (0x20..0x7f).contains(&code) && code != 0x22 && code != 0x5c) {
            return true;
        }
        // Past the escaped character, so that an escaped backslash doesn't begin another escape.
        let mut skipped = escape.chars();
        skipped.next();
        rest = skipped.as_str();
    }
    false
}
