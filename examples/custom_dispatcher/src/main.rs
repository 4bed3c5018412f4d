//! A dispatcher of one's own: callbacks go to files, bad ones are refused at create, and an
//! attempt that failed is made again by the retry policy of its task.

mod ledger;

use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::executor::block_on;
use ledger::LedgerDispatcher;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::{env, fs, process};
use xcron_core::{Callback, Clock, Consistency, CreateError, Event, MemoryStore, NewTask};
use xcron_core::{Observer, RunEnd, Schedule, Scheduler, SystemClock, TaskDefinition, TaskId};

/// What the observer tells this program.
#[derive(Clone, Copy, Debug)]
enum News {
    Retried,
    Ended,
}

/// Watches the engine; it must not block, so it only passes on.
#[derive(Debug)]
struct Watch(UnboundedSender<News>);

impl Observer for Watch {
    fn observe(&self, event: &Event<'_>) {
        let news = match event {
            Event::Retried { attempt, error, .. } => {
                println!("attempt {attempt} failed: {}", error.unwrap_or("no reason given"));
                News::Retried
            }
            Event::Ended { run, end, .. } => {
                println!("{run} {}", end.as_str());
                News::Ended
            }
            _ => return,
        };
        // Nobody listens any more once the example is over.
        let _over = self.0.unbounded_send(news);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("xcron-ledgers-{}", process::id()));
    let shown = block_on(show(&folder));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    shown
}

async fn show(folder: &Path) -> Result<(), Box<dyn Error>> {
    let (sender, news) = unbounded();
    let dispatcher = Arc::new(LedgerDispatcher::new(folder.to_owned()));
    let scheduler = Scheduler::builder(Arc::new(MemoryStore::new()), dispatcher)
        .observer(Arc::new(Watch(sender)))
        .build();

    match scheduler.create(invoice("ledger:../elsewhere")?).await {
        Err(CreateError::Callback(error)) => println!("refused: {error}"),
        other => return Err(format!("expected a refusal, got {other:?}").into()),
    }

    let task = invoice("ledger:invoices")?;
    let id = task.id.clone();
    scheduler.create(task).await?;
    scheduler.run(repair(folder, news)).await?;

    let found = scheduler.get(&id, Consistency::Linearizable).await?.ok_or("the task is gone")?;
    let run = found.history.first().ok_or("no run is remembered")?;
    let written = fs::read_to_string(folder.join("invoices"))?;
    print!("the ledger says: {written}");
    let once = written.lines().count() == 1 && written.ends_with(" attempt 2\n");
    if run.end != RunEnd::Succeeded || run.attempts != 2 || !once {
        return Err(format!("expected one line by the second attempt, got {run:?}").into());
    }
    Ok(())
}

/// A one-shot that is due now, in the ledger that `url` names.
fn invoice(url: &str) -> Result<NewTask, Box<dyn Error>> {
    let now = Schedule::Once(SystemClock::new().now());
    let definition = TaskDefinition::new(now, Callback::new(url));
    Ok(NewTask::new(TaskId::parse("invoice-7")?, definition))
}

/// Makes the missing folder after the first failure; resolves when the run has ended.
async fn repair(folder: &Path, mut news: UnboundedReceiver<News>) {
    while let Some(news) = news.next().await {
        match news {
            News::Retried => match fs::create_dir_all(folder) {
                Ok(()) => println!("the folder exists now"),
                Err(error) => println!("{}: {error}", folder.display()),
            },
            News::Ended => return,
        }
    }
}
