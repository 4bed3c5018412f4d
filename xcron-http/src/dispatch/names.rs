//! Names: looked up in threads that may hang, so that no name waits for one of another kind.
//!
//! The system's resolver blocks, and for a name whose servers are silent it does so for tens of
//! seconds, with nothing that could end it. Three rules keep that from whoever asks for another
//! name: a name has one lookup at a time, whose answer all who want it share; names that were
//! answered at once, names that nothing is known of and slow ones have places of their own; and a
//! lookup that turns out to be slow moves to the places of the slow ones while there are any.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The most names of a kind that are remembered; when there is no room, all of them make room.
const NAMES_MAX: usize = 10_000;

/// Finds the addresses of a name and a port; it may block.
pub(super) type Lookup = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// What a lookup comes to.
type Found = Result<Vec<SocketAddr>, Arc<str>>;

/// A name and a port.
type Key = (Arc<str>, u16);

/// Looks names up.
#[derive(Clone)]
pub(super) struct Names {
    lookup: Arc<Lookup>,
    slow_after: Duration,
    state: Arc<State>,
}

/// What the last lookup of a name was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It was answered at once.
    Prompt,
    /// There was none.
    New,
    /// It took long, or still does.
    Slow,
}

struct State {
    prompt_places: Arc<Semaphore>,
    new_places: Arc<Semaphore>,
    slow_places: Arc<Semaphore>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    running: HashMap<Key, Running>,
    prompt: HashSet<Arc<str>>,
    slow: HashSet<Arc<str>>,
}

/// A lookup that a thread has in hand, and whose place it holds until that thread is done.
struct Running {
    found: watch::Receiver<Option<Found>>,
    place: OwnedSemaphorePermit,
    is_slow: bool,
}

/// Ends a lookup, however it does.
struct Ends {
    state: Arc<State>,
    key: Key,
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.state.end(&self.key);
    }
}

impl Names {
    /// At most `lookups_max` lookups at a time: half of them slow, a quarter of names that were
    /// answered at once, and a quarter of new ones. One that takes `slow_after` is slow.
    pub(super) fn new(lookup: Arc<Lookup>, lookups_max: usize, slow_after: Duration) -> Self {
        Self { lookup, slow_after, state: Arc::new(State::new(lookups_max)) }
    }

    /// Looks up by `lookup` from now on.
    pub(super) fn look_up_by(&mut self, lookup: Arc<Lookup>) {
        self.lookup = lookup;
    }

    /// The addresses of `name` and `port`. Whoever gives up before they are found leaves a thread
    /// behind that goes on until the system gives up too, and that counts until then.
    pub(super) async fn find(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        let key = (Arc::from(name), port);
        let running = self.state.known().running.get(&key).map(|running| running.found.clone());
        let mut found = match running {
            Some(found) => found,
            None => {
                let place = self.state.place(name).await;
                self.begin(&key, place)
            }
        };
        if timeout(self.slow_after, found.wait_for(Option::is_some)).await.is_err() {
            self.state.slows(&key);
        }
        let found = found.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
        let ended = || Err("the lookup ended without an answer".into());
        found.unwrap_or_else(ended).map_err(|problem| format!("looking up {name}: {problem}"))
    }

    /// Begins a lookup in `place`, or joins the one that somebody else has begun meanwhile.
    fn begin(
        &self,
        key: &Key,
        place: Option<OwnedSemaphorePermit>,
    ) -> watch::Receiver<Option<Found>> {
        let mut known = self.state.known();
        if let Some(running) = known.running.get(key) {
            return running.found.clone();
        }
        let (tell, found) = watch::channel(None);
        let Some(place) = place else { return found };
        known.running.insert(key.clone(), Running { found: found.clone(), place, is_slow: false });
        let (lookup, ends) = (Arc::clone(&self.lookup), Ends::of(&self.state, key));
        spawn_blocking(move || {
            let (name, port) = &ends.key;
            let found = lookup(name, *port).map_err(|error| Arc::from(error.to_string()));
            // Ended first: whoever is told may ask again at once.
            drop(ends);
            tell.send_replace(Some(found));
        });
        found
    }
}

