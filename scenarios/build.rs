//! Lists the data files of this crate, so that they are compiled into the library.
//!
//! The files themselves are included with `include_str!`; this script only writes the table of their names.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let mut table = String::new();
    for (name, folder, extension) in [
        ("REQUIREMENTS", "requirements", "yaml"),
        ("SCHEMAS", "schemas", "json"),
        ("SCRIPTS", "scripts", "yaml"),
    ] {
        println!("cargo::rerun-if-changed={folder}");
        let mut files = Vec::new();
        collect(&root.join(folder), extension, &mut files)?;
        files.sort();
        // Writing into a String can't fail.
        let _ = writeln!(table, "pub(crate) const {name}: &[(&str, &str)] = &[");
        for file in files {
            println!("cargo::rerun-if-changed={}", file.display());
            let shown = file.strip_prefix(&root).unwrap_or(&file);
            let _ = writeln!(
                table,
                "    ({:?}, include_str!({:?})),",
                shown.display().to_string(),
                file
            );
        }
        let _ = writeln!(table, "];");
    }
    fs::write(out.join("embedded.rs"), table)
}

/// Collects the files below `folder` whose name ends in `extension`; a folder that doesn't exist has none.
fn collect(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            println!("cargo::rerun-if-changed={}", path.display());
            collect(&path, extension, files)?;
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    Ok(())
}
