//! Compiles the data files of this crate into the library.
//!
//! YAML is turned into JSON here, once, since it takes many times longer to parse: the program lists its scenarios
//! in a few milliseconds. A file that isn't YAML fails the build, with its name and the place.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> Result<(), Box<dyn Error>> {
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
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
        writeln!(table, "pub(crate) const {name}: &[(&str, &str)] = &[")?;
        for file in files {
            println!("cargo::rerun-if-changed={}", file.display());
            let shown = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
            let text = fs::read_to_string(&file)?;
            let json = match extension {
                "yaml" => {
                    let value: serde_json::Value = serde_saphyr::from_str(&text)
                        .map_err(|error| format!("failed to read {shown}: {error}"))?;
                    value.to_string()
                }
                _ => text,
            };
            writeln!(table, "    ({shown:?}, {json:?}),")?;
        }
        writeln!(table, "];")?;
    }
    fs::write(out.join("embedded.rs"), table)?;
    Ok(())
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
