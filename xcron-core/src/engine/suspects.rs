//! Destinations that lately did not answer in time, remembered beyond their lanes.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// The most that are remembered; the one that was noted first is forgotten first.
const SUSPECTS_MAX: usize = 1_024;

/// Destinations whose last attempt ran out of time.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    known: BTreeSet<Arc<str>>,
    noted: VecDeque<Arc<str>>,
}

impl Suspects {
    pub(super) fn has(&self, destination: &Arc<str>) -> bool {
        self.known.contains(destination)
    }

    /// Notes one that did not answer in time.
    pub(super) fn note(&mut self, destination: &Arc<str>) {
        if !self.known.insert(Arc::clone(destination)) {
            return;
        }
        self.noted.push_back(Arc::clone(destination));
        if self.noted.len() > SUSPECTS_MAX
            && let Some(oldest) = self.noted.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// Clears one that has answered.
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
    fn a_suspect_is_one_until_it_answers_or_too_many_others_are() {
        let mut suspects = Suspects::default();
        let name = |n: usize| Arc::from(format!("host-{n}"));
        for n in 0..=SUSPECTS_MAX {
            suspects.note(&name(n));
            suspects.note(&name(n));
        }
        assert!(!suspects.has(&name(0)) && suspects.has(&name(1)));
        suspects.clear(&name(1));
        suspects.note(&name(0));
        assert!(suspects.has(&name(0)) && !suspects.has(&name(1)) && suspects.has(&name(2)));
        assert_eq!(suspects.noted.len(), suspects.known.len());
    }
}
