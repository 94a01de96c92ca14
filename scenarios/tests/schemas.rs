//! The published schemas against sample messages: every good one passes, every bad one fails where it says.
//!
//! A sample is a JSON file with `schema` (name of a schema, or `name#/$defs/part`), `why`, `message` and, if it is a
//! bad one, `at`: the JSON pointer of what is wrong in the message.

#![allow(clippy::expect_used, reason = "a test that can't read its samples has to fail")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

const URN: &str = "urn:lsps1-conformance:schema:";

#[test]
fn every_good_message_passes() {
    let schemas = schemas();
    let registry = registry(&schemas);
    let samples = samples("good");

    for Sample { path, schema, message, .. } in &samples {
        let errors = errors(&validator(&registry, schema), message);
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
    }

    assert!(samples.len() >= 50, "only {} good messages found", samples.len());
}

#[test]
fn every_bad_message_fails_where_it_says() {
    let schemas = schemas();
    let registry = registry(&schemas);
    let samples = samples("bad");

    for Sample { path, schema, message, at } in &samples {
        let at = at.as_deref().unwrap_or_else(|| panic!("{}: `at` is missing", path.display()));
        let errors = errors(&validator(&registry, schema), message);
        assert!(
            errors.iter().any(|(pointer, _)| pointer == at),
            "{}: no error at {at:?} but {errors:?}",
            path.display()
        );
    }

    assert!(samples.len() >= 150, "only {} bad messages found", samples.len());
}

#[test]
fn every_message_schema_has_a_good_and_a_bad_sample() {
    let named = |kind| -> BTreeSet<String> {
        samples(kind)
            .into_iter()
            .map(|sample| sample.schema.split('#').next().unwrap_or_default().to_owned())
            .collect()
    };
    let (good, bad) = (named("good"), named("bad"));

    for (id, _) in schemas() {
        let name = id.trim_start_matches(URN);
        // Parts of other messages, and files of our own, which have tests of their own.
        if ["payment", "replay", "scenario"].contains(&name) {
            continue;
        }
        assert!(good.contains(name), "no good sample of {name}");
        assert!(bad.contains(name), "no bad sample of {name}");
    }
}

#[test]
fn schemas_are_titled_and_named_after_their_file() {
    for path in json_files("schemas") {
        let schema = read(&path);
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        assert_eq!(schema["$id"], json!(format!("{URN}{stem}")), "{}", path.display());
        assert!(
            schema["title"].is_string() && schema["description"].is_string(),
            "{}",
            path.display()
        );
        jsonschema::meta::validate(&schema)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

struct Sample {
    path: PathBuf,
    schema: String,
    message: Value,
    at: Option<String>,
}

fn samples(kind: &str) -> Vec<Sample> {
    json_files(&format!("tests/messages/{kind}"))
        .into_iter()
        .map(|path| {
            let sample = read(&path);
            let text = |key: &str| sample[key].as_str().map(str::to_owned);
            assert!(text("why").is_some(), "{}: `why` is missing", path.display());
            Sample {
                schema: text("schema")
                    .unwrap_or_else(|| panic!("{}: `schema` is missing", path.display())),
                message: sample["message"].clone(),
                at: text("at"),
                path,
            }
        })
        .collect()
}

fn schemas() -> Vec<(String, Value)> {
    json_files("schemas")
        .iter()
        .map(|path| {
            let schema = read(path);
            (
                schema["$id"]
                    .as_str()
                    .unwrap_or_else(|| panic!("{}: no $id", path.display()))
                    .to_owned(),
                schema,
            )
        })
        .collect()
}

fn registry(schemas: &[(String, Value)]) -> Registry<'_> {
    let resources = schemas.iter().map(|(id, schema)| (id, schema));
    Registry::new()
        .extend(resources)
        .expect("schemas have ids")
        .prepare()
        .expect("references resolve")
}

fn validator(registry: &Registry<'_>, schema: &str) -> Validator {
    jsonschema::options()
        .offline()
        .with_registry(registry)
        .build(&json!({ "$ref": format!("{URN}{schema}") }))
        .unwrap_or_else(|error| panic!("{schema}: {error}"))
}

fn errors(validator: &Validator, message: &Value) -> Vec<(String, String)> {
    validator
        .iter_errors(message)
        .map(|error| (error.instance_path().as_str().to_owned(), error.to_string()))
        .collect()
}

fn json_files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

fn read(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
