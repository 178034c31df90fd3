//! Writes the Avro schemas: `cargo run -p shelf-events --example avro_schemas docs/schemas/avro`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let Some(dir) = std::env::args().nth(1) else {
        return Err(std::io::Error::other("name the folder to write to: docs/schemas/avro"));
    };
    std::fs::create_dir_all(&dir)?;
    for (name, schema) in shelf_events::avro_schemas() {
        std::fs::write(Path::new(&dir).join(format!("{name}.avsc")), format!("{schema:#}\n"))?;
    }
    Ok(())
}
