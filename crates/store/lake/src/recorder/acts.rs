//! The rows of what people did.

use std::fmt::Write as _;

use shelf_domain::{AlertVerb, Body, OrderVerb, TaskVerb};

use super::{Recorder, Scratch, Step, given, put, words};
use crate::tables::ops::ActRow;
use crate::tables::raw::EventHead;

impl Recorder {
    pub(super) fn record_act(
        &mut self,
        step: &Step<'_>,
        head: EventHead<'_>,
        scratch: &mut Scratch,
    ) {
        scratch.text.clear();
        let row = ActRow::from(head);
        // Writing to a string cannot fail.
        let row = match &step.event.body {
            Body::AlertAct(act) => {
                let _ = write!(scratch.text, "{}", act.alert);
                let assignee = match &act.act {
                    AlertVerb::Assign(to) => Some(to.as_str()),
                    _ => None,
                };
                let snoozed_until = match act.act {
                    AlertVerb::Snooze(until) => Some(until),
                    _ => None,
                };
                ActRow {
                    about: "alert",
                    about_id: Some(&scratch.text),
                    act: act.act.code(),
                    actor: given(act.actor.as_str()),
                    note: given(act.note.as_str()),
                    assignee,
                    snoozed_until,
                    ..row
                }
            }
            Body::OrderAct(act) => {
                let _ = write!(scratch.text, "{}", act.order);
                let (sku, units) = match &act.act {
                    OrderVerb::Change { sku, units } => (Some(sku), Some(i64::from(*units))),
                    _ => (None, None),
                };
                ActRow {
                    about: "order",
                    about_id: Some(&scratch.text),
                    act: words::order_verb(&act.act),
                    actor: given(act.actor.as_str()),
                    note: given(act.note.as_str()),
                    sku: sku.map(shelf_domain::Sku::as_str),
                    units,
                    ..row
                }
            }
            Body::TaskAct(act) => {
                let sku = match &act.act {
                    TaskVerb::Request(sku) => Some(sku.as_str()),
                    TaskVerb::Cancel => None,
                };
                let _ = write!(scratch.text, "{}", act.task);
                ActRow {
                    about: "task",
                    about_id: sku.is_none().then_some(scratch.text.as_str()),
                    act: words::task_verb(&act.act),
                    actor: given(act.actor.as_str()),
                    sku,
                    ..row
                }
            }
            _ => return,
        };
        put(&mut self.gathered.acts, &mut self.bytes, step, row);
    }
}
