//! Records in order of a key: a persistent B+ tree, made for many small entries.
//!
//! A clone costs nothing and shares every node; a change copies the nodes on its way down that are
//! shared. Entries are one or two words, leaves take no more room than their entries need, and
//! what is sorted already becomes a tree without a comparison.

use std::cmp::Ordering;
use std::sync::Arc;
use std::{iter, mem, slice};

use super::record::Record;

/// The most entries of a leaf, and the most children of a branch.
const NODE_MAX: usize = 16;

/// How many entries the leaves have of a tree that is made at once: there is room for more.
const NODE_FILLED: usize = 12;

/// A node with fewer is merged with its neighbour, if both together are no more than filled.
const NODE_MIN: usize = NODE_MAX / 4;

/// How many entries a node makes room for at a time.
const GROWTH: usize = 4;

/// A record, and what it is ordered by in front of its id.
#[derive(Debug, Clone)]
pub(super) struct Entry<K> {
    pub(super) key: K,
    pub(super) record: Record,
}

impl<K: Ord> Entry<K> {
    /// How it is ordered beside an entry with this key and id. The record is looked at only if the
    /// keys are equal: it is elsewhere in memory.
    fn cmp(&self, (key, id): (&K, &[u8])) -> Ordering {
        self.key.cmp(key).then_with(|| self.record.id_bytes().cmp(id))
    }
}

/// Records ordered by a key and, where it is equal, by id.
#[derive(Debug, Clone)]
pub(super) struct Index<K> {
    root: Arc<Node<K>>,
    len: usize,
}

#[derive(Debug, Clone)]
enum Node<K> {
    Leaf(Vec<Entry<K>>),
    Branch(Vec<Child<K>>),
}

/// A node below a branch. None is empty.
#[derive(Debug, Clone)]
struct Child<K> {
    /// The first entry of all that is below.
    first: Entry<K>,
    node: Arc<Node<K>>,
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self { root: Arc::new(Node::Leaf(Vec::new())), len: 0 }
    }
}

impl<K: Ord + Clone> Index<K> {
    /// The index of `entries`, which come in order.
    pub(super) fn from_sorted(entries: impl Iterator<Item = Entry<K>>) -> Self {
        let mut len = 0;
        let mut nodes = nodes_of(entries.inspect(|_| len += 1), Node::Leaf);
        while nodes.len() > 1 {
            nodes = nodes_of(nodes.into_iter(), Node::Branch);
        }
        nodes.pop().map_or_else(Self::default, |root| Self { root: root.node, len })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The record with this key and id.
    pub(super) fn get(&self, key: &K, id: &[u8]) -> Option<&Record> {
        if self.is_behind((key, id)) {
            return None;
        }
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(entries) => {
                    let at = find(entries, (key, id)).ok()?;
                    return entries.get(at).map(|entry| &entry.record);
                }
                Node::Branch(children) => node = &children[position(children, (key, id))].node,
            }
        }
    }

    /// Whether all entries come before this place. New ones mostly have the last ids, and this is
    /// one comparison for them instead of some at every level.
    fn is_behind(&self, place: (&K, &[u8])) -> bool {
        self.last().is_none_or(|last| last.cmp(place).is_lt())
    }

    /// The first in order.
    pub(super) fn first(&self) -> Option<&Entry<K>> {
        self.root.first()
    }

    /// The last in order.
    pub(super) fn last(&self) -> Option<&Entry<K>> {
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(entries) => return entries.last(),
                Node::Branch(children) => node = &children.last()?.node,
            }
        }
    }

    /// All in order.
    pub(super) fn iter(&self) -> Iter<'_, K> {
        self.after(|_| false)
    }

    /// All in order after those for which `is_before` holds: the first ones and no other.
    pub(super) fn after(&self, is_before: impl Fn(&Entry<K>) -> bool) -> Iter<'_, K> {
        let mut iter = Iter { branches: Vec::new(), leaf: [].iter() };
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(entries) => {
                    iter.leaf = entries[entries.partition_point(is_before)..].iter();
                    return iter;
                }
                Node::Branch(children) => {
                    // The last child that begins before may hold others.
                    let before = children.partition_point(|child| is_before(&child.first));
                    let mut rest = children[before.saturating_sub(1)..].iter();
                    let Some(child) = rest.next() else {
                        return iter;
                    };
                    iter.branches.push(rest);
                    node = &child.node;
                }
            }
        }
    }

    /// Puts a record in, in place of the one with the same key and id, if there is one.
    pub(super) fn insert(&mut self, key: K, record: Record) -> Option<Record> {
        let is_last = self.is_behind((&key, record.id_bytes()));
        let root = Arc::make_mut(&mut self.root);
        let (replaced, right) = root.insert(Entry { key, record }, is_last);
        if let Some(right) = right {
            let left = mem::replace(&mut self.root, Arc::new(Node::Leaf(Vec::new())));
            let children = [Child::above(left), Child::new(right)];
            self.root = Arc::new(Node::Branch(children.into_iter().flatten().collect()));
        }
        self.len += usize::from(replaced.is_none());
        replaced
    }

    /// Takes the record with this key and id out, which should be there: nodes on the way to it are
    /// copied.
    pub(super) fn remove(&mut self, key: &K, id: &[u8]) -> Option<Record> {
        let removed = Arc::make_mut(&mut self.root).remove((key, id));
        while let Node::Branch(children) = &*self.root
            && let [only] = &children[..]
        {
            self.root = only.node.clone();
        }
        self.len -= usize::from(removed.is_some());
        removed
    }
}

