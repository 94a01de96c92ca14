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

/// Marks where a text was cut.
const CUT: char = '…';

/// Cuts `text` to at most `limit` characters and says how many were left out.
#[must_use]
pub fn clipped(text: &str, limit: usize) -> String {
    let length = text.chars().count();
    if length <= limit {
        return text.to_owned();
    }
    let head: String = text.chars().take(limit).collect();
    format!("{head}{CUT} ({} more characters)", length - limit)
}

/// `text` with the user parts of all URLs in it hidden: they can hold passwords.
#[must_use]
pub fn without_users(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '\'' | '"');
        let host_end = after.find(ends).unwrap_or(after.len());
        shown.push_str(before);
        shown.push_str("://");
        rest = match after[..host_end].rfind('@') {
            Some(at) => {
                shown.push_str("***");
                &after[at..]
            }
            None => after,
        };
    }
    shown + rest
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

    /// A redactor for these secrets. Those that are shorter than four bytes are left out.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut forms = Vec::new();
        for secret in secrets {
            let secret = secret.as_ref();
            if secret.len() < Self::SHORTEST {
                continue;
            }
            let json = serde_json::Value::from(secret).to_string();
            forms.extend([
                hex(secret.as_bytes()),
                // As inside a JSON string: without the quotes.
                json[1..json.len() - 1].to_owned(),
                one_line(secret),
                secret.to_owned(),
            ]);
        }
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self { forms }
    }

    /// `text` without the secrets, in whichever form they occur: as they are, as JSON strings, or as hex; also one whose
    /// end was cut off and stands before the `…` that says so.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let clean =
            self.forms.iter().fold(text.to_owned(), |text, form| text.replace(form, Self::MARK));
        if !clean.contains(CUT) {
            return clean;
        }
        let mut pieces: Vec<String> = clean.split(CUT).map(ToOwned::to_owned).collect();
        let before_cuts = pieces.len() - 1;
        for piece in &mut pieces[..before_cuts] {
            self.clean_end(piece);
        }
        pieces.join(&CUT.to_string())
    }

    /// As [`Redactor::clean`], for the beginning of a longer text: its end may be that of half a secret.
    #[must_use]
    pub fn clean_beginning(&self, text: &str) -> String {
        let mut clean = self.clean(text);
        self.clean_end(&mut clean);
        clean
    }

    /// Takes the beginning of a secret from the end of `text`.
    fn clean_end(&self, text: &mut String) {
        let longest = |form: &String| {
            let lengths = form.char_indices().map(|(at, _)| at);
            lengths.filter(|at| *at >= Self::SHORTEST && text.ends_with(&form[..*at])).max()
        };
        if let Some(length) = self.forms.iter().filter_map(longest).max() {
            text.truncate(text.len() - length);
            text.push_str(Self::MARK);
        }
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
    fn users_of_urls_are_hidden() {
        assert_eq!(
            without_users("a http://me:p@w@h:1/x@y 'ftp://t@h' mail@h http://h"),
            "a http://***@h:1/x@y 'ftp://***@h' mail@h http://h"
        );
    }

    #[test]
    fn clipping_says_what_is_missing() {
        assert_eq!(clipped("äöü", 3), "äöü");
        assert_eq!(clipped("äöüx", 3), "äöü… (1 more characters)");
    }

    #[test]
    fn a_secret_is_taken_out_in_every_form() {
        let redactor = Redactor::new(["pass\"word"]);
        for shown in ["pass\"word", r#"{"token":"pass\"word"}"#, "7061737322776f7264"] {
            let clean = redactor.clean(shown);
            assert!(clean.contains(Redactor::MARK), "{clean}");
            assert!(!clean.contains("pass"), "{clean}");
        }
    }

    #[test]
    fn half_a_secret_is_taken_out_where_a_text_was_cut() {
        let redactor = Redactor::new(["sesame-street", "other"]);
        assert_eq!(redactor.clean("x sesame-s… y"), "x [token]… y");
        assert_eq!(redactor.clean("x ses… sesame-s"), "x ses… sesame-s");
        assert_eq!(redactor.clean_beginning("x sesame-s"), "x [token]");
        assert_eq!(redactor.clean_beginning(&hex(b"xsesame")[..12]), "78[token]");
    }

    #[test]
    fn a_very_short_token_is_left_alone() {
        assert_eq!(Redactor::new(["a"]).clean("banana"), "banana");
        assert_eq!(Redactor::default().clean("banana"), "banana");
    }
}
