//! The words of `shelf user` and `shelf report`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use shelf_web::Role;

/// Who may log in at the dashboard and the API, and what they may do.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add somebody, or give who is there another role, scope and password.
    ///
    /// The password is asked for at a terminal, and read from stdin otherwise.
    Add(UserAddArgs),
    /// List users with their roles and tokens.
    List,
    /// Take somebody out, with all tokens.
    Remove {
        /// Who.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Only say what would go.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        by: ByArgs,
    },
    /// Make a token for a program, and print it: nobody can read it again.
    Token {
        /// Whose.
        name: String,
        /// What it is for.
        #[arg(long, value_name = "LABEL", default_value = "api", conflicts_with = "remove")]
        label: String,
        /// For how many days it is good.
        #[arg(long, value_name = "N", default_value_t = 90,
            value_parser = clap::value_parser!(u32).range(1..=3_650))]
        days: u32,
        /// Take the token of this label out instead.
        #[arg(long, value_name = "LABEL")]
        remove: Option<String>,
        /// Do not ask before it is taken out.
        #[arg(long, requires = "remove")]
        yes: bool,
        /// Only say what would be taken out.
        #[arg(long, requires = "remove")]
        dry_run: bool,
        #[command(flatten)]
        by: ByArgs,
    },
}

/// Who does it.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ByArgs {
    /// Who acts, as the audit list says.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "operator")]
    pub(crate) actor: String,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct UserAddArgs {
    /// The name to log in with, and under which acts are noted.
    pub(crate) name: String,
    /// What they may do [default: viewer, or what they may]
    #[arg(long, value_enum)]
    pub(crate) role: Option<RoleArg>,
    /// A store that they may see [default: all, or what they may]
    #[arg(long = "store", value_name = "ID", conflicts_with = "all_stores")]
    pub(crate) stores: Vec<String>,
    /// Every store, for who could see some.
    #[arg(long)]
    pub(crate) all_stores: bool,
    /// No password: they use tokens only.
    #[arg(long)]
    pub(crate) no_password: bool,
    #[command(flatten)]
    pub(crate) by: ByArgs,
}

/// A role, from less to more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArg {
    /// Looks at everything.
    Viewer,
    /// Also acts on alerts and tasks, counts and receives.
    Operator,
    /// Also acts on orders, sets policies, controls a simulation.
    Planner,
    /// Everything, users included.
    Admin,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Viewer => Self::Viewer,
            RoleArg::Operator => Self::Operator,
            RoleArg::Planner => Self::Planner,
            RoleArg::Admin => Self::Admin,
        }
    }
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ReportArgs {
    /// The day, such as 2026-01-31; the last full day where none is named.
    #[arg(long, value_name = "DATE")]
    pub(crate) date: Option<String>,
    /// One store; all together where none is named.
    #[arg(long, value_name = "ID")]
    pub(crate) store: Option<String>,
    /// The file to write; stdout where none is named.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
