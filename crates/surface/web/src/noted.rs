//! Notes what people do to the server itself, beside the acts that are events.

use shelf_domain::Timestamp;
use shelf_host::{HostAct, note_act};

use crate::app::App;

/// Notes an act. That it cannot be noted stops nobody: whoever operates the server is told.
pub(crate) async fn note(app: &App, actor: &str, act: &str, detail: String) {
    let (at, clock_at) = (app.now(), Timestamp(jiff::Timestamp::now().as_microsecond()));
    let (actor, act) = (actor.to_owned(), act.to_owned());
    let folder = app.feed().folder().clone();
    let act = HostAct { at, clock_at, actor, act, detail };
    let noted = app.blocking(move || note_act(&folder, &act)).await;
    if let Ok(Err(error)) = noted {
        tracing::error!(code = error.code(), error = %error, "an act cannot be noted");
    }
}

/// Notes that a simulation was held, goes on, or goes at another speed.
pub(crate) async fn simulation(app: &App, actor: &str, paused: Option<bool>, speed: Option<f64>) {
    if let Some(speed) = speed {
        note(app, actor, "simulation_speed", speed.to_string()).await;
    }
    match paused {
        Some(true) => note(app, actor, "simulation_paused", String::new()).await,
        Some(false) => note(app, actor, "simulation_resumed", String::new()).await,
        None => {}
    }
}
