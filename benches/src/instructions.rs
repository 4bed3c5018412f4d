//! How many instructions an operation takes: the same on any machine, busy or not, as long as
//! program and compiler are, so that two commits can be compared by one run of each.
//!
//! A program that does an operation some times is run under callgrind, and once more doing it twice
//! as often. The difference holds neither its start nor what it prepares.

use crate::fault::Result;
use crate::report::commit;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// The files of the report, in the directory of all reports.
const MARKDOWN: &str = "instructions.md";
const JSON: &str = "instructions.json";

/// How many instructions operations take, by their names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instructions {
    /// The commit of the work tree.
    pub commit: String,
    /// What compiled it.
    pub compiler: String,
    /// What they run on: the same source takes other instructions elsewhere.
    pub target: String,
    /// Instructions for one operation.
    pub operations: BTreeMap<String, f64>,
}

impl Instructions {
    /// Those of `operations`, of the work tree that this was built from.
    #[must_use]
    pub fn of(operations: BTreeMap<String, f64>) -> Self {
        let said = Command::new("rustc").arg("--version").output();
        let compiler = said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned());
        let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
        Self { commit: commit(), compiler: compiler.unwrap_or_default(), target, operations }
    }

    /// What was written into `dir` last, if anything was.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(dir: &Path) -> Result<Option<Self>> {
        match std::fs::read(dir.join(JSON)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes it into `dir`, in place of what was there.
    ///
    /// # Errors
    /// When that cannot be written to.
    pub fn write(&self, dir: &Path) -> Result<()> {
        std::fs::write(dir.join(JSON), serde_json::to_vec_pretty(self)?)?;
        Ok(std::fs::write(dir.join(MARKDOWN), self.markdown())?)
    }

    /// The report for people.
    #[must_use]
    pub fn markdown(&self) -> String {
        let Self { commit, compiler, target, .. } = self;
        let mut text = format!(
            "# Instructions at {commit}\n\nFor one operation, counted by callgrind, {compiler}, \
             {target}.\n\n| operation | instructions |\n|---|---|\n"
        );
        for (name, count) in &self.operations {
            // Writing into a string cannot fail.
            let _infallible = writeln!(text, "| {name} | {count:.0} |");
        }
        text
    }

    /// What became more or less since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> String {
        let mut text = format!(
            "{} against {}\n\n| operation | before | after | after / before |\n|---|---|---|---|\n",
            self.commit, before.commit
        );
        for (name, after) in &self.operations {
            let line = match before.operations.get(name) {
                Some(before) => format!("{before:.0} | {after:.0} | {:.3}", after / before),
                None => format!("| {after:.0} |"),
            };
            let _infallible = writeln!(text, "| {name} | {line} |");
        }
        text
    }
}

/// Whether there is a callgrind.
#[must_use]
pub fn has_callgrind() -> bool {
    let asked = Command::new("valgrind").arg("--version").output();
    asked.is_ok_and(|said| said.status.success())
}

/// The instructions that `program` takes for one operation, when it is told by its arguments to do
/// `name` so often and twice so often.
///
/// # Errors
/// When the program or callgrind fails.
pub fn count(program: &Path, name: &str, times: u32) -> Result<f64> {
    let once = total(program, name, times)?;
    let twice = total(program, name, 2 * times)?;
    Ok((twice as f64 - once as f64) / f64::from(times))
}

fn total(program: &Path, name: &str, times: u32) -> Result<u64> {
    let out = tempfile::NamedTempFile::new()?;
    let ran = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", out.path().display()))
        .arg(program)
        .args(["count", name, &times.to_string()])
        .output()?;
    if !ran.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&ran.stderr)).into());
    }
    let written = std::fs::read_to_string(out.path())?;
    Ok(total_of(&written).ok_or_else(|| format!("{name}: callgrind counted nothing"))?)
}

/// The sum in a file that callgrind wrote.
fn total_of(written: &str) -> Option<u64> {
    let line = written.lines().find_map(|line| line.strip_prefix("totals: "))?;
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Instructions, total_of};
    use std::collections::BTreeMap;

    fn instructions(commit: &str, operations: &[(&str, f64)]) -> Instructions {
        let operations = operations.iter().map(|(name, count)| ((*name).to_owned(), *count));
        let operations: BTreeMap<_, _> = operations.collect();
        let (compiler, target) = ("rustc 1.95.0".to_owned(), "x86_64-linux".to_owned());
        Instructions { commit: commit.to_owned(), compiler, target, operations }
    }

    #[test]
    fn the_sum_is_found() {
        let written = "version: 1\nevents: Ir\n\nfn=(1) main\n1 5\n\ntotals: 12345\n";
        assert_eq!(total_of(written), Some(12_345));
        assert_eq!(total_of("events: Ir\n"), None);
    }

    #[test]
    fn what_was_written_is_read_and_compared() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(Instructions::read(dir.path()).expect("a directory"), None);
        let before = instructions("a", &[("claim", 200.0)]);
        before.write(dir.path()).expect("a directory");
        assert_eq!(Instructions::read(dir.path()).expect("a report"), Some(before.clone()));
        let after = instructions("b", &[("claim", 100.0), ("settle", 50.0)]);
        let table = after.since(&before);
        for line in ["b against a", "| claim | 200 | 100 | 0.500 |", "| settle | | 50 | |"] {
            assert!(table.contains(line), "{line} in {table}");
        }
        assert!(after.markdown().contains("| claim | 100 |"), "{}", after.markdown());
    }
}
