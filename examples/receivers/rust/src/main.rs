//! Receives callbacks of xcron: asks who sent them, does each once, and none that is overtaken.
//!
//! `XCRON_HOOK_SECRET="whsec_..." cargo run -p xcron-example-receiver 127.0.0.1:9000 receiver.db`

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use sha2::Sha256;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

const TOLERANCE_SECONDS: u64 = 300;
const BODY_BYTES_MAX: usize = 64 * 1024;
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, done_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS fences (task TEXT PRIMARY KEY, fence INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS charges (run TEXT PRIMARY KEY, body BLOB NOT NULL);
";

type Answer = (StatusCode, String);

struct Receiver {
    keys: Vec<Vec<u8>>,
    db: Mutex<Connection>,
}

/// The value of a header, empty if there is none.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether one of the signatures is one of ours, and not an old one sent again.
fn is_signed(keys: &[Vec<u8>], headers: &HeaderMap, body: &[u8], now: u64) -> bool {
    let Ok(sent) = text(headers, "webhook-timestamp").parse::<u64>() else {
        return false;
    };
    let head = format!("{}.{sent}.", text(headers, "webhook-id"));
    let is_ours = |given: &str| {
        let given = given.strip_prefix("v1,").and_then(|given| STANDARD.decode(given).ok());
        let Some(given) = given else {
            return false;
        };
        keys.iter().any(|key| {
            let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any size");
            // It compares in constant time.
            mac.chain_update(&head).chain_update(body).verify_slice(&given).is_ok()
        })
    };
    now.abs_diff(sent) <= TOLERANCE_SECONDS
        && text(headers, "webhook-signature").split(' ').any(is_ours)
}

/// What is answered. What it remembers and what it does are one transaction.
fn accept(
    db: &mut Connection,
    run: &str,
    fence: i64,
    body: &[u8],
    now: u64,
) -> rusqlite::Result<Answer> {
    let task = run.split('@').next().unwrap_or_default();
    let db = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = db.query_row("SELECT 1 FROM runs WHERE run = ?", [run], |_| Ok(())).optional()?;
    if done.is_some() {
        return Ok((StatusCode::OK, "done before".to_owned()));
    }
    let newest = "SELECT fence FROM fences WHERE task = ?";
    let newest: Option<i64> = db.query_row(newest, [task], |row| row.get(0)).optional()?;
    if let Some(newest) = newest.filter(|newest| fence <= *newest) {
        let text = format!("fence {fence} is stale, {newest} was here");
        return Ok((StatusCode::CONFLICT, text));
    }
    db.execute("INSERT INTO runs VALUES (?, ?)", (run, now.cast_signed()))?;
    db.execute("INSERT OR REPLACE INTO fences VALUES (?, ?)", (task, fence))?;
    // The effect, in place of yours. If it fails, nothing of this has happened.
    db.execute("INSERT INTO charges VALUES (?, ?)", (run, body))?;
    db.commit()?;
    println!("charged {run}");
    Ok((StatusCode::OK, "done".to_owned()))
}

#[expect(clippy::disallowed_methods, reason = "a receiver has the clock of its machine only")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> Answer {
    let now = now();
    if !is_signed(&receiver.keys, &headers, &body, now) {
        let text = "not signed by xcron within the last five minutes";
        return (StatusCode::UNAUTHORIZED, text.to_owned());
    }
    let (run, fence) = (text(&headers, "idempotency-key"), text(&headers, "xcron-fence"));
    // Only webhook-id is signed.
    let Some(fence) = fence.parse().ok().filter(|_| run == text(&headers, "webhook-id")) else {
        let text = "idempotency-key is not webhook-id, or xcron-fence is no number";
        return (StatusCode::BAD_REQUEST, text.to_owned());
    };
    let mut db = receiver.db.lock().unwrap_or_else(PoisonError::into_inner);
    accept(&mut db, run, fence, &body, now)
        // Anything but 2xx is tried again.
        .unwrap_or_else(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path] = arguments.as_slice() else {
        return Err("expected an address and the path of a database".into());
    };
    let secrets = std::env::var("XCRON_HOOK_SECRET")?;
    let key = |secret: &str| STANDARD.decode(secret.trim_start_matches("whsec_"));
    let keys = secrets.split(' ').map(key).collect::<Result<_, _>>()?;
    let db = Connection::open(path)?;
    db.execute_batch(SCHEMA)?;
    let receiver = Arc::new(Receiver { keys, db: Mutex::new(db) });
    let routes = Router::new().fallback(receive).with_state(receiver);
    let routes = routes.layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}/", listener.local_addr()?);
    axum::serve(listener, routes).await?;
    Ok(())
}
