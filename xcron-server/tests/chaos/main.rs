//! Chaos: a cluster of real processes under a mixed load and faults that a seed draws, and a judge
//! who was not there. What it needs and how it is run says `docs/chaos.md`.

mod client;
mod clocks;
mod dice;
mod fault;
mod finale;
#[path = "../harness/mod.rs"]
#[allow(dead_code, reason = "every test binary uses its part of it")]
mod harness;
mod health;
mod leftovers;
mod load;
mod manner;
mod nodes;
mod proof;
mod recorder;
mod settings;
mod sink;
mod strike;
mod strike_clock;
mod strike_disk;
mod strike_network;
mod strike_process;
mod summary;
mod volume;
mod watch;
mod wish;
mod world;

use dice::Dice;
use fault::{Deck, Kind};
use harness::{api, member, net, ports, process, target, tools, tracer, view};
use load::Load;
use recorder::{Recorder, now_us};
use settings::Settings;
use sink::Sink;
use std::path::PathBuf;
use std::time::Duration;
use strike::Strike;
use summary::{Measured, advice, summary};
use tokio::time::{Instant, sleep};
use watch::Watch;
use world::World;

/// How long a sender may go on after it was lost: the election timeout.
const LEASE_US: i64 = 250_000;

/// How long the whole may take beside the faults.
const REST_MAX: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it wants the machine for itself for a minute or more: see docs/chaos.md"]
async fn whatever_befalls_a_cluster_nothing_is_lost_early_or_doubled_without_a_cause() {
    let settings = Settings::from_env();
    let mut interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .expect("a signal handler");
    // Whatever comes first, what the run has laid is taken away again as it is dropped.
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => panic!("interrupted"),
        _ = interrupts.recv() => panic!("terminated"),
        () = sleep(settings.faults_for + REST_MAX) => panic!("it takes too long"),
        () = run(&settings) => {}
    }
}

async fn run(settings: &Settings) {
    for name in leftovers::sweep() {
        println!("left behind by an earlier run, and removed: {name}");
    }
    let recorder = Recorder::new(&format!("chaos seed {}", settings.seed), 3, LEASE_US);
    let mut world = World::prepare(&recorder);
    for (what, why) in &world.lacks {
        println!("not possible here: {what}: {why}");
    }
    world.form().await;
    let (outside, senders) = world.outside();
    let sink = Sink::open(outside, &senders, &recorder, &world.clocks).await;
    let seconds = i64::try_from(settings.faults_for.as_secs()).expect("a day at most");
    let end_s = now_us() / 1_000_000 + seconds + 4;
    let watch = Watch::begin(&world.places, &recorder, &world.health);
    let load = Load::begin(&world.places, &sink, &recorder, settings.seed, end_s).await;
    sleep(Duration::from_secs(2)).await;
    strike(settings, &mut world, &load).await;
    let recovery = finale::recover(&world).await;
    recorder.say(&format!("whole again after {recovery:?}"));
    sleep(Duration::from_secs(2)).await;
    let wishes = load.end().await;
    finale::drain(&world, &wishes).await;
    finale::remains(&world, &wishes).await;
    finale::audit(&world).await;
    let hashed = finale::hashes(&world).await;
    finale::metrics(&world).await;
    let measured = Measured { recovery, stalled_us: watch.stalled_us(), hashed };
    drop(watch);
    world.stop().await;
    conclude(settings, &world, &measured);
}

/// Strikes until the time is over.
async fn strike(settings: &Settings, world: &mut World, load: &Load) {
    let mut deck = Deck::new(settings.seed, world);
    let mut pauses = Dice::new(settings.seed, "pauses");
    let begun = Instant::now();
    let mut number = 0;
    while begun.elapsed() < settings.faults_for {
        let kind: Kind = deck.draw();
        let dice = Dice::new(settings.seed, &format!("fault {number}"));
        Strike { world, ground: load.ground(), dice }.perform(kind).await;
        number += 1;
        // Now and then the next one comes before the cluster has recovered, and now and then so
        // late that nothing excuses what is late before it.
        let pause = match pauses.below(10) {
            0 | 1 => 50,
            2..8 => pauses.between(500, 3_500),
            _ => pauses.between(8_000, 12_000),
        };
        sleep(Duration::from_millis(pause)).await;
    }
}

/// Judges, prints, and fails if anything was wrong.
fn conclude(settings: &Settings, world: &World, measured: &Measured) {
    for span in world.health.unhealthy() {
        world.recorder.push(span);
    }
    let history = world.recorder.end();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("chaos-seed-{}.jsonl", settings.seed));
    Recorder::save(&history, &path);
    let verdict = history.judge();
    for unseen in proof::blindness(&history) {
        world.recorder.wrong(unseen);
    }
    println!("{}", summary(settings, world, &history, &verdict, measured));
    let is_good = verdict.is_pass() && world.recorder.wrongs().is_empty() && measured.hashed;
    assert!(is_good, "{}", advice(settings, &path));
    if settings.keep {
        println!("{}", advice(settings, &path));
    } else {
        drop(std::fs::remove_file(&path));
    }
}
