//! P7: the memory that a task takes.

use super::{BODY, Populated, URL};
use crate::fault::Result;
use crate::report::{Figure, Round};
use serde_json::json;

/// Measures it.
pub(super) fn measure(populated: &Populated) -> Result<Figure> {
    let what = "resident bytes of the server for each pending task";
    let mut figure = Figure::new("P7", what, "450 at most, goal 350").against("bytes", "");
    let process = populated.server.process()?;
    let (tasks, empty) = (populated.tasks as f64, populated.resident_empty as f64);
    let (resident, most) = (process.resident_bytes()?, process.resident_bytes_max()?);
    figure.rounds.push(Round::alone((resident as f64 - empty) / tasks));
    figure.note("pending tasks", json!(populated.tasks));
    figure.note("bytes of a URL", json!(URL.len()));
    figure.note("bytes of a body", json!(BODY.len()));
    figure.note("resident bytes before the first task", empty);
    figure.note("resident bytes at rest", json!(resident));
    figure.note("resident bytes at most while it was filled", json!(most));
    figure.note("the same for each task", (most as f64 - empty) / tasks);
    figure.note("bytes in the server's directory", json!(populated.server.bytes_on_disk()?));
    figure.note("tasks/s created in batches", populated.filled);
    Ok(figure)
}
