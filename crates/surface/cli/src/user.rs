//! `shelf user`: who may log in at the dashboard and the API.

use std::io::{BufRead, IsTerminal};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal;
use serde::Serialize;
use shelf_domain::Timestamp;
use shelf_host::{HostAct, note_act};
use shelf_web::{Role, User, Users};

use crate::acts::{actor, wall_now};
use crate::args::{ByArgs, UserAddArgs, UserCommand};
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// A user as others may see them.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    role: String,
    /// The stores that they may see; null: all.
    stores: Option<Vec<String>>,
    tokens: Vec<TokenRow>,
}

#[derive(Debug, Serialize)]
struct TokenRow {
    label: String,
    expires_at: String,
}

pub(crate) fn run(
    command: &UserCommand,
    settings: &Settings,
    output: Output,
) -> Result<(), Failure> {
    let folder = settings.folder();
    // A file of users belongs to a data folder.
    folder.meta()?;
    let mut users = Users::open(&folder)?;
    match command {
        UserCommand::Add(args) => {
            let audit = Audit::of(&args.by, settings, output)?;
            let user = add(&mut users, args)?;
            if let Some(user) = &user {
                audit.note("user_set", &rights(user));
            }
            let shown = user.as_ref().map(row);
            output.view(&shown, |shown| shown.as_ref().map(line).unwrap_or_default())
        }
        UserCommand::List => {
            let rows: Vec<Row> = users.list().iter().map(row).collect();
            output.view(&rows, |rows| rows.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        UserCommand::Remove { name, yes, dry_run, by } => {
            let user = users.get(name).ok_or_else(|| nobody(name))?;
            let tokens = user.tokens.len();
            let what = format!("{name} may not log in any more, and loses {tokens} tokens");
            if *dry_run {
                output.say(&what);
                return Ok(());
            }
            let audit = Audit::of(by, settings, output)?;
            output.agree(*yes, &what)?;
            users.remove(name)?;
            audit.note("user_removed", name);
            output.say(&format!("{name} may not log in any more"));
            Ok(())
        }
        UserCommand::Token { name, remove: Some(label), yes, dry_run, by, .. } => {
            let known = users.get(name).map(|user| &user.tokens);
            if !known.is_some_and(|tokens| tokens.iter().any(|token| token.label == *label)) {
                let message = format!("{name} has no token {label}");
                return Err(Failure::new("not_found", message, "see `shelf user list`"));
            }
            let what = format!("the token {label} of {name} is good for nothing any more");
            if !*dry_run {
                let audit = Audit::of(by, settings, output)?;
                output.agree(*yes, &what)?;
                users.remove_token(name, label)?;
                audit.note("token_removed", &format!("{name}: {label}"));
            }
            output.say(&what);
            Ok(())
        }
        UserCommand::Token { name, label, days, remove: None, by, .. } => {
            if users.get(name).is_none() {
                return Err(nobody(name));
            }
            let audit = Audit::of(by, settings, output)?;
            let token = users.add_token(name, label, *days)?;
            audit.note("token_made", &format!("{name}: {label}, {days} days"));
            output.view(&serde_json::json!({ "token": token }), |_| token.clone())
        }
    }
}

/// Where it is noted who did what to whom.
struct Audit<'a> {
    actor: String,
    /// What time it was in the stores before anything was done, or why that is not known.
    at: Result<Timestamp, Failure>,
    settings: &'a Settings,
    output: Output,
}

impl<'a> Audit<'a> {
    /// A failure where nobody is named, before anything is done.
    fn of(by: &ByArgs, settings: &'a Settings, output: Output) -> Result<Self, Failure> {
        let actor = actor(&by.actor)?.to_string();
        Ok(Self { actor, at: present(settings), settings, output })
    }

    /// Notes an act that is done. That it cannot be noted takes nothing back: who acts is told.
    fn note(&self, act: &str, detail: &str) {
        let noted = match &self.at {
            Ok(at) => {
                let (actor, act, detail) = (self.actor.clone(), act.to_owned(), detail.to_owned());
                let act = HostAct { at: *at, clock_at: wall_now(), actor, act, detail };
                note_act(&self.settings.folder(), &act)
                    .map_err(|error| Failure::from(error).to_string())
            }
            Err(failure) => Err(failure.to_string()),
        };
        if let Err(why) = noted {
            self.output.say(&format!("warning: this is not in the audit list: {why}"));
        }
    }
}

/// What time it is in the stores: in simulated ones that of their log.
fn present(settings: &Settings) -> Result<Timestamp, Failure> {
    let folder = settings.folder();
    if folder.meta()?.town.is_none() {
        return Ok(wall_now());
    }
    Ok(folder.newest_event_at()?.unwrap_or_else(wall_now))
}

/// What a user may do, in words of the audit list.
fn rights(user: &User) -> String {
    let stores = user.stores.as_ref().map_or_else(|| "all stores".to_owned(), |ids| ids.join(" "));
    format!("{}: {}, {stores}", user.name, user.role)
}

fn add(users: &mut Users, args: &UserAddArgs) -> Result<Option<User>, Failure> {
    let password = if args.no_password { None } else { Some(password()?) };
    // Another password is no other role, and no other scope.
    let known = users.get(&args.name);
    let had = known.and_then(|user| Some((user.role()?, user.stores.clone())));
    let (role, scope) = had.unwrap_or((Role::Viewer, None));
    let role = args.role.map_or(role, Role::from);
    let named = (!args.stores.is_empty()).then(|| args.stores.clone());
    let stores = if args.all_stores { None } else { named.or(scope) };
    users.set(&args.name, role, stores, password.as_deref())?;
    Ok(users.get(&args.name).cloned())
}

fn row(user: &User) -> Row {
    let tokens = user.tokens.iter().map(|token| TokenRow {
        label: token.label.clone(),
        expires_at: jiff::Timestamp::from_second(token.expires_at)
            .map_or_else(|_| "never".to_owned(), |at| at.to_string()),
    });
    Row {
        name: user.name.clone(),
        role: user.role.clone(),
        stores: user.stores.clone(),
        tokens: tokens.collect(),
    }
}

fn line(row: &Row) -> String {
    let stores = row.stores.as_ref().map_or_else(|| "all stores".to_owned(), |ids| ids.join(", "));
    let tokens: Vec<String> = row
        .tokens
        .iter()
        .map(|token| format!("{} until {}", token.label, token.expires_at))
        .collect();
    let tokens =
        if tokens.is_empty() { String::new() } else { format!("  tokens: {}", tokens.join(", ")) };
    format!("{:<20} {:<10} {stores}{tokens}", row.name, row.role)
}

fn nobody(name: &str) -> Failure {
    Failure::new("not_found", format!("there is no user {name}"), "see `shelf user list`")
}

/// A password: typed unseen at a terminal, else the first line of stdin.
fn password() -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        eprint!("password: ");
        let typed = unseen();
        eprintln!();
        return typed;
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| {
        let message = format!("stdin cannot be read as text: {error}");
        Failure::new("stdin", message, "pipe the password as one line into it")
    })?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn unseen() -> Result<String, Failure> {
    let refused = |error: std::io::Error| {
        let message = format!("the terminal does not read unseen: {error}");
        Failure::new("stdin", message, "pipe the password as one line into it")
    };
    terminal::enable_raw_mode().map_err(refused)?;
    let mut typed = String::new();
    let read = loop {
        match event::read() {
            Ok(Event::Key(key)) if key.kind == KeyEventKind::Press => match key.code {
                KeyCode::Enter => break Ok(typed),
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                    break Err(Failure::usage("no password was given", "try again"));
                }
                KeyCode::Backspace => {
                    typed.pop();
                }
                KeyCode::Char(letter) => typed.push(letter),
                _ => {}
            },
            Ok(_) => {}
            Err(error) => break Err(refused(error)),
        }
    };
    terminal::disable_raw_mode().map_err(refused)?;
    read
}
