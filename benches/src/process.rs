//! What the kernel says about a process: its memory, and the time that it was given.

use crate::fault::Result;
use std::time::Duration;

/// How long a tick of the kernel's accounts is; fixed for programs, whatever it is inside.
const TICK: Duration = Duration::from_millis(10);

/// A process by its number.
#[derive(Clone, Copy, Debug)]
pub struct Process(pub u32);

impl Process {
    /// Its resident memory.
    ///
    /// # Errors
    /// When it has ended.
    pub fn resident_bytes(self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0))?;
        Ok(kibibytes(&status, "VmRSS:").ok_or("the kernel names no resident memory")? * 1_024)
    }

    /// The most that its resident memory was.
    ///
    /// # Errors
    /// When it has ended.
    pub fn resident_bytes_max(self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0))?;
        Ok(kibibytes(&status, "VmHWM:").ok_or("the kernel names no peak of memory")? * 1_024)
    }

    /// The time of processors that it took so far.
    ///
    /// # Errors
    /// When it has ended.
    pub fn processor_time(self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        Ok(TICK * ticks(&stat).ok_or("the kernel names no time of processors")?)
    }
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The ticks in user mode and in the kernel: the 14th and 15th field. The 2nd is the name in
/// parentheses, which may hold anything.
fn ticks(stat: &str) -> Option<u32> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ').skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    user.checked_add(fields.next()?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::{Process, kibibytes, ticks};

    #[test]
    fn what_the_kernel_writes_is_read() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 1 1 1\n";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("42 (a"), None);
        let status = "VmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(kibibytes(status, "VmRSS:"), Some(1_024));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
    }

    #[test]
    fn this_process_has_memory() {
        let own = Process(std::process::id());
        let resident = own.resident_bytes().expect("this process lives");
        assert!((1..=own.resident_bytes_max().expect("it does")).contains(&resident));
        own.processor_time().expect("it does");
    }
}
