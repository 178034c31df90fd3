//! The pictures of the pages: each page of the list has one in the light and one in the dark, the
//! README and the gallery show both, and there are no others.

use super::{SourceFile, Violation};

/// The list of pages, which the test that draws them reads too.
pub(crate) const LIST: &str = "docs/pictures/pages.txt";
/// Where the pictures are.
pub(crate) const FOLDER: &str = "docs/pictures/pages";
const SHOWN_IN: [&str; 2] = ["README.md", "docs/pages.md"];
const THEMES: [&str; 2] = ["light", "dark"];
const RULE: &str = "picture";

/// The pictures that there are to be, by their paths.
pub(crate) fn wanted(list: &str) -> Vec<String> {
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let names = lines.filter_map(|line| line.split('|').next()).map(str::trim);
    let names = names.filter(|name| !name.is_empty());
    names.flat_map(|name| THEMES.map(|theme| format!("{FOLDER}/{name}-{theme}.webp"))).collect()
}

/// Pictures that are missing, shown nowhere, or of no page.
pub(crate) fn check(files: &[SourceFile], paths: &[String]) -> Vec<Violation> {
    let text = |path: &str| {
        let found = files.iter().find(|file| file.path == path);
        found.map_or("", |file| file.text.as_str())
    };
    let wanted = wanted(text(LIST));
    let mut violations = Vec::new();
    if wanted.is_empty() {
        violations.push(Violation::new(RULE, LIST, "lists no page"));
    }
    for picture in &wanted {
        if !paths.contains(picture) {
            let hint = "does not exist: run `cargo xtask screenshots`";
            violations.push(Violation::new(RULE, picture.clone(), hint));
        }
        for page in SHOWN_IN {
            let folder = page.rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
            let link = picture.strip_prefix(folder.as_deref().unwrap_or("")).unwrap_or(picture);
            if !text(page).contains(link) {
                violations.push(Violation::new(RULE, page, format!("does not show {link}")));
            }
        }
    }
    let stray = paths
        .iter()
        .filter(|path| path.starts_with(&format!("{FOLDER}/")) && !wanted.contains(path));
    violations.extend(stray.map(|path| Violation::new(RULE, path.clone(), "is of no page")));
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(readme: &str, pictures: &[&str]) -> Vec<String> {
        let gallery = "pictures/pages/now-light.webp pictures/pages/now-dark.webp";
        let files = [
            SourceFile::new(LIST, "# a comment\nnow | / | The first page\n"),
            SourceFile::new("README.md", readme),
            SourceFile::new("docs/pages.md", gallery),
        ];
        let paths: Vec<String> =
            pictures.iter().map(|name| format!("{FOLDER}/{name}.webp")).collect();
        check(&files, &paths).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_page_is_shown_in_the_light_and_in_the_dark() {
        let both = "docs/pictures/pages/now-light.webp docs/pictures/pages/now-dark.webp";
        assert_eq!(found(both, &["now-light", "now-dark"]), Vec::<String>::new());
        assert_eq!(found(both, &["now-light"]).len(), 1);
        assert_eq!(found(both, &["now-light", "now-dark", "old-dark"]).len(), 1);
        let light = "docs/pictures/pages/now-light.webp";
        assert_eq!(
            found(light, &["now-light", "now-dark"]),
            ["README.md: picture: does not show docs/pictures/pages/now-dark.webp"]
        );
    }
}
