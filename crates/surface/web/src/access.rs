//! Who asks, and what they may do.

mod guard;
mod login;
mod right;
mod sessions;
mod users;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use shelf_domain::{Actor, StoreId};

use crate::problem::{Kind, Problem};
pub(crate) use guard::guard;
pub(crate) use login::routes;
pub(crate) use right::Right;
pub(crate) use sessions::Sessions;
pub use users::{Token, User, Users};

/// What a user may do. Each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look at everything.
    Viewer,
    /// Act on alerts and tasks, count, receive.
    Operator,
    /// Act on orders, set policies, control a simulation, submit events again.
    Planner,
    /// Everything, users included.
    Admin,
}

impl Role {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Planner, Self::Admin];

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Planner => "planner",
            Self::Admin => "admin",
        }
    }
}

/// By what somebody is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// By nothing: they sit at this machine, or ask for what anybody may see.
    Place,
    /// By a token, of which this is the hash.
    Token(String),
    /// By a session, of whose cookie this is the hash.
    Session(String),
}

/// Who asks. Handlers and pages get it as an argument.
#[derive(Clone, Debug)]
pub struct Who {
    /// Under which name acts are noted.
    pub name: Actor,
    /// What they may do.
    pub role: Role,
    /// Which stores they may see; `None`: all.
    pub stores: Option<Vec<StoreId>>,
    /// What the forms of a page must send back in their field `csrf`.
    pub csrf: String,
    /// By what they are known.
    pub(crate) by: By,
}

impl Who {
    /// Whoever sits at this machine, where nobody must log in.
    pub(crate) fn local(role: Role) -> Self {
        let name = Actor::cut("local");
        Self { name, role, stores: None, csrf: String::new(), by: By::Place }
    }

    /// Whether there is a session that can be ended.
    pub fn has_session(&self) -> bool {
        matches!(self.by, By::Session(_))
    }

    /// Whether they may see this store.
    pub fn sees(&self, store: StoreId) -> bool {
        self.stores.as_ref().is_none_or(|stores| stores.contains(&store))
    }

    /// A problem where the role is too low.
    pub fn must_be(&self, role: Role) -> Result<(), Problem> {
        if self.role >= role {
            return Ok(());
        }
        let detail = format!("{} is {}; it takes {}", self.name, self.role.code(), role.code());
        Err(Problem::new(Kind::Forbidden, detail))
    }

    /// A problem where they may not see this store.
    pub fn must_see(&self, store: StoreId) -> Result<(), Problem> {
        if self.sees(store) {
            return Ok(());
        }
        Err(Problem::new(Kind::OtherStore, format!("{} does not see {store}", self.name)))
    }

    /// A problem where something is of all stores and they do not see all.
    pub(crate) fn must_see_all(&self, what: &str) -> Result<(), Problem> {
        if self.stores.is_none() {
            return Ok(());
        }
        let detail = format!("{what} is of all stores, and {} does not see them all", self.name);
        Err(Problem::new(Kind::OtherStore, detail))
    }

    /// A problem where a form was not made for this session.
    pub fn check_csrf(&self, sent: &str) -> Result<(), Problem> {
        use subtle::ConstantTimeEq;
        if bool::from(self.csrf.as_bytes().ct_eq(sent.as_bytes())) {
            return Ok(());
        }
        Err(Problem::new(Kind::BadCsrf, "the field csrf is missing or of another session"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let known = parts.extensions.get::<Self>().cloned();
        known.ok_or_else(|| Problem::new(Kind::Unauthorized, "nobody is known for this request"))
    }
}
