//! From the fields of an object to what happened: what people do, and lines that were rejected.

use shelf_domain::{
    AlertAct, AlertId, AlertVerb, Count, OrderAct, OrderId, OrderVerb, Rejected, TaskAct, TaskId,
    TaskVerb,
};

use super::base64;
use super::body::place;
use super::error::{ErrorCode, JsonError};
use super::fields::{Field, Fields};
use super::get::{Result, SKU, UNITS, need};

const ACTOR: &[Field] = &[Field::Actor];
const NOTE: &[Field] = &[Field::Note];

pub(super) fn count(fields: &Fields<'_>) -> Result<Count> {
    Ok(Count {
        sku: fields.name(SKU)?,
        place: place(fields)?,
        units: fields.units(UNITS)?,
        actor: fields.name_or_empty(ACTOR)?,
    })
}

/// Reads `act` and gives it to `verb`, which says `None` to a word that it does not know.
fn act<T>(fields: &Fields<'_>, verb: impl Fn(&str) -> Result<Option<T>>) -> Result<T> {
    let names = &[Field::Act];
    let (field, word) = need(fields.maybe_text(names)?, names)?;
    verb(&word)?.ok_or_else(|| JsonError::found(ErrorCode::BadChoice, field.name(), &word))
}

pub(super) fn alert_act(fields: &Fields<'_>) -> Result<AlertAct> {
    let id = &[Field::AlertId];
    let verb = |word: &str| {
        Ok(Some(match word {
            "acknowledge" => AlertVerb::Acknowledge,
            "assign" => AlertVerb::Assign(fields.name(&[Field::Assignee])?),
            "snooze" => {
                let until = &[Field::Until];
                AlertVerb::Snooze(need(fields.maybe_time(until)?, until)?)
            }
            "resolve" => AlertVerb::Resolve,
            "dismiss" => AlertVerb::Dismiss,
            "note" => AlertVerb::Note,
            "undo" => AlertVerb::Undo,
            _ => return Ok(None),
        }))
    };
    Ok(AlertAct {
        alert: need(fields.maybe_number_id(id, AlertId::parse)?, id)?,
        act: act(fields, verb)?,
        actor: fields.name_or_empty(ACTOR)?,
        note: fields.name_or_empty(NOTE)?,
    })
}

pub(super) fn order_act(fields: &Fields<'_>) -> Result<OrderAct> {
    let id = &[Field::OrderId];
    let verb = |word: &str| {
        Ok(Some(match word {
            "approve" => OrderVerb::Approve,
            "cancel" => OrderVerb::Cancel,
            "change" => OrderVerb::Change { sku: fields.name(SKU)?, units: fields.units(UNITS)? },
            _ => return Ok(None),
        }))
    };
    Ok(OrderAct {
        order: need(fields.maybe_number_id(id, OrderId::parse)?, id)?,
        act: act(fields, verb)?,
        actor: fields.name_or_empty(ACTOR)?,
        note: fields.name_or_empty(NOTE)?,
    })
}

pub(super) fn task_act(fields: &Fields<'_>) -> Result<TaskAct> {
    let id = &[Field::TaskId];
    let verb = |word: &str| {
        Ok(Some(match word {
            "request" => TaskVerb::Request(fields.name(SKU)?),
            "cancel" => TaskVerb::Cancel,
            _ => return Ok(None),
        }))
    };
    let act = act(fields, verb)?;
    let task = match (fields.maybe_number_id(id, TaskId::parse)?, act) {
        (Some(task), _) => task,
        (None, TaskVerb::Request(_)) => TaskId::default(),
        (None, TaskVerb::Cancel) => return Err(super::get::missing(id)),
    };
    Ok(TaskAct { task, act, actor: fields.name_or_empty(ACTOR)? })
}

pub(super) fn rejected(fields: &Fields<'_>) -> Result<Rejected> {
    let raw = match fields.maybe_text(&[Field::RawBase64])? {
        Some((field, text)) => base64::decode(&text)
            .ok_or_else(|| JsonError::found(ErrorCode::WrongType, field.name(), &text))?,
        None => match fields.maybe_text(&[Field::Raw])? {
            Some((_, text)) => text.into_owned().into_bytes(),
            None => Vec::new(),
        },
    };
    let number = |field: Field| -> Result<Option<u64>> { fields.maybe_int::<u64>(&[field]) };
    Ok(Rejected {
        reason: fields.name(&[Field::Reason])?,
        source: fields.name_or_empty(&[Field::Source])?,
        line: number(Field::Line)?.unwrap_or(0),
        raw_len: number(Field::RawLen)?.unwrap_or(raw.len() as u64),
        raw,
    })
}
