//! What a step expects, as it is written.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::super::{Check, Expectation, Refusal, RefusalKind};
use crate::requirement::RequirementId;

impl<'de> Deserialize<'de> for Expectation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ExpectationFile::deserialize(deserializer)?.into_expectation().map_err(de::Error::custom)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectationFile {
    #[serde(rename = "for")]
    requirements: Vec<RequirementId>,
    #[serde(default)]
    at: Option<String>,
    #[serde(default)]
    is: Option<Value>,
    #[serde(default)]
    absent: Option<bool>,
    #[serde(default)]
    that: Option<String>,
    #[serde(default)]
    refused: Option<Refusal>,
    #[serde(default)]
    when: Option<String>,
    #[serde(default)]
    warn: Option<Value>,
    #[serde(default)]
    compat: Option<Value>,
    #[serde(default)]
    says: Option<String>,
}

impl ExpectationFile {
    fn into_expectation(self) -> Result<Expectation, String> {
        if self.requirements.is_empty() {
            return Err("`for` names no requirement".into());
        }
        let check = match (self.at, self.that, self.refused) {
            (Some(path), None, None) => match (self.is, self.absent) {
                (is, None | Some(false)) => {
                    Check::At { path, schema: is.unwrap_or(Value::Bool(true)) }
                }
                (None, Some(true)) => Check::Absent { path },
                (Some(_), Some(true)) => return Err("`is` and `absent` exclude each other".into()),
            },
            (None, Some(that), None) if self.is.is_none() && self.absent.is_none() => {
                Check::That(that)
            }
            (None, None, Some(refusal)) if self.is.is_none() && self.absent.is_none() => {
                Check::Refused(refusal)
            }
            _ => {
                return Err(
                    "an expectation has one of: at (with is or absent), that, refused".into()
                );
            }
        };
        Ok(Expectation {
            requirements: self.requirements,
            check,
            when: self.when,
            warn: self.warn,
            compat: self.compat,
            says: self.says,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusalFile {
    codes: Vec<i64>,
    #[serde(default)]
    property: Vec<String>,
    #[serde(default)]
    unrecognized: Option<Vec<String>>,
    /// Other ways that are as good.
    #[serde(default)]
    or: Vec<RefusalFile>,
}

impl RefusalFile {
    fn flatten(self, kinds: &mut Vec<RefusalKind>) {
        kinds.push(RefusalKind {
            codes: self.codes,
            property: self.property,
            unrecognized: self.unrecognized,
        });
        for other in self.or {
            other.flatten(kinds);
        }
    }
}

impl<'de> Deserialize<'de> for Refusal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrMap;

        impl<'de> Visitor<'de> for WordOrMap {
            type Value = Refusal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`parse_error` or a map with `codes`")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Refusal, E> {
                match word {
                    "parse_error" => Ok(Refusal::ParseError),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Refusal, A::Error> {
                let mut kinds = Vec::new();
                RefusalFile::deserialize(MapAccessDeserializer::new(map))?.flatten(&mut kinds);
                Ok(Refusal::Error(kinds))
            }
        }

        deserializer.deserialize_any(WordOrMap)
    }
}
