//! `config`: defaults, then a file, then the environment, then flags.

use serde_json::Value;

use crate::program::{Place, Ran, lines_of};

fn row(rows: &Value, key: &str) -> (Value, String) {
    let row = rows.as_array().unwrap().iter().find(|row| row["key"] == *key).unwrap();
    (row["value"].clone(), row["origin"].as_str().unwrap().to_owned())
}

#[test]
fn each_value_says_where_it_comes_from() {
    let place = Place::new();
    place.file("shelf.toml", "[demo]\nseed = 7\nstores = 3\n[log]\npartitions = 4\n");
    let mut command = place.command("config show --origin --json --data there");
    let ran = Ran::of(command.env("SHELF_DEMO__SEED", "9"), b"");
    let rows = &lines_of(&ran.out)[0];
    assert_eq!(row(rows, "demo.seed"), (9.into(), "environment SHELF_DEMO__SEED".into()));
    assert_eq!(row(rows, "data"), ("there".into(), "command line".into()));
    assert_eq!(row(rows, "demo.warmup_days"), (28.into(), "default".into()));
    let (partitions, origin) = row(rows, "log.partitions");
    assert_eq!(partitions, 4);
    assert!(origin.ends_with("shelf.toml"), "{origin}");
    assert!(place.ok("config show").contains("demo.stores              = 3"));
    assert!(place.ok("config check").contains("valid"));
}

#[test]
fn later_settings_win() {
    let place = Place::new();
    place.file("mine.toml", "[demo]\nseed = 7\nstores = 1\n");
    let made = |words: &str, seed: Option<&str>| {
        let mut command = place.command(words);
        command.envs(seed.map(|seed| ("SHELF_DEMO__SEED", seed)));
        Ran::of(&mut command, b"").jsons()[0]["seed"].clone()
    };
    assert_eq!(made("simulate --days 0 --data a --json", None), 42);
    assert_eq!(made("simulate --days 0 --data b --json --config mine.toml", None), 7);
    assert_eq!(made("simulate --days 0 --data c --json --config mine.toml", Some("8")), 8);
    let flag = "simulate --days 0 --data d --json --config mine.toml --seed 9";
    assert_eq!(made(flag, Some("8")), 9);
}

#[test]
fn wrong_settings_stop_every_command_that_needs_them() {
    let place = Place::new();
    for (text, said) in [
        ("[demo]\nsed = 7\n", "sed"),
        ("[dmeo]\nseed = 7\n", "dmeo"),
        ("[demo]\nseed = \"many\"\n", "demo.seed"),
        ("[demo]\nstores = 0\n", "demo.stores is 0"),
        ("[demo]\nspeed = \"fast\"\n", "demo.speed"),
        ("[engine]\nsnapshot_events = 1\n", "engine.snapshot_events"),
        ("[log]\nmax_record_kb = 1\n", "log.max_record_kb"),
        ("[demo\nseed = 7\n", "shelf.toml"),
    ] {
        place.file("shelf.toml", text);
        for words in ["config check", "config show", "status", "run --for-seconds 0"] {
            let ran = place.fails(words, 2, "settings");
            assert!(ran.err.contains(said), "{text} is answered by {ran:?}");
        }
    }
    place.fails("config check --config none.toml", 2, "settings");
    assert!(!place.path("data").exists());
}

#[test]
fn wrong_flags_and_variables_are_told_too() {
    let place = Place::new();
    for words in ["--speed 0", "--speed fast", "--stores 0", "--warmup-days 100000"] {
        place.fails(&format!("run --for-seconds 0 {words}"), 2, "settings");
    }
    for words in ["--batch 0", "--partitions 0", "--partitions 5000", "--snapshot-events 1"] {
        place.fails(&format!("simulate --days 0 {words}"), 2, "settings");
    }
    let mut command = place.command("status");
    Ran::of(command.env("SHELF_DATA", ""), b"").failed(2, "settings");
    let mut command = place.command("config check");
    let ran = Ran::of(command.env("SHELF_DEMO__SED", "9"), b"").failed(2, "settings");
    assert!(ran.err.contains("sed"), "{ran:?}");
}

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../deploy");

/// What `compose.yaml` says of the program and of images; each part of it is a line.
#[derive(Debug, Default)]
struct Deployed {
    variables: Vec<(String, String)>,
    /// Of the containers of the program, the words of each.
    commands: Vec<String>,
    images: Vec<String>,
}

fn deployed() -> Deployed {
    let text = std::fs::read_to_string(format!("{DEPLOY}/compose.yaml")).unwrap();
    let (mut deployed, mut ours) = (Deployed::default(), false);
    for line in text.lines().map(str::trim) {
        match line.split_once(": ") {
            Some((name, value)) if name.starts_with("SHELF_") => {
                deployed.variables.push((name.to_owned(), value.trim_matches('"').to_owned()));
            }
            Some(("image", image)) => {
                ours = image == "shelf";
                deployed.images.push(image.to_owned());
            }
            Some(("<<", of)) => ours = of == "*worker",
            Some(("command", words)) if ours => deployed.commands.push(words.to_owned()),
            _ => {}
        }
    }
    deployed
}

#[test]
fn what_is_deployed_has_settings_and_flags_that_there_are_and_images_that_stay() {
    let (place, deployed) = (Place::new(), deployed());
    let checked = |variables: &[(String, String)]| {
        let mut command = place.command("config check");
        Ran::of(command.envs(variables.iter().cloned()), b"")
    };
    assert!(deployed.variables.len() > 4, "{deployed:?}");
    assert_eq!(checked(&deployed.variables).code, 0, "{deployed:?}");
    for (name, value) in &deployed.variables {
        let other = (format!("{name}_OF_OLD"), value.clone());
        checked(&[other]).failed(2, "settings");
    }
    let scraped = std::fs::read_to_string(format!("{DEPLOY}/prometheus/prometheus.yml")).unwrap();
    let mut served = vec!["127.0.0.1:8080"];
    for words in &deployed.commands {
        place.ok(&format!("{words} --help"));
        assert_ne!(place.run(&format!("{words} --of-old --help")).code, 0, "{words}");
        served.extend(words.split_once("--listen ").map(|(_, address)| address));
    }
    assert_eq!((deployed.commands.len(), served.len()), (4, 3), "{deployed:?}");
    assert!(served.iter().all(|address| scraped.contains(&format!("\"{address}\""))), "{served:?}");
    for image in deployed.images.iter().filter(|image| *image != "shelf") {
        let version = image.split_once(':').map_or("", |(_, version)| version);
        assert!(version.contains('.') || version.contains("RELEASE"), "{image} may change");
    }
}