/// Entries in order.
#[derive(Debug)]
pub(super) struct Iter<'a, K> {
    /// What is left of each branch above the leaf, the root first.
    branches: Vec<slice::Iter<'a, Child<K>>>,
    leaf: slice::Iter<'a, Entry<K>>,
}

impl<'a, K> Iterator for Iter<'a, K> {
    type Item = &'a Entry<K>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.leaf.next() {
                return Some(entry);
            }
            let Some(child) = self.branches.last_mut()?.next() else {
                self.branches.pop();
                continue;
            };
            match &*child.node {
                Node::Leaf(entries) => self.leaf = entries.iter(),
                Node::Branch(children) => self.branches.push(children.iter()),
            }
        }
    }
}

impl<K: Ord + Clone> Child<K> {
    /// `node` below a branch, unless it is empty.
    fn new(node: Node<K>) -> Option<Self> {
        Self::above(Arc::new(node))
    }

    fn above(node: Arc<Node<K>>) -> Option<Self> {
        Some(Self { first: node.first()?.clone(), node })
    }

    /// Takes in that the first entry below may be another one.
    fn see_first(&mut self) {
        if let Some(first) = self.node.first()
            && (first.key != self.first.key || !first.record.is_same(&self.first.record))
        {
            self.first = first.clone();
        }
    }
}

impl<K: Ord + Clone> Node<K> {
    fn len(&self) -> usize {
        match self {
            Self::Leaf(entries) => entries.len(),
            Self::Branch(children) => children.len(),
        }
    }

    fn first(&self) -> Option<&Entry<K>> {
        match self {
            Self::Leaf(entries) => entries.first(),
            Self::Branch(children) => children.first().map(|child| &child.first),
        }
    }

    /// Puts an entry in, behind all others if it `is_last`; the record that it takes the place of,
    /// and what is right of this node from now on, because it had become too long.
    fn insert(&mut self, entry: Entry<K>, is_last: bool) -> (Option<Record>, Option<Self>) {
        let place = (&entry.key, entry.record.id_bytes());
        match self {
            Self::Leaf(entries) => {
                let found = if is_last { Err(entries.len()) } else { find(entries, place) };
                match found {
                    Ok(at) => (Some(mem::replace(&mut entries[at], entry).record), None),
                    Err(at) => (None, put(entries, at, entry).map(Self::Leaf)),
                }
            }
            Self::Branch(children) => {
                let at = if is_last { children.len() - 1 } else { position(children, place) };
                let child = &mut children[at];
                let (replaced, right) = Arc::make_mut(&mut child.node).insert(entry, is_last);
                child.see_first();
                let right = right.and_then(Child::new);
                let right = right.and_then(|right| put(children, at + 1, right));
                (replaced, right.map(Self::Branch))
            }
        }
    }

