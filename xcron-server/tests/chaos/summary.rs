//! What a run came to, for those who read it.

use crate::fault::Kind;
use crate::settings::Settings;
use crate::world::World;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;
use xcron_checker::{History, Line, Verdict};

/// What was measured beside the history.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) recovery: Duration,
    pub(crate) stalled_us: i64,
    pub(crate) hashed: bool,
}

/// The text of a summary.
pub(crate) fn summary(
    settings: &Settings,
    world: &World,
    history: &History,
    verdict: &Verdict,
    measured: &Measured,
) -> String {
    let mut text = String::new();
    let mut line = |words: String| writeln!(text, "{words}").expect("text takes text");
    line(format!("chaos: seed {}, {:?} of faults", settings.seed, settings.faults_for));
    let (mut done, mut felt) = (BTreeMap::new(), 0);
    for fault in faults(history) {
        let (times, effects) = done.entry(fault.name.as_str()).or_insert((0, 0));
        *times += 1;
        *effects += u32::from(fault.took_effect);
        felt += u32::from(fault.took_effect);
    }
    line(format!("  {felt} faults took effect:"));
    for kind in Kind::ALL {
        let (times, effects) = done.get(kind.name()).copied().unwrap_or_default();
        let lack = kind.lacks(world).and_then(|need| {
            world.lacks.iter().find(|(lack, _)| *lack == need).map(|(_, why)| why.as_str())
        });
        match lack {
            Some(why) => line(format!("    {:<14} not possible here: {why}", kind.name())),
            None if times == 0 => line(format!("    {:<14} not drawn", kind.name())),
            None => line(format!("    {:<14} {times} done, {effects} took effect", kind.name())),
        }
    }
    line(format!(
        "  whole again {:?} after the last fault; this machine stood still for {} ms",
        measured.recovery,
        measured.stalled_us / 1_000
    ));
    let hashed = if measured.hashed { "compared" } else { "not compared, no index in common" };
    line(format!("  states of the nodes: {hashed}"));
    let wrongs = world.recorder.wrongs();
    line(format!("  {} findings of the run itself", wrongs.len()));
    for wrong in wrongs {
        line(format!("    {wrong}"));
    }
    text + &verdict.to_string()
}

fn faults(history: &History) -> impl Iterator<Item = &xcron_checker::Fault> {
    history.lines.iter().filter_map(|line| match line {
        Line::Fault(fault) => Some(fault),
        _ => None,
    })
}

/// The text of what to do about a red run.
pub(crate) fn advice(settings: &Settings, path: &Path) -> String {
    format!("its history is {}; again: {}", path.display(), settings.command())
}