impl Ends {
    fn of(state: &Arc<State>, key: &Key) -> Self {
        Self { state: Arc::clone(state), key: key.clone() }
    }
}

impl State {
    fn new(lookups_max: usize) -> Self {
        let places = |part: usize| Arc::new(Semaphore::new((lookups_max / part).max(1)));
        Self {
            prompt_places: places(4),
            new_places: places(4),
            slow_places: places(2),
            known: Mutex::default(),
        }
    }

    /// A place for a lookup of `name`; none only when there never will be one.
    async fn place(&self, name: &str) -> Option<OwnedSemaphorePermit> {
        let places = match self.known().kind(name) {
            Kind::Prompt => &self.prompt_places,
            Kind::New => &self.new_places,
            Kind::Slow => &self.slow_places,
        };
        Arc::clone(places).acquire_owned().await.ok()
    }

    /// The lookup of `key` takes long.
    fn slows(&self, key: &Key) {
        let mut known = self.known();
        let Known { running, .. } = &mut *known;
        let Some(running) = running.get_mut(key) else { return };
        if running.is_slow {
            return;
        }
        running.is_slow = true;
        if let Ok(place) = Arc::clone(&self.slow_places).try_acquire_owned() {
            running.place = place;
        }
        known.note(&key.0, Kind::Slow);
    }

    fn end(&self, key: &Key) {
        let mut known = self.known();
        let ended = known.running.remove(key);
        if ended.is_some_and(|running| !running.is_slow) {
            known.note(&key.0, Kind::Prompt);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn kind(&self, name: &str) -> Kind {
        if self.slow.contains(name) {
            Kind::Slow
        } else if self.prompt.contains(name) {
            Kind::Prompt
        } else {
            Kind::New
        }
    }

    fn note(&mut self, name: &Arc<str>, kind: Kind) {
        let (is, was) = match kind {
            Kind::Slow => (&mut self.slow, &mut self.prompt),
            Kind::Prompt | Kind::New => (&mut self.prompt, &mut self.slow),
        };
        was.remove(name);
        if is.len() >= NAMES_MAX && !is.contains(name) {
            is.clear();
        }
        is.insert(Arc::clone(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_was_like_is_remembered_within_bounds() {
        let mut known = Known::default();
        let name = |n: usize| Arc::from(format!("host-{n}"));
        assert_eq!(known.kind("host-0"), Kind::New);
        known.note(&name(0), Kind::Prompt);
        assert_eq!(known.kind("host-0"), Kind::Prompt);
        known.note(&name(0), Kind::Slow);
        assert_eq!(known.kind("host-0"), Kind::Slow);
        known.note(&name(0), Kind::Prompt);
        for n in 1..=2 * NAMES_MAX {
            known.note(&name(n), Kind::Slow);
            assert!(known.slow.len() <= NAMES_MAX);
        }
        assert_eq!(known.kind("host-0"), Kind::Prompt, "slow ones take no room of others");
    }

    #[tokio::test]
    async fn a_slow_lookup_makes_room_among_the_new_ones_while_there_is_room_among_the_slow() {
        let state = State::new(4);
        let free = || (state.new_places.available_permits(), state.slow_places.available_permits());
        for (n, left) in [(0, (1, 1)), (1, (1, 0)), (2, (0, 0))] {
            let key: Key = (Arc::from(format!("host-{n}")), 80);
            let (_tell, found) = watch::channel(None);
            let place = state.place(&key.0).await.expect("a place");
            state.known().running.insert(key.clone(), Running { found, place, is_slow: false });
            state.slows(&key);
            state.slows(&key);
            assert_eq!(free(), left, "{n}");
        }
        for n in 0..3 {
            state.end(&(Arc::from(format!("host-{n}")), 80));
            assert_eq!(state.known().kind(&format!("host-{n}")), Kind::Slow);
        }
        assert_eq!(free(), (1, 2));
    }
}
