//! `cargo xtask screenshots`: every page of the dashboard, light and dark, as the test of
//! accessibility sees it.

use crate::tidy::pictures::{FOLDER, LIST, wanted};
use crate::workspace::{Workspace, run_to_success};
use anyhow::{Context, Result, bail};
use std::fs;

/// The test that opens every page in both themes.
const TEST: &str = "every_page_is_accessible_in_the_light_and_in_the_dark";
/// A clone has all of the pictures: so many bytes together are enough.
const BYTES_MAX: u64 = 4_000_000;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let folder = workspace.root.join(FOLDER);
    if folder.exists() {
        // What is of no page any more goes.
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    let mut test = workspace.cargo();
    // All of the workspace, as the tests build it: a part of it would build its dependencies anew.
    test.args(["test", "--workspace", "--all-features", "--test", "browser"]);
    test.args(["--", "--exact", TEST]);
    test.env("SHELF_PICTURES", &folder);
    run_to_success(&mut test)?;
    let list = fs::read_to_string(workspace.root.join(LIST))
        .with_context(|| format!("cannot read {LIST}"))?;
    let (mut bytes, wanted) = (0, wanted(&list));
    for picture in &wanted {
        let found = fs::metadata(workspace.root.join(picture));
        bytes += found.with_context(|| format!("{picture} was not drawn"))?.len();
    }
    if bytes > BYTES_MAX {
        bail!("the pictures have {bytes} bytes together, more than {BYTES_MAX}");
    }
    println!("drew {} pictures, {} kB, into {FOLDER}", wanted.len(), bytes / 1_000);
    Ok(())
}
