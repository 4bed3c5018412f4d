//! I9: what clients saw of one task is what some order of their operations explains.
//!
//! A task is a register: absent, or a definition that is paused or not. The search is Wing and
//! Gong's, with a memory of what was tried (Lowe, *Testing for linearizability*, 2017): take any
//! operation that no other one certainly preceded, apply it, go on. Operations of which nobody
//! knows the outcome may be taken at any later time or never.

use crate::history::definition::Definition;
use crate::history::op::{Call, Op, Outcome, TaskPhase};
use crate::judge::case::{Case, TaskCase, is_unknown};
use crate::judge::findings::Findings;
use crate::judge::verdict::{Invariant, seconds};
use std::collections::BTreeSet;

/// What a task is: nothing, or the definition of that fingerprint, paused or not.
type State = Option<(usize, bool)>;

/// One step of the register and what was seen of it.
#[derive(Clone, Debug)]
struct Step {
    from: i64,
    to: i64,
    /// Whether it certainly took place.
    known: bool,
    act: Act,
}

#[derive(Clone, Debug)]
enum Act {
    Create { definition: usize, paused: bool, conflict: Option<bool> },
    Change { call: Call, found: Option<bool> },
    Update { definition: usize, found: Option<bool> },
    Read { found: bool, definition: Option<usize>, phase: Option<TaskPhase> },
}

/// Judges the operations on `task`.
pub(super) fn judge(case: &Case<'_>, task: &TaskCase<'_>, findings: &mut Findings) {
    let mut prints = Vec::new();
    let steps = steps(case, task, &mut prints, false, true);
    let limit = case.settings.search_steps_max;
    match is_explained(&steps, limit) {
        Some(true) => return,
        Some(false) => {}
        None => {
            findings.weaknesses.push(format!(
                "no order of the operations on {} was found in {limit} steps",
                task.name
            ));
            return;
        }
    }
    let explained = |lenient, finals| {
        let mut prints = Vec::new();
        is_explained(&self::steps(case, task, &mut prints, lenient, finals), limit) == Some(true)
    };
    let (invariant, at_us, what) = if explained(true, true) {
        let what = "what was answered as not done took effect".to_owned();
        (Invariant::I2, first_denied(task), what)
    } else if explained(false, false) {
        (Invariant::I1, case.end_us, lost(task))
    } else {
        let at = breaking_point(&steps, limit);
        (
            Invariant::I9,
            at,
            format!("no order of the operations explains what was known by {}", seconds(at)),
        )
    };
    findings.violate(invariant, task.name, at_us, what);
}

fn first_denied(task: &TaskCase<'_>) -> i64 {
    let denied = |op: &&&Op| matches!(op.outcome, Outcome::None | Outcome::Refused);
    task.ops.iter().find(denied).map_or(0, |op| op.sent_us)
}

fn lost(task: &TaskCase<'_>) -> String {
    let there: Vec<String> = task
        .finals
        .iter()
        .map(|one| format!("{} on node {}", if one.exists { "there" } else { "missing" }, one.node))
        .collect();
    format!("what remained contradicts what was acknowledged: {}", there.join(", "))
}

/// The steps of `task`; `lenient` takes refusals for unknown, `finals` counts what remained.
fn steps<'a>(
    case: &Case<'_>,
    task: &TaskCase<'a>,
    prints: &mut Vec<String>,
    lenient: bool,
    finals: bool,
) -> Vec<Step> {
    let mut print = |print: String| {
        prints.iter().position(|known| *known == print).unwrap_or_else(|| {
            prints.push(print);
            prints.len() - 1
        })
    };
    let mut steps: Vec<Step> =
        task.ops.iter().filter_map(|op| step_of(op, &mut print, lenient)).collect();
    let is_asked_for = task.ops.iter().any(|op| op.call == Call::Create);
    if let Some(first) = task.receipts.first().filter(|_| is_asked_for) {
        // It fired, so it had been there.
        let act = Act::Read { found: true, definition: None, phase: None };
        steps.push(Step { from: i64::MIN, to: first.at_us, known: true, act });
    }
    for one in task.finals.iter().filter(|_| finals) {
        let at = one.at_us.unwrap_or(case.end_us);
        let act = Act::Read { found: one.exists, definition: None, phase: one.state };
        steps.push(Step { from: at, to: at, known: true, act });
    }
    steps.sort_by_key(|step| (step.from, step.to));
    steps
}

