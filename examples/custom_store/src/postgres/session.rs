//! A connection with a thread of its own, on which jobs are done one by one.
//!
//! So the engine waits for a commit without blocking, whatever runtime it is on or none; and what
//! it asks in passing blocks it no longer than [`ANSWER_MAX`].

use super::failure::Failure;
use futures::channel::oneshot;
use postgres::{Client, Config, NoTls};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

/// How long a question in passing, or connecting, may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// How long the network may keep silent before a connection counts as lost.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// What each connection sets: times after which the server gives up on a statement, on somebody
/// else's lock, and on a client that vanished or fell asleep within a transaction, so that nobody
/// waits for it; and that a commit is acknowledged when it is on disk.
const SETTINGS: &str = "
    SET default_transaction_isolation = 'read committed';
    SET statement_timeout = '10s';
    SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '10s';
    SET tcp_keepalives_idle = 5;
    SET tcp_keepalives_interval = 2;
    SET tcp_keepalives_count = 3;
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') IN ('off', 'local');
";

type Job = Box<dyn FnOnce(&mut Client) + Send>;

/// A connection; dropped, it is closed once it has done what it was asked.
#[derive(Debug)]
pub(crate) struct Session {
    jobs: Sender<Job>,
    is_over: Arc<AtomicBool>,
}

impl Session {
    /// Connects, in the schema `schema`. `is_over` is set when the connection is lost.
    pub(crate) fn open(
        config: &Config,
        schema: &str,
        is_over: &Arc<AtomicBool>,
    ) -> Result<Self, Failure> {
        let (jobs, todo) = mpsc::channel::<Job>();
        let (opened, opening) = mpsc::channel();
        let (config, schema, over) = (config.clone(), schema.to_owned(), Arc::clone(is_over));
        thread::spawn(move || {
            let mut client = match connect(&config, &schema) {
                Ok(client) => client,
                Err(failure) => return drop(opened.send(Err(failure))),
            };
            drop(opened.send(Ok(())));
            for job in todo {
                job(&mut client);
                if client.is_closed() {
                    over.store(true, Ordering::Release);
                    return;
                }
            }
        });
        opening.recv_timeout(ANSWER_MAX).map_err(|_silent| Failure::Over)??;
        Ok(Self { jobs, is_over: Arc::clone(is_over) })
    }

    /// What `job` comes to.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Client) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        // Whoever asked may have left meanwhile; the job is done all the same.
        self.put(move |client| drop(answer.send(job(client))))?;
        answered.await.unwrap_or(Err(Failure::Over))
    }

    /// What `job` comes to; blocks. A connection that is silent for too long is over.
    pub(crate) fn ask_now<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Client) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = mpsc::channel();
        self.put(move |client| drop(answer.send(job(client))))?;
        answered.recv_timeout(ANSWER_MAX).unwrap_or_else(|_silent| {
            self.is_over.store(true, Ordering::Release);
            Err(Failure::Over)
        })
    }

    fn put(&self, job: impl FnOnce(&mut Client) + Send + 'static) -> Result<(), Failure> {
        if self.is_over.load(Ordering::Acquire) {
            return Err(Failure::Over);
        }
        self.jobs.send(Box::new(job)).map_err(|_ended| Failure::Over)
    }
}

/// Connects, in the schema `schema`.
pub(crate) fn connect(config: &Config, schema: &str) -> Result<Client, Failure> {
    let mut config = config.clone();
    config.application_name("xcron").connect_timeout(ANSWER_MAX);
    config.keepalives_idle(SILENCE_MAX / 2).tcp_user_timeout(SILENCE_MAX);
    let mut client = config.connect(NoTls)?;
    client.batch_execute(SETTINGS)?;
    client.batch_execute(&format!("SET search_path = {schema}"))?;
    Ok(client)
}
