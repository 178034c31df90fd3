//! The binary.
fn main() {
    let days: i64 = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(7);
    let stores: u32 = std::env::args().nth(2).and_then(|s| s.parse().ok()).unwrap_or(1);
    let dir = std::env::args().nth(3).unwrap_or("/tmp/simtest".into());
    let _ = std::fs::remove_dir_all(&dir);
    let mut town = shelf_simulator::TownOptions::default();
    if std::env::var("FAULTS").is_ok() { town.faults = shelf_simulator::Faults::ALL; }
    let start = town.start;
    let options = shelf_host::ChainOptions {
        town: Some(shelf_host::TownPlan { stores, options: town }),
        ..Default::default()
    };
    let t = std::time::Instant::now();
    let mut chain = shelf_host::Chain::open(&shelf_host::Folder::at(dir), &options).unwrap();
    for day in 1..=days {
        chain.simulate(start.plus(day * shelf_domain::DAY), |_| {}).unwrap();
        let c = chain.counts().unwrap();
        if day % 7 == 0 || day == days {
        chain.with_stores(|s| {
            for s in s.iter().take(1) {
                println!("{day} {:?} conserved {} avail {:?} alerts {} tasks {} orders {} viol {:?} late {} revenue {}", s.units(), s.units().conserved(), s.on_shelf_availability(), s.alerts().len(), s.tasks().count(), s.orders().count(), s.violations().len(), s.stats().late, s.revenue_cents());
            }
        }).unwrap();
        println!("  {c:?} {:?}", t.elapsed());
        }
    }
    println!("{:x}", chain.state_hash().unwrap());
    chain.with_stores(|s| println!("{:#?}", s[0].stats())).unwrap();
    println!("{:#?}", chain.truths()[0]);
}
