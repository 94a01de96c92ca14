//! The short hand in which the catalogue says how a row is judged, in words.

/// What stands for what, in the order in which it is told.
const TERMS: [(&str, &str); 14] = [
    ("LP", "a well-formed lsps0.list_protocols with a fresh UUIDv4 id"),
    ("LP2", "LP with another id"),
    ("GI", "a well-formed lsps1.get_info"),
    (
        "CO",
        "a well-formed lsps1.create_order for the smallest legal order: the LSP's least client balance C, the least LSP \
         balance L >= 1 that is in range together with it, the least confirmations and funding blocks, the longest lease, \
         not announced",
    ),
    ("CO2", "CO with another id"),
    ("CO+R", "CO with a refund address of the tester"),
    ("CO+T", "CO with a good token"),
    ("GO", "a well-formed lsps1.get_order"),
    ("R-GI", "GI over REST"),
    ("R-CO", "CO over REST"),
    ("R-GO", "GO over REST"),
    (
        "E",
        "E(code,data): the error response with that code and data, and the request's id; E(-32700) has a null id",
    ),
    ("⊕", "X ⊕ {…}: X with these members set in its params; X ⊕top {…}: in its envelope"),
    ("⊖", "X ⊖ k: X without the member k of its params; X ⊖top k: of its envelope"),
];

/// The terms that `test` uses.
pub(crate) fn used_in(test: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '_');
    let mut words: Vec<&str> = test.split(|c| !is_part(c)).collect();
    for sign in ["⊕", "⊖"] {
        if test.contains(sign) {
            words.push(sign);
        }
    }
    TERMS.into_iter().filter(move |(term, _)| {
        words.iter().any(|word| word == term || (*term == "CO" && word.starts_with("CO+")))
    })
}

/// How a row is judged: what is done, and then what passes, warns and fails, each where the catalogue says it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) done: &'a str,
    pub(crate) passes: Option<&'a str>,
    pub(crate) warns: Option<&'a str>,
    pub(crate) fails: Option<&'a str>,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(test: &'a str) -> Self {
        let marks = ["PASS: ", "WARN: ", "FAIL: "];
        let starts = marks.map(|mark| test.find(mark));
        let end = |start: usize| {
            starts
                .iter()
                .flatten()
                .copied()
                .filter(|other| *other > start)
                .min()
                .unwrap_or(test.len())
        };
        let part = |index: usize| {
            let start = starts[index]?;
            test.get(start + marks[index].len()..end(start)).map(str::trim)
        };
        let first = starts.iter().flatten().copied().min().unwrap_or(test.len());
        Self {
            done: test.get(..first).unwrap_or(test).trim(),
            passes: part(0),
            warns: part(1),
            fails: part(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lsps1_scenarios::Catalogue;

    #[test]
    fn the_parts_of_a_test_are_told_apart() {
        let parts = Parts::of("Send `LP`. PASS: one reply; WARN: two. FAIL: none.");
        let (passes, warns, fails) = (Some("one reply;"), Some("two."), Some("none."));
        assert_eq!(parts, Parts { done: "Send `LP`.", passes, warns, fails });
        let parts = Parts::of("Do it.");
        assert_eq!((parts.done, parts.passes, parts.fails), ("Do it.", None, None));
        for row in Catalogue::builtin().iter() {
            let Parts { done, passes, warns, fails } = Parts::of(&row.test);
            let length: usize =
                [Some(done), passes, warns, fails].iter().flatten().map(|part| part.len()).sum();
            // Nothing is lost but the marks and the space around them.
            assert!(length + 24 > row.test.len(), "{}: {}", row.id, row.test);
        }
    }

    #[test]
    fn only_what_is_used_is_explained() {
        let terms = |test| used_in(test).map(|(term, _)| term).collect::<Vec<_>>();
        assert_eq!(terms("`CO` ⊖ `x` → `E(100,{})`. GIVEN"), ["CO", "E", "⊖"]);
        assert_eq!(terms("`CO+R` and R-GO"), ["CO", "CO+R", "R-GO"]);
        assert!(terms("All fields.").is_empty());
    }
}
