//! The words of commands that act on alerts, orders and restock tasks.

use clap::builder::RangedI64ValueParser;
use clap::{Args as ClapArgs, Subcommand};
use shelf_domain::{MAX_SNOOZE_US, MINUTE};

use super::ListArgs;

/// On what to act, and who does.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ActArgs {
    /// Its number, such as A-12.
    pub(crate) id: String,
    /// Its store; may be left out where there is only one.
    #[arg(long, value_name = "ID")]
    pub(crate) store: Option<String>,
    /// Who acts.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "operator")]
    pub(crate) actor: String,
    /// A note for those who read it later.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) note: String,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AlertsCommand {
    /// List the alerts that stand, the most urgent first; with `--status ended` those that people
    /// ended and that can be brought back, the last one first.
    List {
        #[command(flatten)]
        list: ListArgs,
        /// Only this sku.
        #[arg(long, value_name = "SKU")]
        sku: Option<String>,
        /// Only this rule.
        #[arg(long, value_name = "RULE")]
        rule: Option<String>,
        /// Only this severity.
        #[arg(long, value_name = "SEVERITY")]
        severity: Option<String>,
        /// Only those that this person takes care of.
        #[arg(long, value_name = "NAME")]
        assigned_to: Option<String>,
    },
    /// Show why an alert stands, and what to do.
    Show(ActArgs),
    /// Take care of an alert.
    Ack(ActArgs),
    /// Give an alert to somebody.
    Assign {
        #[command(flatten)]
        act: ActArgs,
        /// To whom.
        #[arg(long, value_name = "NAME")]
        to: String,
    },
    /// Hide an alert for a while.
    Snooze {
        #[command(flatten)]
        act: ActArgs,
        /// For so many minutes of the store's time, at most 30 days.
        #[arg(long, value_name = "N", default_value_t = 60, value_parser = snooze_range())]
        minutes: u32,
    },
    /// End an alert: it is done.
    Resolve(ActArgs),
    /// End an alert: it is no problem.
    Dismiss(ActArgs),
    /// Say something about an alert, with --note.
    Note(ActArgs),
    /// Take the last act on an alert back: its status, owner, snooze and note are what they were;
    /// one that somebody ended stands again, as long as its problem does. What there is to take
    /// back, `alerts list --json` says, as `undoable`; of what has ended, with `--status ended`.
    #[command(visible_alias = "reopen")]
    Undo(ActArgs),
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum OrdersCommand {
    /// List the orders that stand.
    List(ListArgs),
    /// List the suppliers with their days and the next cut-off, the soonest first.
    Suppliers {
        /// Only this store.
        #[arg(long, value_name = "ID")]
        store: Option<String>,
        /// At most so many rows.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Show an order, and why each line is what it is.
    Show(ActArgs),
    /// Have a draft sent at its cut-off.
    Approve(ActArgs),
    /// Give an order up.
    Cancel(ActArgs),
    /// Change the quantity of a draft's line.
    Change {
        #[command(flatten)]
        act: ActArgs,
        /// Which line.
        #[arg(long, value_name = "SKU")]
        sku: String,
        /// How many units; 0 strikes the line.
        #[arg(long, value_name = "N")]
        units: u32,
    },
    /// Take what came with a sent order into the warehouse.
    Receive {
        /// Its number, such as O-3.
        id: String,
        /// Its store; may be left out where there is only one.
        #[arg(long, value_name = "ID")]
        store: Option<String>,
        /// Who takes it in.
        #[arg(long, value_name = "NAME", env = "USER", default_value = "operator")]
        actor: String,
        /// A lot that came, as SKU:LOT:UNITS or SKU:LOT:UNITS:2026-01-31 with its last day; once
        /// for each.
        #[arg(long = "lot", value_name = "SKU:LOT:UNITS[:DAY]", required_unless_present = "all")]
        lots: Vec<String>,
        /// Everything that is outstanding came, each sku as a lot of its own.
        #[arg(long, conflicts_with = "lots")]
        all: bool,
    },
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum TasksCommand {
    /// List the restock tasks that stand.
    List(ListArgs),
    /// Ask for a refill of a shelf now.
    Request {
        /// Which shelf.
        sku: String,
        /// Its store; may be left out where there is only one.
        #[arg(long, value_name = "ID")]
        store: Option<String>,
        /// Who asks.
        #[arg(long, value_name = "NAME", env = "USER", default_value = "operator")]
        actor: String,
    },
    /// Give a task up.
    Cancel(ActArgs),
}

fn snooze_range() -> RangedI64ValueParser<u32> {
    RangedI64ValueParser::new().range(1..=MAX_SNOOZE_US / MINUTE)
}
