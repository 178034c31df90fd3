//! The whole series of kills against a shell script in the place of `shelf`.

use super::*;

/// Counts to 15 in steps of 4 ms with its state in a file that is renamed into place.
const HONEST: &str = r#"
data=$2
mkdir -p "$data"
n=$(cat "$data/n" 2>/dev/null || echo 0)
while [ "$n" -lt 15 ]; do
  n=$((n + 1)); echo $n > "$data/n.new"; mv "$data/n.new" "$data/n"
  sleep 0.004
done
echo '{"state_hash":"'$n'","events":15,"invariant_violations":0,"units":{}}'
"#;

/// Says how often it was started, which a kill changes.
const FORGETFUL: &str = r#"
data=$2
mkdir -p "$data"
echo start >> "$data/starts"
sleep 0.05
starts=$(wc -l < "$data/starts")
echo '{"state_hash":"'$starts'","events":15,"invariant_violations":0,"units":{}}'
"#;

/// Refuses to start on data that it left behind.
const FRAGILE: &str = r#"
if [ -e "$2" ]; then echo "log is damaged" >&2; exit 3; fi
mkdir -p "$2"
sleep 0.05
echo '{"state_hash":"1","events":15,"invariant_violations":0,"units":{}}'
"#;

fn run_script(script: &str, cycles: u64) -> Result<Counts> {
    let folder = tempfile::tempdir().unwrap();
    run_plan(&Plan {
        program: "/bin/sh".into(),
        arguments: ["-c", script, "shelf"].map(OsString::from).to_vec(),
        folder: folder.path().to_path_buf(),
        cycles,
        seed: 11,
    })
}

#[test]
fn a_program_that_recovers_passes() {
    let counts = run_script(HONEST, 12).unwrap();
    assert_eq!(counts.kills, 12);
    assert!(counts.finished_runs >= 1);
}

#[test]
fn a_program_that_forgets_is_found() {
    let error = format!("{:#}", run_script(FORGETFUL, 40).unwrap_err());
    assert!(error.contains("the outcome differs from the straight run: state_hash"), "{error}");
}

#[test]
fn a_program_that_does_not_start_again_is_found() {
    let error = format!("{:#}", run_script(FRAGILE, 40).unwrap_err());
    assert!(error.contains("exit status: 3") && error.contains("log is damaged"), "{error}");
}

#[test]
fn progress_says_rate_and_time_left() {
    let counts = Counts { kills: 50, finished_runs: 4 };
    assert_eq!(
        progress_line(&counts, 200, Duration::from_secs(10)),
        "50 of 200 kills, 4 finished runs, 5.0 kills/s, 30 s left"
    );
    let none = progress_line(&Counts::default(), 200, Duration::from_secs(1));
    assert!(none.ends_with("time left unknown"), "{none}");
}

#[test]
fn the_command_to_repeat_is_complete() {
    let plan = Plan {
        program: "target/release/shelf".into(),
        arguments: ["simulate", "--json"].map(OsString::from).to_vec(),
        folder: "tmp".into(),
        cycles: 1,
        seed: 1,
    };
    assert_eq!(
        plan.line(&plan.data("crashed")),
        "target/release/shelf simulate --json --data tmp/crashed"
    );
}
