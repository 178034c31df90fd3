//! Gives alerts to people when they open, as the settings say: a thread behind the log of effects,
//! beside the running chain. It acts through the same door as everybody, under a name of its own.

use std::collections::VecDeque;
use std::thread::JoinHandle;
use std::time::Duration;

use shelf_domain::{
    Actor, Alert, AlertAct, AlertStatus, AlertVerb, Body, Effect, Event, EventId, Note, Origin,
    SourceId, StoreId, Timestamp,
};
use shelf_events::OutputRecord;
use shelf_host::{ChainWriter, Control, Folder, OutputTail, SourceKind, SourceName};
use shelf_web::{ChannelDoor, Door, DoorError, Incoming, ROUTER};
use xxhash_rust::xxh3::xxh3_128;

use crate::failure::Failure;
use crate::output::Output;
use crate::settings::{Route, Settings};
use crate::stop::Stop;

/// How often new effects are looked for.
const LOOK: Duration = Duration::from_millis(50);
/// How long to wait where the engine has no room or the disk refuses.
const AGAIN: Duration = Duration::from_secs(1);
/// The most acts that are on their way at once.
const AT_ONCE: usize = 256;

/// The routes of the settings; none where no store of theirs would ever be there.
pub(crate) fn routes(settings: &Settings, chain: &mut ChainWriter) -> Result<Vec<Route>, Failure> {
    let routes = settings.alerts.routes()?;
    let mut known: Vec<StoreId> = Vec::new();
    if routes.iter().any(|route| route.store.is_some()) {
        let stores = chain.meta().town.as_ref().map_or(0, |town| town.stores);
        known.extend((0..stores).map(shelf_simulator::store_id));
        known.extend(
            chain
                .partitions()?
                .into_iter()
                .flat_map(|stores| stores.iter().map(shelf_domain::Store::id)),
        );
    }
    // A folder without stores gets them later, by events.
    let unknown = |store: &StoreId| !known.is_empty() && !known.contains(store);
    let wrong = routes
        .iter()
        .enumerate()
        .find_map(|(number, route)| route.store.filter(unknown).map(|store| (number, store)));
    if let Some((number, store)) = wrong {
        known.sort_unstable();
        known.dedup();
        let names: Vec<String> = known.iter().take(20).map(StoreId::to_string).collect();
        return Err(Failure::new(
            "alert_route",
            format!("alerts.routes[{number}].store is {store}, and there is no such store"),
            format!("the stores are {}", names.join(", ")),
        ));
    }
    Ok(routes)
}

/// The thread that gives alerts to people.
pub(crate) struct Routing {
    thread: JoinHandle<()>,
    stop: Stop,
}

impl Routing {
    /// Follows what opens from now on; what stands already stays as it is.
    pub(crate) fn beside(
        folder: &Folder,
        routes: Vec<Route>,
        chain: &mut ChainWriter,
        control: &Control,
        now: impl Fn() -> Timestamp + Send + 'static,
        output: Output,
    ) -> Result<Option<Self>, Failure> {
        if routes.is_empty() {
            return Ok(None);
        }
        let door = ChannelDoor::new(control.sender());
        let mut tail = OutputTail::open(folder)?;
        tail.skip_to_last(0)?;
        let name = SourceName::new(SourceKind::Send, ROUTER);
        let source = chain.register(&[name])?.first().copied().unwrap_or_default();
        let stop = Stop::default();
        let asked = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut waiting = VecDeque::new();
            let mut told = String::new();
            while !asked.asked() {
                let read = read(&mut tail, &routes, source, &mut waiting);
                match read.and_then(|()| hand_in(&door, &now, &mut waiting)) {
                    Ok(()) => told.clear(),
                    // The chain ends.
                    Err(Trouble::Closed) => return,
                    Err(Trouble::Passing(text)) => {
                        if text != told {
                            output.say(&format!("warning[alert_route]: {text}"));
                            told = text;
                        }
                        std::thread::sleep(AGAIN);
                    }
                }
                std::thread::sleep(LOOK);
            }
        });
        Ok(Some(Self { thread, stop }))
    }

    /// Ends the thread.
    pub(crate) fn stop(self, output: Output) {
        self.stop.ask();
        if self.thread.join().is_err() {
            output.say("warning[worker_stopped]: the thread that routes alerts has stopped");
        }
    }
}

