//! The built-in scenarios as a whole.

use std::collections::BTreeSet;
use std::fs;

use lsps1_scenarios::{Transport, builtin_scenarios, load_dir, schema};
use serde_json::Value;

#[test]
fn builtin_scenarios_load_and_can_work() {
    let scenarios = builtin_scenarios().unwrap();
    assert!(scenarios.len() >= 40, "there are only {} scenarios", scenarios.len());
    let mut found = Vec::new();
    for scenario in &scenarios {
        found.extend(
            scenario.defects().into_iter().map(|defect| format!("{}: {defect}", scenario.source())),
        );
        assert!(!scenario.requirements().is_empty(), "{} judges nothing", scenario.id());
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn builtin_ids_are_unique() {
    let scenarios = builtin_scenarios().unwrap();
    let ids: BTreeSet<&str> = scenarios.iter().map(|scenario| scenario.id()).collect();
    assert_eq!(ids.len(), scenarios.len());
}

#[test]
fn there_is_a_purchase_per_transport() {
    let scenarios = builtin_scenarios().unwrap();
    for transport in [Transport::P2p, Transport::Rest] {
        let purchase = scenarios.iter().find(|scenario| {
            scenario.id().contains("purchase") && scenario.transports().contains(&transport)
        });
        assert!(purchase.is_some(), "no purchase over {transport}");
    }
}

/// The published schema of the format accepts what the reader accepts.
#[test]
fn builtin_files_satisfy_the_schema_of_the_format() {
    let schema: Value = serde_json::from_str(schema::text_of("scenario").unwrap()).unwrap();
    let validator = schema::compile(&schema).unwrap();
    let mut found = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scripts")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let value: Value = serde_saphyr::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            if let Some(complaint) = schema::complaints(&validator, &value) {
                found.push(format!("{}: {complaint}", path.display()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(files, builtin_scenarios().unwrap().len());
}

#[test]
fn a_folder_of_scenarios_is_read_and_mistakes_are_named() {
    let folder = std::env::temp_dir().join(format!("lsps1-scenarios-test-{}", std::process::id()));
    fs::create_dir_all(folder.join("below")).unwrap();
    let good = "id: mine\ntitle: Mine\nsteps:\n  - {call: get_info, expect: [{for: [L1-011], at: $.result}]}\n";
    fs::write(folder.join("below/good.yaml"), good).unwrap();
    let loaded = load_dir(&folder).unwrap();
    assert_eq!(loaded.iter().map(|scenario| scenario.id()).collect::<Vec<_>>(), ["mine"]);

    for (text, expected) in [
        (good.replace("L1-011", "L9-999"), "there is no requirement L9-999"),
        (good.replace("$.result", "result"), "isn't a JSONPath"),
        (good.replace("at: $.result", "that: '1 +'"), "can't be read"),
        (good.replace("at: $.result", "at: $.result, is: {type: 7}"), "JSON Schema can't be used"),
        (good.replace("call: get_info", "send: {text: x}"), "can't be done over rest"),
        (good.replace("call", "cal"), "cal"),
        (good.replace("id: mine", "id: 'Mine!'"), "lower-case"),
        (good.into(), "is used by"),
    ] {
        fs::write(folder.join("second.yaml"), text).unwrap();
        let error = load_dir(&folder).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("second.yaml"), "{error}");
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(load_dir(&folder).unwrap_err().to_string().contains("failed to read"));
}
