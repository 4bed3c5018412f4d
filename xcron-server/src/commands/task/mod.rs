//! Everything about tasks.
//!
//! | part | does |
//! |---|---|
//! | `create`, with `fields` for its flags | one task from flags |
//! | `list`, `get` | what there is |
//! | `delete`, `change` | deletes; pauses, resumes and runs |
//! | `apply`, with `document`, `yaml` and `difference` | makes tasks be as a file says |
//! | `export` | writes such a file |
//! | `import`, with `crontab` for its lines | tasks from a crontab |
//! | `outcome` | what became of each of many tasks |

mod apply;
mod change;
mod create;
mod crontab;
mod delete;
mod difference;
mod document;
mod export;
mod fields;
mod get;
mod import;
mod list;
mod outcome;
mod yaml;

use super::failure::Failure;
use clap::Subcommand;
pub(super) use delete::delete_all;

/// What is to be done with tasks.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Task {
    /// Creates a task, and prints its id.
    ///
    /// The same task under the same --task-id is there once, however often it is created.
    Create(Box<create::Create>),
    /// Shows a task with its latest runs.
    Get(get::Get),
    /// Lists tasks in the order of their ids.
    List(list::List),
    /// Deletes tasks: no callback of them starts any more.
    Delete(delete::Delete),
    /// Pauses tasks: what becomes due meanwhile is recorded as skipped.
    Pause(change::Pause),
    /// Lets paused tasks go on.
    Resume(change::Resume),
    /// Runs a task once now, beside its schedule, and prints the id of the run.
    Run(change::Run),
    /// Makes tasks be as a file says: creates what is missing, updates what differs.
    ///
    /// The file is YAML or JSON: one task, a list of them, or `tasks:` with a list, each with the
    /// fields of createTask and a task_id. A field that is not there goes back to its default; only
    /// `paused` stays as it is.
    Apply(apply::Apply),
    /// Writes tasks as JSON, as `apply` reads it.
    Export(export::Export),
    /// Creates a task for each line of a crontab, which calls a URL with the line's command.
    ///
    /// The command of a line is sent as {"command": "..."}. CRON_TZ and TZ are honoured, other
    /// variables are not. Ids follow from what a line says, so that importing again changes
    /// nothing.
    ImportCrontab(import::ImportCrontab),
}

impl Task {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run().await,
            Self::Get(get) => get.run().await,
            Self::List(list) => list.run().await,
            Self::Delete(delete) => delete.run().await,
            Self::Pause(pause) => pause.run().await,
            Self::Resume(resume) => resume.run().await,
            Self::Run(run) => run.run().await,
            Self::Apply(apply) => apply.run().await,
            Self::Export(export) => export.run().await,
            Self::ImportCrontab(import) => import.run().await,
        }
    }
}