/// Why acts are not on disk.
enum Trouble {
    Closed,
    Passing(String),
}

/// Reads what has opened. What could not be handed in waits for the next time: handed in twice, it
/// is known by its id.
fn read(
    tail: &mut OutputTail,
    routes: &[Route],
    source: SourceId,
    waiting: &mut VecDeque<Event>,
) -> Result<(), Trouble> {
    let read = tail.catch_up(|_, record| heed(routes, source, &record, waiting));
    read.map(|_| ()).map_err(|error| Trouble::Passing(error.to_string()))
}

/// Hands the acts in, at the present of the stores: an alert may have opened long before, where
/// time was told late.
fn hand_in(
    door: &dyn Door,
    now: &dyn Fn() -> Timestamp,
    waiting: &mut VecDeque<Event>,
) -> Result<(), Trouble> {
    while !waiting.is_empty() {
        let at = now();
        let batch = waiting.iter().take(AT_ONCE).cloned();
        let batch = batch.map(|event| Event { at, ..event });
        let batch = batch.map(|event| Incoming { event, if_new: false }).collect();
        match door.submit(batch) {
            Ok(acks) => _ = waiting.drain(..acks.len().min(waiting.len())),
            Err(DoorError::Full { taken }) => {
                waiting.drain(..taken.len().min(waiting.len()));
                return Err(Trouble::Passing("the engine has no room for more acts".to_owned()));
            }
            Err(DoorError::Closed) => return Err(Trouble::Closed),
            Err(error) => return Err(Trouble::Passing(error.to_string())),
        }
    }
    Ok(())
}

/// What a word about an alert changes in the acts that are to be handed in.
fn heed(routes: &[Route], source: SourceId, record: &OutputRecord, waiting: &mut VecDeque<Event>) {
    let Effect::Alert(alert) = &record.effect else { return };
    let new = alert.count == 1 && alert.changed_at == alert.opened_at;
    if alert.status == AlertStatus::Open && new && alert.owner.is_none() {
        let found = routes.iter().find(|route| route.fits(record.store, alert));
        waiting.extend(found.map(|route| assignment(route, source, record.store, alert)));
    } else if !alert.status.standing() || alert.owner.is_some() {
        // Somebody has it, or it is over.
        let ended = event_id(record.store, alert);
        waiting.retain(|event| event.id != ended);
    }
}

/// The same for the same opening of the same alert: given twice, it is given once.
fn event_id(store: StoreId, alert: &Alert) -> EventId {
    let identity = format!("{ROUTER}\0{store}\0{}\0{}", alert.alert, alert.opened_at.0);
    EventId(xxh3_128(identity.as_bytes()))
}

