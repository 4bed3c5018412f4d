//! When which definition of a task held: each from its create or update on, until the next update.

use crate::history::definition::Definition;
use crate::history::op::{Call, Op};
use crate::judge::case::done_by;

/// One definition and when it held.
#[derive(Debug)]
struct Era {
    /// Its place among the definitions.
    index: usize,
    /// From when on, and until when, it may have held.
    may: (i64, i64),
    /// From when on, and until before when, it surely held.
    must: (i64, i64),
}

/// The definitions of one task.
#[derive(Debug, Default)]
pub(super) struct Eras<'a> {
    eras: Vec<Era>,
    /// Each of them once.
    pub(super) definitions: Vec<&'a Definition>,
}

/// An operation that gives a definition, if it takes effect.
#[derive(Debug)]
struct Giving<'a> {
    definition: &'a Definition,
    fingerprint: String,
    is_create: bool,
    from: i64,
    by: i64,
}

impl<'a> Giving<'a> {
    fn new(op: &'a Op) -> Option<Self> {
        let definition = op.definition.as_ref()?;
        let is_create = op.call == Call::Create;
        let fingerprint = definition.fingerprint();
        Some(Self { definition, fingerprint, is_create, from: op.sent_us, by: done_by(op) })
    }

    /// Whether it may take effect after `other`: no create does anything to a task that is there.
    fn may_follow(&self, other: &Self) -> bool {
        match (other.is_create, self.is_create) {
            (true, _) => true,
            (false, true) => false,
            (false, false) => self.by >= other.from,
        }
    }

    /// Whether it takes effect, and after `other`.
    fn surely_follows(&self, other: &Self) -> bool {
        let is_later = other.is_create || self.from > other.by;
        !self.is_create && self.by != i64::MAX && is_later
    }
}

impl<'a> Eras<'a> {
    /// What `ops`, the creates and updates of a task, say. If it may have been created anew,
    /// nothing is sure but what all of them say.
    pub(super) fn new(ops: impl Iterator<Item = &'a Op>, is_lived_once: bool) -> Self {
        let all: Vec<Giving<'_>> = ops.filter_map(Giving::new).collect();
        let mut definitions: Vec<&Definition> = Vec::new();
        let mut prints: Vec<&str> = Vec::new();
        for one in &all {
            if !prints.contains(&one.fingerprint.as_str()) {
                prints.push(&one.fingerprint);
                definitions.push(one.definition);
            }
        }
        let era = |one: &Giving<'a>| {
            let others = || all.iter().filter(|other| other.fingerprint != one.fingerprint);
            let index = prints.iter().position(|known| *known == one.fingerprint).unwrap_or(0);
            let mut era = Era { index, may: ALWAYS, must: NEVER };
            if !is_lived_once && definitions.len() > 1 {
                return era;
            }
            era.may.0 = if one.is_create { i64::MIN } else { one.from };
            let followed = others().filter(|other| other.surely_follows(one));
            era.may.1 = followed.map(|other| other.by).min().unwrap_or(i64::MAX);
            era.must.0 = if one.is_create { i64::MIN } else { one.by };
            let begins = |other: &Giving<'_>| if other.is_create { i64::MIN } else { other.from };
            let ending = others().filter(|other| other.may_follow(one));
            era.must.1 = ending.map(begins).min().unwrap_or(i64::MAX);
            era
        };
        let eras = all.iter().map(era).collect();
        Self { eras, definitions }
    }

    /// The place of the definition that surely held all the time from `from` to `to`, while the
    /// task existed.
    pub(super) fn surely(&self, from: i64, to: i64) -> Option<usize> {
        let holds = |era: &&Era| era.must.0 <= from && to < era.must.1;
        self.eras.iter().find(holds).map(|era| era.index)
    }

    /// The definitions that may have held at some time from `from` to `to`.
    pub(super) fn maybe(&self, from: i64, to: i64) -> impl Iterator<Item = &'a Definition> {
        let held = move |(_, (begin, end)): &(usize, (i64, i64))| *begin <= to && from <= *end;
        self.spans().filter(held).map(|(index, _)| self.definitions[index])
    }

    /// The places of definitions, each with a span in which it may have held.
    pub(super) fn spans(&self) -> impl Iterator<Item = (usize, (i64, i64))> {
        self.eras.iter().map(|era| (era.index, era.may))
    }
}

const ALWAYS: (i64, i64) = (i64::MIN, i64::MAX);
const NEVER: (i64, i64) = (i64::MAX, i64::MIN);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::op::Outcome;

    #[test]
    fn a_definition_is_sure_from_its_answer_until_the_next_is_asked_for() {
        let of = |at_s| Definition::once(at_s);
        let create = Op::create("a", of(1), 0).answered_ok(10);
        let second = Op::update("a", of(2), 20).answered_ok(30);
        let third = Op::update("a", of(3), 40).answered_ok(50);
        let ops = [create, second, third];
        let eras = Eras::new(ops.iter(), true);
        let sure = [
            ((-5, 19), Some(0)),
            ((5, 20), None),
            ((25, 35), None),
            ((30, 39), Some(1)),
            ((30, 40), None),
            ((50, 99), Some(2)),
        ];
        for ((from, to), at_s) in sure {
            assert_eq!(eras.surely(from, to), at_s, "{from} to {to}");
        }
        let maybe = |from, to| eras.maybe(from, to).cloned().collect::<Vec<_>>();
        assert_eq!(maybe(0, 19), [of(1)]);
        assert_eq!(maybe(25, 26), [of(1), of(2)]);
        assert_eq!(maybe(31, 39), [of(2)]);
        assert_eq!(maybe(51, 51), [of(3)]);
        assert_eq!(eras.definitions, [&of(1), &of(2), &of(3)]);
    }

    #[test]
    fn an_update_without_an_answer_leaves_nothing_sure_after_it() {
        let of = |at_s| Definition::once(at_s);
        let create = Op::create("a", of(1), 0).answered_ok(10);
        let doubted = Op::update("a", of(2), 20);
        let third = Op::update("a", of(3), 40).answered_ok(50);
        let ops = [create, doubted, third];
        let eras = Eras::new(ops.iter(), true);
        assert_eq!(eras.surely(0, 19), Some(0));
        assert_eq!(eras.surely(60, 61), None, "the second may come now");
        assert_eq!(eras.maybe(60, 61).count(), 2);
        let none = Op::update("a", of(2), 20).answered(Outcome::Ok, 15);
        let same = [ops[0].clone(), none];
        assert_eq!(Eras::new(same.iter(), false).surely(0, 1), None, "it may live again");
    }
}
