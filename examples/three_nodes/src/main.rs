//! Three servers make a cluster. While tasks fire, the one that leads is killed; the account at
//! the end shows that nothing was lost, and that what was called twice was in flight at the kill.

mod account;
mod cluster;
mod http;
mod target;

use account::{Account, Occurrence};
use cluster::Cluster;
use http::{Result, get, post};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use target::{ANSWER, Call, Target};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How many one-shots there are, spread over how many seconds.
const ONE_SHOTS: usize = 200;
const SECONDS: u64 = 12;
/// How long it may take to create them.
const HEAD_START: Duration = Duration::from_secs(4);
/// After how many of them the leader is killed, and how far into the next.
const SECONDS_BEFORE: u64 = 5;
const INTO_SECOND: Duration = Duration::from_millis(500);
/// How long what was due last may take to come, and how long a call too many has to show itself.
const LATE_MAX: Duration = Duration::from_secs(10);
const WATCH: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let stopped = || Err("stopped by a signal".into());
    let mut cluster = Cluster::new()?;
    let outcome = tokio::select! {
        biased;
        _ = terminated.recv() => stopped(),
        _ = interrupted.recv() => stopped(),
        outcome = tell(&mut cluster) => outcome,
    };
    cluster.stop().await;
    outcome
}

async fn tell(cluster: &mut Cluster) -> Result<()> {
    println!("building the server, unless it is there");
    let server = cluster::build_server().await?;
    let begun = Instant::now();
    cluster.start(&server)?;
    cluster.ready().await?;
    let leader = cluster.leader().await?;
    println!("three nodes are ready after {}; node {} leads", ms(begun), leader.id);

    let target = Target::start().await?;
    let first_due = unix_seconds() + HEAD_START.as_secs();
    let begun = Instant::now();
    let expected = create(&cluster.apis(), &target, first_due).await?;
    println!("{ONE_SHOTS} one-shots and a cron were created, through all three, in {}", ms(begun));

    let until_due = (u128::from(first_due) * 1_000).saturating_sub(unix_millis());
    let due = Instant::now() + Duration::from_millis(until_due as u64);
    watch(&target, due, 0..SECONDS_BEFORE).await;
    sleep(INTO_SECOND).await;
    let leader = cluster.leader().await?;
    let killed_at = Instant::now();
    cluster.kill(leader).await?;
    let calls = target.calls();
    let unanswered = calls.iter().filter(|call| call.at + ANSWER > killed_at).count();
    println!("      node {} is killed, kill -9, with {unanswered} calls unanswered", leader.id);
    let leader = cluster.leader().await?;
    println!("      node {} leads, {} after the kill", leader.id, ms(killed_at));

    watch(&target, due, SECONDS_BEFORE..SECONDS + 1).await;
    let account = settle(&target, &expected, killed_at).await;
    println!("the account of {ONE_SHOTS} one-shots and the cron\n{account}");
    finished(&cluster.apis()).await?;
    if account.is_clean() { Ok(()) } else { Err("that is not what was promised".into()) }
}

/// Creates the tasks, through all nodes at once; what is to be called, and for when.
async fn create(
    apis: &[SocketAddr],
    target: &Target,
    first_due: u64,
) -> Result<BTreeSet<Occurrence>> {
    let callback = json!({"url": target.url()});
    let last_due = first_due + SECONDS - 1;
    // No second of it may be left out because the leader was missing.
    let mut tasks = vec![json!({
        "task_id": "cron", "type": 1, "format": "* * * * * *", "misfire": "fire_all",
        "start_time": first_due, "end_time": last_due, "callback": callback,
    })];
    let mut expected: BTreeSet<Occurrence> =
        (first_due..=last_due).map(|at| ("cron".to_owned(), at)).collect();
    for number in 0..ONE_SHOTS {
        let (id, at) = (one_shot(number), first_due + number as u64 % SECONDS);
        // Jitter spreads them over their second, as many tasks of many people would be.
        tasks.push(json!({
            "task_id": id, "type": 2, "format": at.to_string(), "jitter_seconds": 1,
            "callback": callback,
        }));
        expected.insert((id, at));
    }
    let mut creating = JoinSet::new();
    for (place, api) in apis.iter().copied().enumerate() {
        let share: Vec<Value> = tasks.iter().skip(place).step_by(apis.len()).cloned().collect();
        creating.spawn(async move {
            for task in &share {
                post(api, "/xcron/createTask", task).await?;
            }
            Result::Ok(())
        });
    }
    while let Some(created) = creating.join_next().await {
        created??;
    }
    Ok(expected)
}

fn one_shot(number: usize) -> String {
    format!("one-shot-{number}")
}

/// Prints a line for each of these seconds after `due`, when it is over.
async fn watch(target: &Target, due: Instant, seconds: Range<u64>) {
    for second in seconds {
        let end = due + Duration::from_secs(second + 1);
        sleep(end.saturating_duration_since(Instant::now())).await;
        let within = |call: &Call| call.at.duration_since(due).as_secs() == second;
        let count = target.calls().iter().filter(|call| call.at >= due && within(call)).count();
        println!("{:>3} s {count:>4} callbacks", second + 1);
    }
}

/// The account once everything has come, or cannot be expected to come any more.
async fn settle(target: &Target, expected: &BTreeSet<Occurrence>, killed_at: Instant) -> Account {
    let begun = Instant::now();
    let account = || Account::of(expected, &target.calls(), killed_at);
    while !account().is_complete() && begun.elapsed() < LATE_MAX {
        sleep(Duration::from_millis(100)).await;
    }
    sleep(WATCH).await;
    account()
}

/// The two that are left know the same: every task has finished, with one success.
async fn finished(apis: &[SocketAddr]) -> Result<()> {
    for (number, api) in (0..ONE_SHOTS).zip(apis.iter().cycle()) {
        let path = format!("/xcron/queryTask?task_id={}", one_shot(number));
        let task = get(*api, &path).await?;
        let seen = (&task["state"], &task["success_count"], &task["run_count"]);
        if seen != (&Value::from("finished"), &Value::from(1), &Value::from(1)) {
            return Err(format!("{api} shows {seen:?} of {}", one_shot(number)).into());
        }
    }
    println!("the nodes that are left show {ONE_SHOTS} one-shots finished, one run each");
    Ok(())
}

fn ms(since: Instant) -> String {
    format!("{} ms", since.elapsed().as_millis())
}

fn unix_seconds() -> u64 {
    u64::try_from(unix_millis() / 1_000).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "tasks are due by the clock of this machine")]
fn unix_millis() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}
