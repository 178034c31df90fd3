//! `shelf alerts`: list them, look at one, act on one.

use std::process::ExitCode;

use shelf_domain::{
    Actor, AlertAct, AlertId, AlertStatus, AlertVerb, Body, MINUTE, Note, Rule, Severity, Sku,
    StoreId,
};
use shelf_views::{AlertDetail, AlertFilter, AlertsView, Chain, render_alert, render_alerts};

use crate::acts::{event_at, one_store, read, report, submit};
use crate::args::{ActArgs, AlertsCommand, ListArgs};
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];
const STATUSES: [AlertStatus; 3] =
    [AlertStatus::Open, AlertStatus::Acknowledged, AlertStatus::Snoozed];

pub(crate) fn run(
    command: &AlertsCommand,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    match command {
        AlertsCommand::List { list, rule, severity } => {
            show_list(list, rule.as_ref(), severity.as_ref(), settings, output)
        }
        AlertsCommand::Show(act) => show(act, settings, output),
        AlertsCommand::Ack(args) => act(args, AlertVerb::Acknowledge, settings, output),
        AlertsCommand::Assign { act: args, to } => {
            act(args, AlertVerb::Assign(actor(to)?), settings, output)
        }
        AlertsCommand::Snooze { act: args, minutes } => {
            let reader = read(settings)?;
            let chain = Chain::new(reader.partitions());
            let store = one_store(&chain, args.store.as_ref())?;
            let until = store.now().plus(i64::from(*minutes) * MINUTE);
            act(args, AlertVerb::Snooze(until), settings, output)
        }
        AlertsCommand::Resolve(args) => act(args, AlertVerb::Resolve, settings, output),
        AlertsCommand::Dismiss(args) => act(args, AlertVerb::Dismiss, settings, output),
    }
}

fn show_list(
    list: &ListArgs,
    rule: Option<&String>,
    severity: Option<&String>,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let filter = AlertFilter {
        store: list.store.as_deref().map(StoreId::cut),
        sku: list.sku.as_deref().map(Sku::cut),
        rule: choice("rule", rule, &Rule::ALL, Rule::code)?,
        severity: choice("severity", severity, &SEVERITIES, Severity::code)?,
        status: choice("status", list.status.as_ref(), &STATUSES, AlertStatus::code)?,
        limit: Some(list.limit),
    };
    let reader = read(settings)?;
    let view = AlertsView::new(&Chain::new(reader.partitions()), &filter);
    output.view(&view, |view| render_alerts(view, &output.style(), output.width()))?;
    Ok(ExitCode::SUCCESS)
}

fn show(args: &ActArgs, settings: &Settings, output: Output) -> Result<ExitCode, Failure> {
    let id = alert_id(&args.id)?;
    let reader = read(settings)?;
    let chain = Chain::new(reader.partitions());
    let store = one_store(&chain, args.store.as_ref())?;
    let view = AlertDetail::new(store, id).ok_or_else(|| {
        let hint = "it has ended or never was; list the open ones with `shelf alerts list`";
        Failure::new("unknown_alert", format!("no alert {id} stands"), hint)
    })?;
    output.view(&view, |view| render_alert(view, &output.style(), output.width()))?;
    Ok(ExitCode::SUCCESS)
}

fn act(
    args: &ActArgs,
    verb: AlertVerb,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let alert = alert_id(&args.id)?;
    let (actor, note) = (actor(&args.actor)?, note(&args.note)?);
    let event = {
        let reader = read(settings)?;
        let chain = Chain::new(reader.partitions());
        let store = one_store(&chain, args.store.as_ref())?;
        event_at(store, Body::AlertAct(AlertAct { alert, act: verb, actor, note }))
    };
    let done = match verb {
        AlertVerb::Acknowledge => "acknowledged",
        AlertVerb::Assign(_) => "assigned",
        AlertVerb::Snooze(_) => "snoozed",
        AlertVerb::Resolve => "resolved",
        AlertVerb::Dismiss => "dismissed",
        AlertVerb::Note => "noted",
    };
    report(&submit(settings, &[event])?, &format!("{alert} {done}"), output)
}

fn alert_id(text: &str) -> Result<AlertId, Failure> {
    AlertId::parse(text)
        .ok_or_else(|| Failure::usage(format!("{text} is no alert"), "give it as A-12 or 12"))
}

pub(crate) fn actor(text: &str) -> Result<Actor, Failure> {
    Actor::new(text).map_err(|long| {
        let message = format!("the name of who acts has {} bytes", long.len);
        Failure::usage(message, format!("use at most {}", long.limit))
    })
}

pub(crate) fn note(text: &str) -> Result<Note, Failure> {
    Note::new(text).map_err(|long| {
        let message = format!("the note has {} bytes", long.len);
        Failure::usage(message, format!("use at most {}", long.limit))
    })
}

/// The value with this code; an unknown code is told with the known ones.
pub(crate) fn choice<T: Copy>(
    what: &str,
    given: Option<&String>,
    all: &[T],
    code: fn(T) -> &'static str,
) -> Result<Option<T>, Failure> {
    let Some(given) = given else { return Ok(None) };
    let known = || all.iter().map(|&value| code(value)).collect::<Vec<_>>().join(", ");
    let found = all.iter().copied().find(|&value| code(value) == given);
    found.map(Some).ok_or_else(|| {
        Failure::usage(format!("there is no {what} {given}"), format!("one of {}", known()))
    })
}
