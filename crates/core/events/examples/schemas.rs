//! Writes the JSON Schema files: `cargo run -p shelf-events --example schemas docs/schemas/v1`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let Some(dir) = std::env::args().nth(1) else {
        return Err(std::io::Error::other("name the folder to write to: docs/schemas/v1"));
    };
    std::fs::create_dir_all(&dir)?;
    for (name, schema) in shelf_events::schemas() {
        std::fs::write(Path::new(&dir).join(format!("{name}.json")), format!("{schema:#}\n"))?;
    }
    Ok(())
}