fn step_of(op: &Op, print: &mut impl FnMut(String) -> usize, lenient: bool) -> Option<Step> {
    let denied = matches!(op.outcome, Outcome::None | Outcome::Refused);
    let unknown = is_unknown(op);
    if denied && !lenient {
        return None;
    }
    let known = !unknown && !denied;
    let answer = |yes: Outcome, no: Outcome| match op.outcome {
        outcome if outcome == yes && known => Some(true),
        outcome if outcome == no && known => Some(false),
        _ => None,
    };
    let act = match op.call {
        Call::Create => {
            let definition: &Definition = op.definition.as_ref()?;
            let conflict = answer(Outcome::Conflict, Outcome::Ok);
            let definition_print = print(definition.fingerprint());
            Act::Create { definition: definition_print, paused: definition.paused, conflict }
        }
        Call::Query => {
            let found = answer(Outcome::Ok, Outcome::Absent)?;
            let seen = op.seen.as_ref();
            let definition = seen.and_then(|seen| seen.fingerprint.clone()).map(print);
            Act::Read { found, definition, phase: seen.and_then(|seen| seen.state) }
        }
        Call::Update => {
            let definition = print(op.definition.as_ref()?.fingerprint());
            Act::Update { definition, found: answer(Outcome::Ok, Outcome::Absent) }
        }
        call => Act::Change { call, found: answer(Outcome::Ok, Outcome::Absent) },
    };
    let to = if known { op.back_us.unwrap_or(i64::MAX) } else { i64::MAX };
    Some(Step { from: op.sent_us, to, known, act })
}

/// What the register is after `act`, unless it cannot have taken place in `state`.
fn after(state: State, act: &Act) -> Option<State> {
    match act {
        Act::Create { definition, paused, conflict } => {
            let other = state.is_some_and(|(held, _)| held != *definition);
            let agrees = conflict.is_none_or(|conflict| conflict == other);
            agrees.then_some(state.or(Some((*definition, *paused))))
        }
        Act::Change { call, found } => {
            if found.is_some_and(|found| found != state.is_some()) {
                return None;
            }
            Some(match call {
                Call::Delete => None,
                Call::Pause => state.map(|(held, _)| (held, true)),
                Call::Resume => state.map(|(held, _)| (held, false)),
                _ => state,
            })
        }
        Act::Update { definition, found } => {
            let agrees = found.is_none_or(|found| found == state.is_some());
            agrees.then_some(state.map(|(_, paused)| (*definition, paused)))
        }
        Act::Read { found, definition, phase } => {
            let same = match (state, definition) {
                (Some((held, _)), Some(read)) => held == *read,
                _ => true,
            };
            let phase_agrees = match (state, phase) {
                (Some((_, paused)), Some(TaskPhase::Active)) => !paused,
                (Some((_, paused)), Some(TaskPhase::Paused)) => paused,
                _ => true,
            };
            (*found == state.is_some() && same && phase_agrees).then_some(state)
        }
    }
}

/// Whether some order explains `steps`, which are sorted by when they began; `None` if the search
/// was given up.
fn is_explained(steps: &[Step], limit: usize) -> Option<bool> {
    type Taken = Vec<u64>;
    let empty: Taken = vec![0; steps.len().div_ceil(64)];
    let is_taken = |taken: &Taken, index: usize| taken[index / 64] >> (index % 64) & 1 == 1;
    let mut tried: BTreeSet<(Taken, State)> = BTreeSet::new();
    let mut stack: Vec<(Taken, State)> = vec![(empty, None)];
    while let Some((taken, state)) = stack.pop() {
        let left = |index: &usize| !is_taken(&taken, *index);
        let open = || (0..steps.len()).filter(left);
        let Some(first_end) = open().filter(|i| steps[*i].known).map(|i| steps[i].to).min() else {
            return Some(true);
        };
        if !tried.insert((taken.clone(), state)) {
            continue;
        }
        if tried.len() > limit {
            return None;
        }
        // What is known is tried first, so that the unknown is taken only where it is needed.
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for index in open().take_while(|index| steps[*index].from <= first_end) {
            if let Some(next) = after(state, &steps[index].act) {
                let mut taken = taken.clone();
                taken[index / 64] |= 1 << (index % 64);
                let branch = if steps[index].known { &mut known } else { &mut unknown };
                branch.push((taken, next));
            }
        }
        stack.extend(unknown.into_iter().rev());
        stack.extend(known.into_iter().rev());
    }
    Some(false)
}

/// The first time by which what is known contradicts itself.
fn breaking_point(steps: &[Step], limit: usize) -> i64 {
    let mut ends: Vec<i64> = steps.iter().filter(|step| step.known).map(|step| step.to).collect();
    ends.sort_unstable();
    let contradicts = |end: &i64| {
        let mut known_by = steps.to_vec();
        for step in &mut known_by {
            if step.to > *end {
                step.known = false;
                step.to = i64::MAX;
                step.act = match step.act.clone() {
                    Act::Create { definition, paused, .. } => {
                        Act::Create { definition, paused, conflict: None }
                    }
                    Act::Change { call, .. } => Act::Change { call, found: None },
                    Act::Update { definition, .. } => Act::Update { definition, found: None },
                    read @ Act::Read { .. } => read,
                };
            }
        }
        is_explained(&known_by, limit) == Some(false)
    };
    let first = ends.partition_point(|end| !contradicts(end));
    ends.get(first).copied().unwrap_or_default()
}
