//! What the harness knows of the mock's faults is what the mock says.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use mock_lsp::Fault;
use serde_json::{Value, json};

/// Set to write the file anew instead of comparing it.
const UPDATE: &str = "LSPS1_UPDATE_FAULTS";

#[test]
fn the_faults_on_file_are_those_of_the_mock() {
    let faults: Vec<Value> = Fault::all()
        .map(|fault| {
            json!({
                "name": fault.name,
                "summary": fault.summary,
                "breaks": fault.breaks(),
                "needs": fault.needs.name(),
            })
        })
        .collect();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/faults.json");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(file, format!("{:#}\n", Value::from(faults))).unwrap();
        return;
    }
    let known: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert!(
        known == Value::from(faults),
        "{file} is out of date; write it anew with {UPDATE}=1 cargo test -p lsps1-harness --test coverage"
    );
}