    fn remove(&mut self, place: (&K, &[u8])) -> Option<Record> {
        match self {
            Self::Leaf(entries) => {
                let at = find(entries, place).ok()?;
                Some(entries.remove(at).record)
            }
            Self::Branch(children) => {
                let at = position(children, place);
                let child = &mut children[at];
                let removed = Arc::make_mut(&mut child.node).remove(place);
                child.see_first();
                match child.node.len() {
                    0 => drop(children.remove(at)),
                    1..NODE_MIN => merge(children, at),
                    _ => {}
                }
                removed
            }
        }
    }

    /// Takes in what is right of it.
    fn append(&mut self, right: Self) {
        match (self, right) {
            (Self::Leaf(entries), Self::Leaf(more)) => entries.extend(more),
            (Self::Branch(children), Self::Branch(more)) => children.extend(more),
            _ => unreachable!("all leaves are equally deep"),
        }
    }
}

/// Where the entry with this key and id is, or where it would be.
fn find<K: Ord>(entries: &[Entry<K>], place: (&K, &[u8])) -> Result<usize, usize> {
    entries.binary_search_by(|entry| entry.cmp(place))
}

/// The child below which the entry with this key and id is, or would be.
fn position<K: Ord>(children: &[Child<K>], place: (&K, &[u8])) -> usize {
    children.partition_point(|child| child.first.cmp(place).is_le()).saturating_sub(1)
}

/// What a branch above nodes that are filled with `items` holds.
fn nodes_of<T, K: Ord + Clone>(
    mut items: impl Iterator<Item = T>,
    node: impl Fn(Vec<T>) -> Node<K>,
) -> Vec<Child<K>> {
    let filled = iter::from_fn(|| {
        let mut filled = Vec::with_capacity(NODE_FILLED);
        filled.extend(items.by_ref().take(NODE_FILLED));
        filled.shrink_to_fit();
        Child::new(node(filled))
    });
    filled.collect()
}

/// Puts an item into a node; what is right of the node from now on if it was full.
fn put<T>(items: &mut Vec<T>, at: usize, item: T) -> Option<Vec<T>> {
    if items.len() < NODE_MAX {
        if items.len() == items.capacity() {
            items.reserve_exact(GROWTH);
        }
        items.insert(at, item);
        return None;
    }
    // What comes in order leaves full nodes behind.
    let middle = if at == NODE_MAX { NODE_MAX } else { NODE_MAX / 2 };
    let mut right = items.split_off(middle);
    items.shrink_to_fit();
    let (half, at) = if at < middle { (items, at) } else { (&mut right, at - middle) };
    let _fits = put(half, at, item);
    Some(right)
}

