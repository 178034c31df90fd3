//! The town around one store: its clock, its state, and how a tick runs.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use shelf_domain::{
    Body, Day, Effect, Event, EventId, MINUTE, Origin, Sku, SkuIndex, StoreId, Timestamp,
};

use crate::agenda::{Action, Agenda};
use crate::alerts::AlertBook;
use crate::catalogue::{Catalogue, Item};
use crate::chance::{Dice, hash};
use crate::choice::Choice;
use crate::crew::Crew;
use crate::customer::Visits;
use crate::day_plan::DayPlan;
use crate::floor_care::Stray;
use crate::options::TownOptions;
use crate::stock::{ShelfStock, Stock, WholeStock};
use crate::supply::OrderBook;
use crate::traffic::opening_hours;
use crate::truth::Truth;
use crate::wire::Wire;

/// How much simulated time one tick covers, in microseconds.
pub const TICK_US: i64 = MINUTE;

/// What reaches the log. Nearly all of them are events: they lie in place, without an allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)]
pub enum Message {
    /// An event.
    Event(Event),
    /// The bytes of a till or sensor, damaged or cut: not an event.
    Line(Vec<u8>),
}

/// The town around one store. It is independent of every other one: neither their number nor the
/// way they are spread over threads changes what it does.
///
/// Serialised, it is its whole state, and continues after deserialisation as if nothing had
/// happened. Save it between a [`StoreTown::tick`] with its observations and the next tick.
#[derive(Clone, Debug)]
pub struct StoreTown {
    pub(crate) world: World,
    pub(crate) state: State,
    pub(crate) choice: Choice,
    pub(crate) out: Vec<Message>,
}

/// What never changes, and follows from the options and the index.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) store: StoreId,
    pub(crate) opening: Vec<(u16, u16)>,
    pub(crate) catalogue: Catalogue,
    /// The pull of all skus together.
    pub(crate) pull: f64,
}

/// Everything that changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) options: TownOptions,
    pub(crate) index: u32,
    pub(crate) now: Timestamp,
    pub(crate) opened: bool,
    /// The Monday of the last week whose promotions are announced.
    pub(crate) announced: Day,
    pub(crate) today: DayPlan,
    pub(crate) agenda: Agenda,
    pub(crate) events: u64,
    pub(crate) stock: Vec<Stock>,
    pub(crate) visits: Visits,
    pub(crate) strays: Vec<Stray>,
    pub(crate) crew: Crew,
    pub(crate) orders: OrderBook,
    pub(crate) alerts: AlertBook,
    pub(crate) wire: Wire,
    pub(crate) dice: Streams,
    pub(crate) truth: Truth,
}

/// The streams of chance, one for each kind of actor, so that a switch of one leaves the others
/// alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Streams {
    pub(crate) traffic: Dice,
    pub(crate) customers: Dice,
    pub(crate) quirks: Dice,
    pub(crate) sensors: Dice,
    pub(crate) staff: Dice,
    pub(crate) suppliers: Dice,
}

/// The id of the store number `index` (from 0): `S001` for the first.
pub fn store_id(index: u32) -> StoreId {
    StoreId::cut(&format!("S{:03}", u64::from(index) + 1))
}

impl World {
    fn new(options: &TownOptions, index: u32) -> Self {
        let catalogue = Catalogue::new(options.seed, index);
        let pull: f64 = catalogue.items.iter().map(|item| item.pull).sum();
        Self {
            store: store_id(index),
            opening: opening_hours(options.seed, index),
            pull,
            catalogue,
        }
    }
}

impl State {
    fn new(options: &TownOptions, index: u32, skus: usize) -> Self {
        let dice = |name| Dice::new(options.seed, index, name, 0);
        Self {
            options: options.clone(),
            index,
            now: options.start,
            opened: false,
            announced: Day::default(),
            today: DayPlan::default(),
            agenda: Agenda::default(),
            events: 0,
            stock: vec![Stock::default(); skus],
            visits: Visits::default(),
            strays: Vec::new(),
            crew: Crew::new(options.crew, options.start),
            orders: OrderBook::default(),
            alerts: AlertBook::default(),
            wire: Wire::new(options.faults, dice("wire")),
            dice: Streams {
                traffic: dice("traffic"),
                customers: dice("customers"),
                quirks: dice("quirks"),
                sensors: dice("sensors"),
                staff: dice("staff"),
                suppliers: dice("suppliers"),
            },
            truth: Truth::default(),
        }
    }
}

impl StoreTown {
    /// The town around the store number `index` (from 0) of the chain that the options describe.
    pub fn new(options: &TownOptions, index: u32) -> Self {
        let world = World::new(options, index);
        let state = State::new(options, index, world.catalogue.items.len());
        Self::of(world, state)
    }

    fn of(world: World, state: State) -> Self {
        Self { world, state, choice: Choice::default(), out: Vec::new() }
    }

    /// The store's id: `S001` for index 0.
    pub fn store(&self) -> StoreId {
        self.world.store
    }

    /// The end of the last tick.
    pub fn now(&self) -> Timestamp {
        self.state.now
    }

