//! Writes a line of code from a build script.

use std::path::Path;

/// Write `pub const LABEL: &str = "…";` to `label.rs` in the folder that cargo gives build scripts.
pub fn write_label(folder: &Path, label: &str) -> std::io::Result<()> {
    std::fs::write(
        folder.join("label.rs"),
        format!("pub const LABEL: &str = {label:?};\n"),
    )
}
