//! `shelf alerts`: list them, look at one, act on one.

use std::process::ExitCode;

use shelf_domain::{AlertAct, AlertId, AlertVerb, Body, MINUTE, Rule, Severity, Sku, Store};
use shelf_views::{
    AlertDetail, AlertFilter, AlertsView, Chain, StatusFilter, render_alert, render_alerts,
    render_ended_alerts,
};

use crate::acts::{actor, event_at, maybe_store, note, one_store, read, report, submit_act};
use crate::args::{ActArgs, AlertsCommand, ListArgs};
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];

pub(crate) fn run(
    command: &AlertsCommand,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    match command {
        AlertsCommand::List { list, sku, rule, severity, assigned_to } => {
            let wanted = AlertFilter {
                store: None,
                sku: sku.as_deref().map(Sku::cut),
                rule: choice("rule", rule.as_ref(), &Rule::ALL, Rule::code)?,
                severity: choice("severity", severity.as_ref(), &SEVERITIES, Severity::code)?,
                status: choice(
                    "status",
                    list.status.as_ref(),
                    &StatusFilter::ALL,
                    StatusFilter::code,
                )?,
                owner: assigned_to.as_deref().map(actor).transpose()?,
                limit: Some(list.limit),
            };
            show_list(list, wanted, settings, output)
        }
        AlertsCommand::Show(act) => show(act, settings, output),
        AlertsCommand::Ack(args) => act(args, |_| AlertVerb::Acknowledge, settings, output),
        AlertsCommand::Assign { act: args, to } => {
            let to = actor(to)?;
            act(args, |_| AlertVerb::Assign(to), settings, output)
        }
        AlertsCommand::Snooze { act: args, minutes } => {
            let pause = i64::from(*minutes) * MINUTE;
            act(args, |store| AlertVerb::Snooze(store.now().plus(pause)), settings, output)
        }
        AlertsCommand::Resolve(args) => act(args, |_| AlertVerb::Resolve, settings, output),
        AlertsCommand::Dismiss(args) => act(args, |_| AlertVerb::Dismiss, settings, output),
        AlertsCommand::Note(args) if args.note.trim().is_empty() => {
            Err(Failure::usage("there is no note", "give it with --note TEXT"))
        }
        AlertsCommand::Note(args) => act(args, |_| AlertVerb::Note, settings, output),
        AlertsCommand::Undo(args) => act(args, |_| AlertVerb::Undo, settings, output),
    }
}

fn show_list(
    list: &ListArgs,
    wanted: AlertFilter,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let reader = read(settings)?;
    let chain = Chain::new(reader.partitions());
    let filter = AlertFilter { store: maybe_store(&chain, list.store.as_ref())?, ..wanted };
    let view = AlertsView::new(&chain, &filter);
    let render = match filter.status {
        Some(StatusFilter::Ended) => render_ended_alerts,
        _ => render_alerts,
    };
    output.view(&view, |view| render(view, &output.style(), output.width()))?;
    Ok(ExitCode::SUCCESS)
}

fn show(args: &ActArgs, settings: &Settings, output: Output) -> Result<ExitCode, Failure> {
    let id = alert_id(&args.id)?;
    let reader = read(settings)?;
    let chain = Chain::new(reader.partitions());
    let store = one_store(&chain, args.store.as_ref())?;
    let view = AlertDetail::new(store, id).ok_or_else(|| unknown_alert(id))?;
    output.view(&view, |view| render_alert(view, &output.style(), output.width()))?;
    Ok(ExitCode::SUCCESS)
}

fn act(
    args: &ActArgs,
    verb: impl FnOnce(&Store) -> AlertVerb,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let alert = alert_id(&args.id)?;
    let (actor, note) = (actor(&args.actor)?, note(&args.note)?);
    let (event, verb) = {
        let reader = read(settings)?;
        let chain = Chain::new(reader.partitions());
        let store = one_store(&chain, args.store.as_ref())?;
        let stands = store.alerts_standing().any(|standing| standing.alert == alert);
        let act = verb(store);
        match act {
            AlertVerb::Undo if store.alert_before_act(alert).is_some() => {}
            AlertVerb::Undo if alert.0 <= store.alerts_given() => {
                return Err(nothing_to_undo(alert, stands));
            }
            _ if !stands => return Err(unknown_alert(alert)),
            _ => {}
        }
        (event_at(store, Body::AlertAct(Box::new(AlertAct { alert, act, actor, note }))), act)
    };
    let done = match verb {
        AlertVerb::Acknowledge => "acknowledged",
        AlertVerb::Assign(_) => "assigned",
        AlertVerb::Snooze(_) => "snoozed",
        AlertVerb::Resolve => "resolved",
        AlertVerb::Dismiss => "dismissed",
        AlertVerb::Note => "noted",
        AlertVerb::Undo => "as before",
    };
    report(&submit_act(event, settings)?, &format!("{alert} {done}"), output)
}

fn nothing_to_undo(id: AlertId, stands: bool) -> Failure {
    let (message, hint) = if stands {
        let message = format!("nobody has acted on {id} since it opened, woke, or was taken back");
        (message, format!("look at it with `shelf alerts show {id}`"))
    } else {
        let message = format!(
            "{id} has ended: nobody ended it, its problem has passed since, or a newer alert \
             stands for it"
        );
        let hint = "list those that can be brought back with `shelf alerts list --status ended`";
        (message, hint.to_owned())
    };
    Failure::new("nothing_to_undo", message, hint)
}

fn unknown_alert(id: AlertId) -> Failure {
    let hint = "it has ended or never was; list the open ones with `shelf alerts list`";
    Failure::new("unknown_alert", format!("no alert {id} stands"), hint)
}

fn alert_id(text: &str) -> Result<AlertId, Failure> {
    AlertId::parse(text).ok_or_else(|| {
        Failure::usage(format!("there is no alert called {text}"), "give it as A-12 or 12")
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
