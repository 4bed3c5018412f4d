//! Watches over the database: what other stores change, and which of them have ended.

use super::failure::Failure;
use super::view::{View, Views};
use super::{life, session};
use postgres::fallible_iterator::FallibleIterator;
use postgres::{Client, Config};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How often a store looks for lives that ended, which nobody tells it of.
pub const POLL: Duration = Duration::from_millis(200);

/// Keeps `views` up to date, on a connection and a thread of its own, until `is_over`; which it is
/// once that connection is lost.
pub(crate) fn begin(
    config: &Config,
    schema: &str,
    own: i32,
    views: &Arc<Views>,
    is_over: &Arc<AtomicBool>,
) -> Result<(), Failure> {
    let (config, schema) = (config.clone(), schema.to_owned());
    let (views, is_over) = (Arc::clone(views), Arc::clone(is_over));
    let (begun, beginning) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let connected = session::connect(&config, &schema).and_then(|mut client| {
            client.batch_execute(&format!("LISTEN {schema}"))?;
            look(&mut client, own, &views)?;
            Ok(client)
        });
        let mut client = match connected {
            Ok(client) => client,
            Err(failure) => return drop(begun.send(Err(failure))),
        };
        drop(begun.send(Ok(())));
        while !is_over.load(Ordering::Acquire) {
            let watched = wait(&mut client).and_then(|()| look(&mut client, own, &views));
            // A statement that was cut short is tried again; a lost connection is the end.
            if watched.is_err() && client.is_closed() {
                is_over.store(true, Ordering::Release);
            }
        }
        views.wake();
    });
    beginning.recv().unwrap_or(Err(Failure::Over))
}

/// Until something was changed, or it is time to look anyway.
fn wait(client: &mut Client) -> Result<(), Failure> {
    client.notifications().timeout_iter(POLL).next()?;
    // One look is for all that came so far.
    let mut notifications = client.notifications();
    while notifications.iter().next()?.is_some() {}
    Ok(())
}

fn look(client: &mut Client, own: i32, views: &Views) -> Result<(), Failure> {
    life::bury_others(client, own)?;
    views.put(View::read(client)?);
    Ok(())
}
