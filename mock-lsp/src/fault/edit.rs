//! Small changes to JSON objects, as data, so that the catalogue can say them in place.

use serde_json::Value;

use super::Scene;
use crate::message::Object;
use crate::message::types::write_datetime;

/// A change. Paths are member names with dots between them; where a path leads nowhere, nothing changes.
#[derive(Clone, Copy)]
pub(super) enum Edit {
    /// Takes a member away.
    Remove(&'static str),
    /// Gives a member this value, in JSON. The object that it is in has to be there.
    Set(&'static str, &'static str),
    /// Gives a member that is there this value, in JSON.
    Replace(&'static str, &'static str),
    /// Gives a member another name.
    Rename(&'static str, &'static str),
    /// Adds to a number, or to an amount in a string.
    Add(&'static str, i64),
    /// Turns a string of digits into a number.
    Number(&'static str),
    /// Turns anything but a string into one.
    Text(&'static str),
    /// Moves a datetime by so many seconds.
    Shift(&'static str, i64),
    /// Anything else.
    Do(fn(&mut Object, &Scene)),
}

impl Edit {
    pub(super) fn apply(self, object: &mut Object, scene: &Scene) {
        match self {
            Self::Remove(path) => {
                in_parent(object, path, |parent, name| {
                    parent.shift_remove(name);
                });
            }
            Self::Set(path, json) => in_parent(object, path, |parent, name| {
                parent.insert(name.to_owned(), parse(json));
            }),
            Self::Replace(path, json) => change(object, path, |value| *value = parse(json)),
            Self::Rename(path, new) => in_parent(object, path, |parent, name| {
                if let Some(value) = parent.shift_remove(name) {
                    parent.insert(new.to_owned(), value);
                }
            }),
            Self::Add(path, number) => change(object, path, |value| add(value, number)),
            Self::Number(path) => change(object, path, |value| {
                if let Some(number) = sat(value) {
                    *value = number.into();
                }
            }),
            Self::Text(path) => change(object, path, |value| {
                if !value.is_string() {
                    *value = value.to_string().into();
                }
            }),
            Self::Shift(path, seconds) => change(object, path, |value| shift(value, seconds)),
            Self::Do(edit) => edit(object, scene),
        }
    }
}

/// Changes the member at a path, if it is there.
pub(super) fn change(object: &mut Object, path: &str, change: impl FnOnce(&mut Value)) {
    in_parent(object, path, |parent, name| {
        if let Some(value) = parent.get_mut(name) {
            change(value);
        }
    });
}

/// An amount in a string.
pub(super) fn sat(value: &Value) -> Option<u64> {
    value.as_str()?.parse().ok()
}

fn in_parent(object: &mut Object, path: &str, edit: impl FnOnce(&mut Object, &str)) {
    let mut parent = object;
    let (parents, name) = path.rsplit_once('.').unwrap_or(("", path));
    for step in parents.split('.').filter(|step| !step.is_empty()) {
        let Some(Value::Object(next)) = parent.get_mut(step) else { return };
        parent = next;
    }
    edit(parent, name);
}

fn parse(json: &str) -> Value {
    // The catalogue's tests see to it that all of them are JSON.
    serde_json::from_str(json).unwrap_or_default()
}

fn add(value: &mut Value, number: i64) {
    if let Some(sat) = sat(value) {
        *value = sat.saturating_add_signed(number).to_string().into();
    } else if let Some(integer) = value.as_u64() {
        *value = integer.saturating_add_signed(number).into();
    }
}

fn shift(value: &mut Value, seconds: i64) {
    let time = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    if let Some(time) =
        time.and_then(|time| time.checked_add(jiff::SignedDuration::from_secs(seconds)).ok())
    {
        *value = write_datetime(time);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Edit::*;
    use super::*;

    fn edited(edit: Edit) -> Value {
        let object = json!({
            "a": {"sat": "7", "n": 1, "at": "2026-03-01T00:00:00.000Z"}, "text": "x"
        });
        let mut object = object.as_object().unwrap().clone();
        let before = object.clone();
        edit.apply(&mut object, &Scene::default());
        if object == before { json!("unchanged") } else { object.into() }
    }

    #[test]
    fn edits_change_what_they_name() {
        assert_eq!(edited(Remove("a"))["a"], Value::Null);
        assert_eq!(edited(Remove("a.sat"))["a"].get("sat"), None);
        assert_eq!(edited(Set("a.new", "[1]"))["a"]["new"], json!([1]));
        assert_eq!(edited(Replace("text", "null"))["text"], Value::Null);
        assert_eq!(edited(Rename("a.sat", "msat"))["a"]["msat"], "7");
        assert_eq!(edited(Add("a.sat", -3))["a"]["sat"], "4");
        assert_eq!(edited(Add("a.n", 2))["a"]["n"], 3);
        assert_eq!(edited(Number("a.sat"))["a"]["sat"], 7);
        assert_eq!(edited(Text("a.n"))["a"]["n"], "1");
        assert_eq!(edited(Shift("a.at", 3_600))["a"]["at"], "2026-03-01T01:00:00.000Z");
    }

    #[test]
    fn paths_that_lead_nowhere_change_nothing() {
        for edit in [
            Remove("b.sat"),
            Set("b.sat", "1"),
            Replace("a.b", "1"),
            Rename("b", "c"),
            Add("text", 1),
            Number("text"),
            Text("text"),
            Shift("a.sat", 1),
        ] {
            assert_eq!(edited(edit), "unchanged");
        }
    }
}
