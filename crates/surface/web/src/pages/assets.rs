//! Style, scripts and pictures, inside the binary. Their addresses hold a part of the hash of their
//! content, so that a browser may keep them for ever.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use rust_embed::RustEmbed;

/// The files.
#[derive(RustEmbed)]
#[folder = "assets"]
struct Files;

static ADDRESSES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let address = |name: &str| {
        let file = Files::get(name)?;
        let mut hash = String::new();
        for byte in file.metadata.sha256_hash().iter().take(6) {
            let _ = write!(hash, "{byte:02x}");
        }
        Some(format!("/assets/{hash}/{name}"))
    };
    Files::iter().filter_map(|name| Some((name.to_string(), address(&name)?))).collect()
});

/// The address of a file; empty where there is none.
pub(crate) fn url(name: &str) -> &'static str {
    ADDRESSES.get(name).map_or("", String::as_str)
}

/// What lies at an address: the bytes and their media type.
pub(crate) fn find(address: &str) -> Option<(Vec<u8>, &'static str)> {
    let (name, _) = ADDRESSES.iter().find(|(_, known)| known.as_str() == address)?;
    let media = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    };
    Some((Files::get(name)?.data.into_owned(), media))
}
