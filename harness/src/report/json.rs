//! The JSON report.

use super::Report;

/// The report as indented JSON with a line feed at its end.
///
/// # Errors
/// None that a report can cause; the serialiser's are passed on.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}
