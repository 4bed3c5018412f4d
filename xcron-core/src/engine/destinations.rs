//! What is known of destinations beyond their lanes: which lately did not answer in time, or did.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// The most that are remembered; the one that was noted first is forgotten first.
const REMEMBERED_MAX: usize = 4_096;

/// Destinations of which something is known.
#[derive(Debug, Default)]
pub(super) struct Destinations {
    known: BTreeSet<Arc<str>>,
    noted: VecDeque<Arc<str>>,
}

impl Destinations {
    pub(super) fn has(&self, destination: &Arc<str>) -> bool {
        self.known.contains(destination)
    }

    /// Notes one; whether it was not known.
    pub(super) fn note(&mut self, destination: &Arc<str>) -> bool {
        if !self.known.insert(Arc::clone(destination)) {
            return false;
        }
        self.noted.push_back(Arc::clone(destination));
        if self.noted.len() > REMEMBERED_MAX
            && let Some(oldest) = self.noted.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    /// Forgets one.
    pub(super) fn clear(&mut self, destination: &Arc<str>) {
        if self.known.remove(destination) {
            self.noted.retain(|noted| noted != destination);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_known_until_it_is_cleared_or_too_many_others_are() {
        let mut known_ones = Destinations::default();
        let name = |n: usize| Arc::from(format!("host-{n}"));
        for n in 0..=REMEMBERED_MAX {
            known_ones.note(&name(n));
            known_ones.note(&name(n));
        }
        assert!(!known_ones.has(&name(0)) && known_ones.has(&name(1)));
        known_ones.clear(&name(1));
        known_ones.note(&name(0));
        assert!(known_ones.has(&name(0)) && !known_ones.has(&name(1)) && known_ones.has(&name(2)));
        assert_eq!(known_ones.noted.len(), known_ones.known.len());
    }
}