    /// What really happened so far.
    pub fn truth(&self) -> &Truth {
        &self.state.truth
    }

    /// Where the units of a sku really are; `None` where the store does not sell it.
    pub fn shelf_stock(&self, sku: &Sku) -> Option<ShelfStock> {
        let index = self.world.catalogue.find(sku)?;
        self.state.stock.get(index.at()).map(Stock::whereabouts)
    }

    /// Where all units in the store really are.
    pub fn whole_stock(&self) -> WholeStock {
        let stock = || self.state.stock.iter().map(Stock::whereabouts);
        WholeStock {
            floor_units: stock().map(|one| u64::from(one.floor_units)).sum(),
            warehouse_units: stock().map(|one| u64::from(one.warehouse_units)).sum(),
            cart_units: self.state.visits.units(),
            hand_units: self.state.crew.units(),
            stray_units: self.state.strays.iter().map(|stray| u64::from(stray.units)).sum(),
        }
    }

    /// What the store sells, in order of the skus' numbers.
    pub fn skus(&self) -> impl Iterator<Item = Sku> + '_ {
        self.world.catalogue.items.iter().map(|item| item.sku)
    }

    /// Runs the next tick and adds its messages to `out`, in the order in which they reach the log.
    ///
    /// The first call gives the reference data and the opening stock, all at the start of the
    /// town. Each later one covers [`TICK_US`] of simulated time. Both end with [`Body::Clock`] at
    /// [`StoreTown::now`]. An event's `received_at` is when it reaches the log: its own time, or
    /// later where it was delayed.
    pub fn tick(&mut self, out: &mut Vec<Message>) {
        core::mem::swap(&mut self.out, out);
        if self.state.opened {
            self.run(self.state.now.plus(TICK_US));
        } else {
            self.set_up();
            self.state.opened = true;
        }
        let now = self.state.now;
        self.deliver_held(now);
        let clock = self.event(now, Body::Clock);
        self.out.push(Message::Event(clock));
        core::mem::swap(&mut self.out, out);
    }

    /// Takes note of what the core did with the messages of the last tick; called for each effect,
    /// in order, before the next tick. What follows from it begins in the next tick.
    pub fn observe(&mut self, effect: &Effect) {
        match effect {
            Effect::Alert(alert) => self.note_alert(alert),
            Effect::Task(task) => self.note_task(task),
            Effect::Order(order) => self.note_order(order),
            Effect::Price(notice) => self.note_price(notice),
            Effect::Removed(notice) => self.note_removal(notice),
            Effect::Duplicate
            | Effect::Quarantined(_)
            | Effect::Explained(_)
            | Effect::Window(_) => {}
        }
    }

    fn run(&mut self, end: Timestamp) {
        let begin = self.state.now;
        let day = self.state.options.clock.day(begin);
        if day != self.state.today.day {
            self.plan_day(day, begin);
        }
        self.send_crew(begin);
        while let Some((at, action)) = self.state.agenda.next_before(end) {
            self.act(at, action);
        }
        self.state.now = end;
    }

    fn act(&mut self, at: Timestamp, action: Action) {
        match action {
            Action::Arrive => self.arrive(at),
            Action::Act(visit) => self.shop(at, visit),
            Action::Pay(visit) => self.pay(at, visit),
            Action::Leave(visit) => self.leave(at, visit),
            Action::Break => self.break_something(at),
            Action::Work(worker) => self.work(at, worker),
            Action::ExpiryRound => self.expiry_round(),
            Action::GapRound => self.gap_round(),
            Action::Tidy => self.tidy(at),
            Action::CycleCount => self.cycle_count(),
            Action::Attend(alert) => self.attend(at, alert),
            Action::Unload(order) => self.unload(at, order),
            Action::CloseOrder(order) => self.close_order(at, order),
            Action::Announce => self.announce_promotions(at),
        }
    }

    /// Sends an event over the wire.
    pub(crate) fn tell(&mut self, at: Timestamp, body: Body) {
        let event = self.event(at, body);
        self.transmit(event);
    }

    fn event(&mut self, at: Timestamp, body: Body) -> Event {
        self.state.events += 1;
        let (seed, index) = (self.state.options.seed, self.state.index);
        let id = EventId(hash(seed, index, "event", self.state.events));
        Event { id, store: self.world.store, at, received_at: at, origin: Origin::default(), body }
    }

    pub(crate) fn item(&self, index: SkuIndex) -> Option<&Item> {
        self.world.catalogue.item(index)
    }

    pub(crate) fn stock_mut(&mut self, index: SkuIndex) -> Option<&mut Stock> {
        self.state.stock.get_mut(index.at())
    }

    pub(crate) fn day(&self, at: Timestamp) -> Day {
        self.state.options.clock.day(at)
    }
}

impl Serialize for StoreTown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.state.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StoreTown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let state = State::deserialize(deserializer)?;
        let world = World::new(&state.options, state.index);
        if state.stock.len() != world.catalogue.items.len() {
            return Err(serde::de::Error::custom("the state is of another assortment"));
        }
        Ok(Self::of(world, state))
    }
}