/// Makes one of a short child and its neighbour, if both are short enough.
fn merge<K: Ord + Clone>(children: &mut Vec<Child<K>>, at: usize) {
    let left = if at + 1 < children.len() { at } else { at.saturating_sub(1) };
    let is_short = |pair: &[Child<K>]| pair[0].node.len() + pair[1].node.len() <= NODE_FILLED;
    if children.get(left..left + 2).is_some_and(is_short) {
        let right = children.remove(left + 1);
        Arc::make_mut(&mut children[left].node).append(Arc::unwrap_or_clone(right.node));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::state::record::Parts;

    fn record(id: u16, revision: u64) -> Record {
        let id = format!("t{id}");
        Record::new(&Parts { id: id.as_bytes(), definition: b"d", state: b"s", revision })
    }

    /// Checks that the tree is what it should be, and returns how deep it is.
    fn check(node: &Node<u8>, is_root: bool) -> usize {
        assert!(node.len() <= NODE_MAX && (is_root || node.len() > 0));
        let Node::Branch(children) = node else {
            return 0;
        };
        assert!(children.len() > 1 || !is_root);
        let depths = children.iter().map(|child| {
            let first = child.node.first().expect("no node is empty");
            assert_eq!(first.key, child.first.key);
            assert!(first.record.is_same(&child.first.record), "what is kept is gone or old");
            check(&child.node, false)
        });
        let depths: Vec<usize> = depths.collect();
        assert!(depths.iter().all(|depth| *depth == depths[0]));
        depths[0] + 1
    }

    type Model = BTreeMap<(u8, Vec<u8>), u64>;

    fn content(index: &Index<u8>) -> Model {
        let content = index
            .iter()
            .map(|entry| ((entry.key, entry.record.id_bytes().to_vec()), entry.record.revision()));
        let content: Vec<_> = content.collect();
        assert!(content.is_sorted(), "{content:?}");
        assert_eq!(content.len(), index.len());
        content.into_iter().collect()
    }

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u8, u16),
        /// That many in a row, as tasks are created.
        Fill(u8, u16, u8),
        Remove(u8, u16),
        /// As many of the first ones, as tasks become due.
        Drain(u8),
        Keep,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let (key, id) = (0..3_u8, 0..2_000_u16);
        let step = prop_oneof![
            4 => (key.clone(), id.clone()).prop_map(|(key, id)| Step::Insert(key, id)),
            2 => (key.clone(), id.clone(), any::<u8>())
                .prop_map(|(key, id, count)| Step::Fill(key, id, count)),
            4 => (key, id).prop_map(|(key, id)| Step::Remove(key, id)),
            1 => any::<u8>().prop_map(Step::Drain),
            1 => Just(Step::Keep),
        ];
        prop::collection::vec(step, 0..200)
    }

    struct Pair {
        index: Index<u8>,
        model: Model,
        revision: u64,
    }

    impl Pair {
        fn insert(&mut self, key: u8, id: u16) {
            self.revision += 1;
            let record = record(id, self.revision);
            let before = self.model.insert((key, record.id_bytes().to_vec()), self.revision);
            let replaced = self.index.insert(key, record);
            assert_eq!(replaced.map(|record| record.revision()), before);
        }

        fn remove(&mut self, key: u8, id: &[u8]) {
            let removed = self.index.remove(&key, id).map(|record| record.revision());
            assert_eq!(removed, self.model.remove(&(key, id.to_vec())));
        }

        fn take(&mut self, step: &Step) {
            match *step {
                Step::Insert(key, id) => self.insert(key, id),
                Step::Fill(key, id, count) => {
                    (0..u16::from(count)).for_each(|n| self.insert(key, id + n));
                }
                Step::Remove(key, id) => self.remove(key, format!("t{id}").as_bytes()),
                Step::Drain(count) => {
                    for _ in 0..count {
                        let first = self.model.keys().next().cloned();
                        first.into_iter().for_each(|(key, id)| self.remove(key, &id));
                    }
                }
                Step::Keep => {}
            }
        }
    }

    proptest! {
        #[test]
        fn it_holds_what_an_ordered_map_holds(steps in steps()) {
            let mut pair = Pair { index: Index::default(), model: Model::new(), revision: 0 };
            let mut kept = Vec::new();
            for step in &steps {
                pair.take(step);
                if matches!(step, Step::Keep) {
                    kept.push((pair.index.clone(), pair.model.clone()));
                }
            }
            kept.push((pair.index, pair.model));
            for (index, model) in kept {
                check(&index.root, true);
                prop_assert_eq!(&content(&index), &model);
                let first = index.first().map(|entry| entry.record.revision());
                let last = index.last().map(|entry| entry.record.revision());
                prop_assert_eq!(first, model.values().next().copied());
                prop_assert_eq!(last, model.values().next_back().copied());
                for ((key, id), revision) in &model {
                    let found = index.get(key, id).map(Record::revision);
                    prop_assert_eq!(found, Some(*revision));
                }
                for key in 0..4 {
                    let after = index.after(|entry| entry.key < key).next();
                    let after = after.map(|entry| entry.record.revision());
                    let expected = model.range((key, Vec::new())..).next();
                    prop_assert_eq!(after, expected.map(|(_, revision)| *revision));
                }
                let again = Index::from_sorted(index.iter().cloned());
                check(&again.root, true);
                prop_assert_eq!(content(&again), model);
            }
        }
    }
}
