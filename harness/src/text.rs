//! Text from a target, made safe to show: a hostile LSP must not be able to move the cursor, colour the
//! terminal, reorder what is read, or get a secret printed.

use std::fmt::Write as _;

/// Replaces every character that a terminal or a reader could be misled by with its `\u{…}` escape.
///
/// That is the C0 and C1 controls (line feeds and tabs, too: the result is one line), and the invisible
/// format characters that reorder or hide text.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            _ if is_unsafe(character) => {
                // Writing to a String doesn't fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
            }
            _ => safe.push(character),
        }
    }
    safe
}

/// Cuts `text` to at most `limit` characters and says how many were left out.
#[must_use]
pub fn clipped(text: &str, limit: usize) -> String {
    let length = text.chars().count();
    if length <= limit {
        return text.to_owned();
    }
    let head: String = text.chars().take(limit).collect();
    format!("{head}… ({} more characters)", length - limit)
}

/// `1 scenario`, `2 scenarios`.
#[must_use]
pub fn counted(count: usize, singular: &str, plural: &str) -> String {
    format!("{count} {}", if count == 1 { singular } else { plural })
}

/// Lower-case hex of `bytes`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String doesn't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Takes the operator's secrets out of everything that is printed or written.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// The forms in which a secret can turn up, longest first.
    forms: Vec<String>,
}

impl Redactor {
    /// What stands in the place of a secret.
    pub const MARK: &'static str = "[token]";

    /// Shorter strings aren't secrets, and taking them out would only spoil the evidence.
    const SHORTEST: usize = 4;

    /// A redactor for `secret`, or one that does nothing if there is none (or it is shorter than four bytes).
    #[must_use]
    pub fn new(secret: Option<&str>) -> Self {
        let Some(secret) = secret.filter(|secret| secret.len() >= Self::SHORTEST) else {
            return Self::default();
        };
        let json = serde_json::Value::from(secret).to_string();
        let mut forms = vec![
            hex(secret.as_bytes()),
            // As inside a JSON string: without the quotes.
            json[1..json.len() - 1].to_owned(),
            one_line(secret),
            secret.to_owned(),
        ];
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        Self { forms }
    }

    /// `text` without the secret, in whichever form it occurs: as it is, as a JSON string, or as hex.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        self.forms.iter().fold(text.to_owned(), |text, form| text.replace(form, Self::MARK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_reordering_characters_are_escaped() {
        assert_eq!(
            one_line("a\u{1b}[31mb\nc\u{202e}d\u{9b}e"),
            "a\\u{1b}[31mb\\nc\\u{202e}d\\u{9b}e"
        );
        assert_eq!(one_line("größe 5 €"), "größe 5 €");
    }

    #[test]
    fn clipping_says_what_is_missing() {
        assert_eq!(clipped("äöü", 3), "äöü");
        assert_eq!(clipped("äöüx", 3), "äöü… (1 more characters)");
    }

    #[test]
    fn a_secret_is_taken_out_in_every_form() {
        let redactor = Redactor::new(Some("pass\"word"));
        for shown in ["pass\"word", r#"{"token":"pass\"word"}"#, "7061737322776f7264"] {
            let clean = redactor.clean(shown);
            assert!(clean.contains(Redactor::MARK), "{clean}");
            assert!(!clean.contains("pass"), "{clean}");
        }
    }

    #[test]
    fn a_very_short_token_is_left_alone() {
        assert_eq!(Redactor::new(Some("a")).clean("banana"), "banana");
        assert_eq!(Redactor::new(None).clean("banana"), "banana");
    }
}
