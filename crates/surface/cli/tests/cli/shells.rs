//! What a shell sees: help, completions, exit codes, pipes.

use crate::program::{Place, Ran};

#[test]
fn help_names_every_command() {
    let place = Place::new();
    let help = place.ok("--help");
    let commands = [
        "run",
        "simulate",
        "replay",
        "import",
        "send",
        "watch",
        "status",
        "alerts",
        "orders",
        "tasks",
        "shelves",
        "sales",
        "log",
        "quarantine",
        "doctor",
        "config",
        "bench",
        "completions",
        "man",
    ];
    for command in commands {
        assert!(help.contains(&format!("\n  {command} ")), "{command}");
        assert!(place.ok(&format!("{command} --help")).contains("Usage: shelf"));
    }
    assert!(help.contains("Exit codes: 0 done"));
    assert!(place.ok("--version").starts_with("shelf "));
}

#[test]
fn completions_and_the_manual_are_printed() {
    let place = Place::new();
    for (shell, said) in
        [("bash", "complete -F"), ("zsh", "#compdef shelf"), ("fish", "complete -c")]
    {
        let script = place.ok(&format!("completions {shell}"));
        assert!(script.contains(said) && script.contains("quarantine"), "{shell}");
    }
    assert_eq!(place.run("completions tcsh").code, 2);
    assert!(place.ok("man").contains(".TH shelf"));
}

#[test]
fn a_mistyped_word_is_answered_with_the_one_that_was_meant() {
    let place = Place::new();
    for (words, meant) in [
        ("statsu", "'status'"),
        ("alert", "'alerts'"),
        ("alerts lits", "'list'"),
        ("simulate --dasy 3", "'--days'"),
        ("simulate --realism defualt", "'default'"),
        ("completions bahs", "'bash'"),
    ] {
        let ran = place.run(words);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""));
        assert!(ran.err.contains("similar") && ran.err.contains(meant), "{ran:?}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let place = Place::simulated();
    for words in [
        "log tail -n 100000",
        "log tail -n 100000 --effects --json",
        "shelves list --limit 2000",
        "alerts list",
        "completions bash",
        "man",
        "config show",
        "log offsets --json",
        "--help",
    ] {
        let line = format!("($SHELF {words}; echo $? >code) | head -n 1");
        let ran = Ran::of(&mut place.shell(&line), b"");
        assert_eq!(ran.err, "", "{words}");
        assert_eq!(std::fs::read_to_string(place.path("code")).unwrap(), "0\n", "{words}");
        assert_eq!(ran.out.lines().count(), 1, "{words}");
    }
}

#[test]
fn a_chain_whose_reader_leaves_ends_in_order() {
    let place = Place::new();
    let run = "run --plain --warmup-days 0 --speed 3600 --for-seconds 50";
    let line = format!("(timeout 40 $SHELF {run}; echo $? >code) | head -n 1");
    let ran = Ran::of(&mut place.shell(&line), b"");
    assert_eq!(ran.out.lines().count(), 1);
    assert_eq!(std::fs::read_to_string(place.path("code")).unwrap(), "0\n");
    assert_eq!(place.json("replay")["equal"], true);
}

#[test]
fn an_output_that_is_full_is_an_error() {
    let place = Place::simulated();
    for words in ["status", "log tail", "completions zsh", "man", "config show"] {
        let line = format!("$SHELF {words} >/dev/full");
        Ran::of(&mut place.shell(&line), b"").failed(1, "stdout");
    }
}
