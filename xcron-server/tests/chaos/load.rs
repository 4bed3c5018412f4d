//! The load: tasks of all kinds created, deleted and read by clients of all nodes.

use crate::client::Client;
use crate::dice::Dice;
use crate::nodes::Nodes;
use crate::recorder::Recorder;
use crate::sink::Sink;
use crate::wish::Wish;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Clients that change something, and clients that read.
const WRITERS: u64 = 3;
const READERS: u64 = 3;

/// How long a client rests between two calls, on average.
const WRITER_REST: Duration = Duration::from_millis(150);
const READER_REST: Duration = Duration::from_millis(40);

/// The tasks that repeat when the load begins, and how many calls of a writer make another one.
const CRONS: u64 = 12;
const CALLS_PER_CRON: u64 = 60;

/// How many of a client's newest tasks may be deleted next.
const YOUNG: usize = 30;

/// How many of the newest tasks are read.
const NEWEST: usize = 200;

/// A load under way.
#[derive(Debug)]
pub(crate) struct Load {
    ground: Arc<Ground>,
    clients: JoinSet<()>,
}

/// What the clients share.
#[derive(Debug)]
pub(crate) struct Ground {
    nodes: Nodes,
    sink: Sink,
    recorder: Recorder,
    seed: u64,
    /// When no task is due any more, in unix seconds.
    end_s: i64,
    ends: AtomicBool,
    bursts: AtomicU64,
    wishes: Mutex<Vec<Wish>>,
}

impl Ground {
    fn note(&self, wish: &Wish) {
        self.wishes.lock().expect("nobody panics").push(wish.clone());
    }

    /// Every task that was asked for.
    pub(crate) fn wishes(&self) -> Vec<Wish> {
        self.wishes.lock().expect("nobody panics").clone()
    }

    fn some_of_the_newest(&self, dice: &mut Dice) -> Option<String> {
        let wishes = self.wishes.lock().expect("nobody panics");
        let newest = &wishes[wishes.len().saturating_sub(NEWEST)..];
        let at = dice.below(newest.len().max(1) as u64);
        newest.get(usize::try_from(at).expect("an index")).map(|wish| wish.id.clone())
    }

    /// Creates many plain tasks that are due in the same second, as fast as it goes.
    pub(crate) async fn burst(self: &Arc<Self>, count: u64, clients: u64) {
        let burst = self.bursts.fetch_add(1, Ordering::Relaxed);
        self.spread(count, clients, move |ground, number| {
            Wish::plain(format!("burst-{burst}-{number}"), &ground.sink, 4)
        })
        .await;
    }

    /// Creates large tasks that are not due, so that logs fill up.
    pub(crate) async fn bulk(self: &Arc<Self>, count: u64, bytes: usize) {
        let burst = self.bursts.fetch_add(1, Ordering::Relaxed);
        self.spread(count, 2, move |ground, number| {
            Wish::bulk(format!("bulk-{burst}-{number}"), &ground.sink, bytes)
        })
        .await;
    }

    async fn spread(
        self: &Arc<Self>,
        count: u64,
        clients: u64,
        wish: impl Fn(&Self, u64) -> Wish + Clone + Send + 'static,
    ) {
        let mut all = JoinSet::new();
        for client in 0..clients {
            let (ground, wish) = (Arc::clone(self), wish.clone());
            all.spawn(async move {
                let number = 100 + client;
                let mut caller = Client::new(number, &ground.nodes, &ground.recorder);
                for number in (client..count).step_by(usize::try_from(clients).expect("few")) {
                    let wish = wish(&ground, number);
                    ground.note(&wish);
                    caller.create(&wish).await;
                }
            });
        }
        all.join_all().await;
    }
}

impl Load {
    /// Begins; whatever repeats ends at `end_s`.
    pub(crate) async fn begin(
        nodes: &Nodes,
        sink: &Sink,
        recorder: &Recorder,
        seed: u64,
        end_s: i64,
    ) -> Self {
        let ground = Arc::new(Ground {
            nodes: nodes.clone(),
            sink: sink.clone(),
            recorder: recorder.clone(),
            seed,
            end_s,
            ends: AtomicBool::new(false),
            bursts: AtomicU64::new(0),
            wishes: Mutex::default(),
        });
        let mut dice = Dice::new(seed, "crons");
        let mut client = Client::new(0, nodes, recorder);
        for number in 0..CRONS {
            let wish = Wish::cron(format!("cron-{number}"), &mut dice, sink, end_s);
            ground.note(&wish);
            client.create(&wish).await;
        }
        let mut clients = JoinSet::new();
        for number in 0..WRITERS {
            clients.spawn(write(Arc::clone(&ground), number));
        }
        for number in 0..READERS {
            clients.spawn(read(Arc::clone(&ground), WRITERS + number));
        }
        Self { ground, clients }
    }

    /// What it stands on, for those who add to it.
    pub(crate) const fn ground(&self) -> &Arc<Ground> {
        &self.ground
    }

    /// Lets every client finish what it is at; every task that was asked for.
    pub(crate) async fn end(self) -> Vec<Wish> {
        self.ground.ends.store(true, Ordering::Relaxed);
        self.clients.join_all().await;
        self.ground.wishes()
    }
}

async fn write(ground: Arc<Ground>, number: u64) {
    let mut dice = Dice::new(ground.seed, &format!("writer {number}"));
    let mut client = Client::new(number + 1, &ground.nodes, &ground.recorder);
    // Each task is deleted at most once, by the client that created it, and never comes back.
    let mut own = Vec::new();
    let mut made = 0;
    while !ground.ends.load(Ordering::Relaxed) {
        rest(&mut dice, WRITER_REST).await;
        if dice.chance(15) && !own.is_empty() {
            // Mostly one that is not due yet, or is under way.
            let back = dice.below(own.len().min(YOUNG) as u64);
            let at = own.len() - 1 - usize::try_from(back).expect("an index");
            let id: String = own.remove(at);
            client.delete(&id).await;
            continue;
        }
        made += 1;
        let id = format!("t{number}-{made}");
        let wish = if made % CALLS_PER_CRON == 0 {
            Wish::cron(id, &mut dice, &ground.sink, ground.end_s)
        } else {
            Wish::one_shot(id, &mut dice, &ground.sink)
        };
        ground.note(&wish);
        if client.create(&wish).await {
            own.push(wish.id);
        }
        if dice.chance(10) {
            client.turn();
        }
    }
}

async fn read(ground: Arc<Ground>, number: u64) {
    let mut dice = Dice::new(ground.seed, &format!("reader {number}"));
    let mut client = Client::new(number + 1, &ground.nodes, &ground.recorder);
    while !ground.ends.load(Ordering::Relaxed) {
        rest(&mut dice, READER_REST).await;
        if let Some(task) = ground.some_of_the_newest(&mut dice) {
            client.query(&task).await;
        }
        if dice.chance(5) {
            client.turn();
        }
    }
}

async fn rest(dice: &mut Dice, average: Duration) {
    let millis = u64::try_from(average.as_millis()).expect("short");
    sleep(Duration::from_millis(dice.between(millis / 2, millis * 3 / 2))).await;
}
