//! What depends on what: the oracle must share nothing with the mock, or a misreading of the specification could cancel
//! itself out.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::process::Command;

/// The names of all packages that `package` is built with, itself among them.
fn built_with(package: &str, edges: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", package, "--edges", edges, "--prefix", "none"])
        .args(["--format", "{p}", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let names: BTreeSet<String> =
        text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    assert!(names.contains(package), "{text}");
    names
}

const ALL: &str = "normal,build,dev";

#[test]
fn the_oracle_depends_on_nobody_here() {
    let names = built_with("lsps1-scenarios", ALL);
    for other in ["lsps1-harness", "mock-lsp", "lsps1-fixtures"] {
        assert!(!names.contains(other), "lsps1-scenarios depends on {other}");
    }
}

#[test]
fn the_mock_depends_neither_on_the_oracle_nor_on_the_harness_nor_on_ldk_node() {
    let names = built_with("mock-lsp", ALL);
    for other in ["lsps1-harness", "lsps1-scenarios"] {
        assert!(!names.contains(other), "mock-lsp depends on {other}");
    }
    let names = built_with("mock-lsp", "normal");
    assert!(names.contains("lsps1-fixtures") && names.contains("lightning"), "{names:?}");
    assert!(!names.contains("ldk-node"), "mock-lsp drags in ldk-node");
}

#[test]
fn the_harness_has_the_mock_in_its_tests_only() {
    let names = built_with("lsps1-harness", "normal,build");
    for other in ["lsps1-scenarios", "lsps1-fixtures", "ldk-node"] {
        assert!(names.contains(other), "this looks at something else: {names:?}");
    }
    assert!(!names.contains("mock-lsp"), "lsps1-harness depends on mock-lsp");
    assert!(built_with("lsps1-harness", ALL).contains("mock-lsp"));
}
