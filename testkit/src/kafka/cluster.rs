//! Three brokers that keep each record together.

use super::{Broker, Java, LOOPBACK, Plan, Ports, Release};

const BROKERS: usize = 3;
const HEAP: &str = "-Xmx256m";
/// A record is committed when two have it, and a broker that was killed is given up soon. One that
/// comes back leads again what it has led.
const MORE: &str = "
min.insync.replicas=2
transaction.state.log.min.isr=2
share.coordinator.state.topic.min.isr=2
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=1500
auto.leader.rebalance.enable=true
leader.imbalance.check.interval.seconds=1
leader.imbalance.per.broker.percentage=0
";

/// Running brokers, each with a copy of everything.
#[derive(Debug)]
pub struct Cluster {
    brokers: Vec<Broker>,
}

impl Cluster {
    /// Starts three brokers with fresh folders, and waits until each listens.
    pub fn start() -> Self {
        let ports: Vec<Ports> = (0..BROKERS).map(|_| Ports::free()).collect();
        let voters = (1..).zip(&ports);
        let voters: Vec<String> =
            voters.map(|(node, ports)| format!("{node}@{LOOPBACK}:{}", ports.controller)).collect();
        let voters = voters.join(",");
        let plans = (1..).zip(ports).map(|(node, ports)| Plan {
            node,
            voters: &voters,
            ports,
            replication: BROKERS,
            host: LOOPBACK,
            java: Java { release: Release::asked(), heap: HEAP },
            more: MORE,
        });
        let plans: Vec<Plan<'_>> = plans.collect();
        let mut brokers: Vec<Broker> = std::thread::scope(|scope| {
            let made: Vec<_> =
                plans.iter().map(|plan| scope.spawn(move || Broker::make(plan))).collect();
            made.into_iter().map(|made| made.join().expect("a broker")).collect()
        });
        brokers.iter_mut().for_each(Broker::begin);
        brokers.iter().for_each(Broker::wait);
        Self { brokers }
    }

    /// The addresses of all without a password.
    pub fn address(&self) -> String {
        let all: Vec<String> = self.brokers.iter().map(Broker::address).collect();
        all.join(",")
    }

    /// The broker of a number, from 1 on.
    pub fn broker(&mut self, node: usize) -> &mut Broker {
        self.brokers.get_mut(node - 1).expect("a broker of that number")
    }
}
