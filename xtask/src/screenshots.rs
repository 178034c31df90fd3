//! `cargo xtask screenshots`: every page of the dashboard, light and dark, as the test of
//! accessibility sees it.

use crate::workspace::{Workspace, run_to_success};
use anyhow::Result;

const PICTURES: &str = "docs/pictures/pages";
/// The test that opens every page in both themes.
const TEST: &str = "every_page_is_accessible_in_the_light_and_in_the_dark";

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut test = workspace.cargo();
    // All of the workspace, as the tests build it: a part of it would build its dependencies anew.
    test.args(["test", "--workspace", "--all-features", "--test", "browser"]);
    test.args(["--", "--exact", TEST]);
    test.env("SHELF_PICTURES", workspace.root.join(PICTURES));
    run_to_success(&mut test)?;
    println!("drew {PICTURES}");
    Ok(())
}