/// The act that gives an alert to somebody.
fn assignment(route: &Route, source: SourceId, store: StoreId, alert: &Alert) -> Event {
    let act = AlertAct {
        alert: alert.alert,
        act: AlertVerb::Assign(route.assign_to),
        actor: Actor::cut(ROUTER),
        note: Note::default(),
    };
    let (id, at) = (event_id(store, alert), alert.opened_at);
    let origin = Origin { source, line: 0 };
    Event { id, store, at, received_at: at, origin, body: Body::AlertAct(Box::new(act)) }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use shelf_domain::{AlertId, Place, Rule, Severity};
    use shelf_host::{Ack, AckStatus};

    use super::*;
    use crate::settings::AlertSettings;

    fn alert(number: u64) -> Alert {
        let at = Timestamp(7_000_000);
        Alert {
            alert: AlertId(number),
            rule: Rule::ShelfEmpty,
            sku: None,
            place: Place::Floor,
            severity: Severity::Critical,
            status: AlertStatus::Open,
            opened_at: at,
            last_seen_at: at,
            changed_at: at,
            count: 1,
            stock_units: 0,
            threshold: 0,
            capacity_units: 0,
            suggested_units: 0,
            snoozed_until: None,
            owner: None,
            actor: None,
            note: Note::default(),
        }
    }

    fn routes() -> Vec<Route> {
        let text = r#"{"routes": [
            {"store": "S001", "rules": ["shelf_empty"], "assign_to": "ada"},
            {"severity": "warning", "assign_to": "ben"}]}"#;
        serde_json::from_str::<AlertSettings>(text).unwrap().routes().unwrap()
    }

    fn given(store: &str, told: &[Alert]) -> Vec<Event> {
        let mut waiting = VecDeque::new();
        for alert in told {
            let (effect, store) = (Effect::Alert(*alert), StoreId::cut(store));
            let at = alert.changed_at;
            let record = OutputRecord { store, input_offset: 0, index: 0, at, effect };
            heed(&routes(), SourceId(3), &record, &mut waiting);
        }
        waiting.into()
    }

    fn owner(events: &[Event]) -> Option<String> {
        let Body::AlertAct(act) = &events.first()?.body else { return None };
        let AlertVerb::Assign(owner) = act.act else { return None };
        assert_eq!(act.actor.as_str(), "routing");
        Some(owner.to_string())
    }

    #[test]
    fn the_first_route_that_fits_says_who_gets_a_new_alert() {
        assert_eq!(owner(&given("S001", &[alert(1)])).as_deref(), Some("ada"));
        assert_eq!(owner(&given("S002", &[alert(1)])).as_deref(), Some("ben"));
        let other = Alert { rule: Rule::NearExpiry, ..alert(1) };
        assert_eq!(owner(&given("S001", &[other])).as_deref(), Some("ben"));
        let mild = Alert { severity: Severity::Info, ..other };
        assert!(given("S001", &[mild]).is_empty());
    }

    #[test]
    fn what_is_not_new_or_somebodys_already_is_left_alone() {
        let new = alert(1);
        let later = Timestamp(8_000_000);
        let seen_again = Alert { count: 2, ..new };
        let awake = Alert { changed_at: later, ..new };
        let taken = Alert { owner: Some(Actor::cut("eve")), changed_at: later, ..new };
        let over = Alert { status: AlertStatus::Resolved, changed_at: later, ..new };
        for other in [seen_again, awake, taken, over] {
            assert!(given("S001", &[other]).is_empty(), "{other:?}");
        }
        assert!(given("S001", &[new, taken]).is_empty());
        assert!(given("S001", &[new, over]).is_empty());
        assert_eq!(given("S001", &[new, alert(2), over]).len(), 1);
    }

    #[test]
    fn an_opening_has_one_id_whenever_it_is_read() {
        let (first, again) = (given("S001", &[alert(1)]), given("S001", &[alert(1)]));
        assert_eq!(first, again);
        let at = Timestamp(9_000_000);
        let reopened = Alert { opened_at: at, changed_at: at, ..alert(1) };
        let others = [given("S002", &[alert(1)]), given("S001", &[alert(2), reopened])].concat();
        assert!(others.iter().all(|event| event.id != first[0].id));
    }

    /// A door with room for so many.
    struct Narrow(Mutex<(usize, Vec<Event>)>);

    impl Door for Narrow {
        fn submit(&self, events: Vec<Incoming>) -> Result<Vec<Ack>, DoorError> {
            let mut inner = self.0.lock().unwrap();
            let room = inner.0.min(events.len());
            let full = room < events.len();
            inner.1.extend(events.into_iter().take(room).map(|incoming| incoming.event));
            let ack = Ack { status: AckStatus::Accepted, code: None, hint: None };
            let taken = vec![ack; room];
            if full { Err(DoorError::Full { taken }) } else { Ok(taken) }
        }
    }

    #[test]
    fn what_finds_no_room_is_handed_in_later() {
        let mut waiting: VecDeque<Event> =
            (1..=3).flat_map(|number| given("S001", &[alert(number)])).collect();
        let door = Narrow(Mutex::new((2, Vec::new())));
        assert!(matches!(
            hand_in(&door, &Timestamp::default, &mut waiting),
            Err(Trouble::Passing(_))
        ));
        assert_eq!(waiting.len(), 1);
        assert!(hand_in(&door, &Timestamp::default, &mut waiting).is_ok() && waiting.is_empty());
        assert_eq!(door.0.lock().unwrap().1.len(), 3);
    }
}
