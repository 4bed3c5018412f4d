//! The targets of callbacks, one port for each manner of answering: what arrives is written down.

use crate::clocks::Clocks;
use crate::manner::Manner;
use crate::recorder::{Recorder, now_us};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use xcron_checker::Receipt;

/// How much of a request is read.
const REQUEST_MAX: usize = 128 * 1024;

/// How long a target that never answers keeps a connection.
const HELD_MAX: Duration = Duration::from_secs(60);

/// How much of a long answer is written before it counts as given.
const LONG_GIVEN: usize = 128 * 1024;

/// The most of it that is written.
const LONG_MAX: usize = 16 << 20;

/// The addresses of all targets.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    ports: BTreeMap<Manner, SocketAddr>,
}

/// What the connections share.
#[derive(Debug)]
struct Desk {
    recorder: Recorder,
    clocks: Clocks,
    /// The nodes by the addresses that they call from.
    senders: BTreeMap<IpAddr, usize>,
    calls: AtomicU64,
}

impl Sink {
    /// Targets at `address`; nodes call from `senders`, where that tells them apart.
    pub(crate) async fn open(
        address: Ipv4Addr,
        senders: &[IpAddr],
        recorder: &Recorder,
        clocks: &Clocks,
    ) -> Self {
        let senders = senders.iter().copied().zip(0..).collect();
        let (recorder, clocks) = (recorder.clone(), clocks.clone());
        let desk = Arc::new(Desk { recorder, clocks, senders, calls: AtomicU64::new(0) });
        let mut ports = BTreeMap::new();
        for manner in Manner::ALL {
            let listener = TcpListener::bind((address, 0)).await.expect("a free port");
            ports.insert(manner, listener.local_addr().expect("an address"));
            if manner != Manner::Dead {
                tokio::spawn(accept(listener, manner, Arc::clone(&desk)));
            }
        }
        Self { ports }
    }

    /// Where a callback is answered so.
    pub(crate) fn url(&self, manner: Manner) -> String {
        format!("http://{}/{}", self.ports[&manner], format!("{manner:?}").to_lowercase())
    }
}

async fn accept(listener: TcpListener, manner: Manner, desk: Arc<Desk>) {
    loop {
        // An attempt that could not be accepted is one that was not received.
        let Ok((stream, from)) = listener.accept().await else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        tokio::spawn(serve(stream, from, manner, Arc::clone(&desk)));
    }
}

async fn serve(mut stream: TcpStream, from: SocketAddr, manner: Manner, desk: Arc<Desk>) {
    drop(stream.set_nodelay(true));
    if manner == Manner::Abrupt {
        return reset(stream);
    }
    while let Some((at_us, head)) = timeout(HELD_MAX, request(&mut stream)).await.ok().flatten() {
        let Some(receipt) = desk.receipt(&head, from, at_us, manner) else { return };
        match manner {
            Manner::Hang => {
                desk.recorder.push(receipt);
                return sleep(HELD_MAX).await;
            }
            Manner::Trickle => {
                desk.recorder.push(receipt);
                return trickle(&mut stream, manner.head().unwrap_or_default().as_bytes()).await;
            }
            Manner::Reset => {
                desk.recorder.push(receipt);
                return reset(stream);
            }
            _ => {}
        }
        let receipt = desk.answer(&mut stream, manner, receipt).await;
        let goes_on = receipt.answered_us.is_some() && manner != Manner::Long;
        desk.recorder.push(receipt);
        if !goes_on {
            return;
        }
    }
}

/// Ends a connection as a crash would.
fn reset(stream: TcpStream) {
    drop(stream.set_zero_linger());
    drop(stream);
}

/// Reads a request: when its first byte was there, and its head.
async fn request(stream: &mut TcpStream) -> Option<(i64, String)> {
    let mut bytes = vec![0; 4_096];
    let mut filled = stream.read(&mut bytes).await.ok().filter(|read| *read > 0)?;
    let at_us = now_us();
    loop {
        let text = String::from_utf8_lossy(&bytes[..filled]);
        if let Some(end) = text.find("\r\n\r\n") {
            let head = text[..end].to_owned();
            let body: usize = field(&head, "content-length").and_then(|n| n.parse().ok())?;
            if filled >= end + 4 + body {
                return Some((at_us, head));
            }
        }
        if filled == bytes.len() {
            bytes.resize((2 * filled).min(REQUEST_MAX), 0);
        }
        let read = stream.read(&mut bytes[filled..]).await.ok().filter(|read| *read > 0)?;
        filled += read;
    }
}

/// The value of a header.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let is_named = |line: &&str| {
        line.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
            && line[name.len()..].starts_with(':')
    };
    head.lines().find(is_named).map(|line| line[name.len() + 1..].trim())
}

impl Desk {
    /// What arrived, not answered yet.
    fn receipt(&self, head: &str, from: SocketAddr, at_us: i64, manner: Manner) -> Option<Receipt> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let number = |name: &str| field(head, name).and_then(|text| text.parse::<u64>().ok());
        let read = || {
            let scheduled = i64::try_from(number("xcron-scheduled-time")?).ok()?;
            let (task, run) = (field(head, "xcron-task-id")?, field(head, "xcron-run-id")?);
            let receipt = Receipt::new(task, run, scheduled, at_us);
            let attempt = u32::try_from(number("xcron-attempt")?).ok()?;
            Some(receipt.attempt(attempt).fence(number("xcron-fence")?))
        };
        let Some(mut receipt) = read() else {
            self.recorder.wrong(format!("a callback without its headers: {head}"));
            return None;
        };
        if field(head, "idempotency-key") != Some(&receipt.run) {
            self.recorder.wrong(format!("another idempotency-key than the run: {head}"));
        }
        receipt.answer = manner.word().to_owned();
        if let Some(&place) = self.senders.get(&from.ip()) {
            receipt.node = Some(place as u64 + 1);
            receipt.sender_clock_us = Some(self.clocks.shown_us(place, at_us));
        }
        Some(receipt)
    }

    /// Does what the manner says.
    async fn answer(
        &self,
        stream: &mut TcpStream,
        manner: Manner,
        mut receipt: Receipt,
    ) -> Receipt {
        let Some(head) = manner.head() else { return receipt };
        if manner == Manner::Slow {
            // Another time for each run, but the same at each repetition.
            let millis = 100 + receipt.scheduled_s.unsigned_abs() * 37 % 700;
            sleep(Duration::from_millis(millis)).await;
        }
        if manner == Manner::Busy {
            receipt.retry_after_s = Some(1);
        }
        let mut given = stream.write_all(head.as_bytes()).await.is_ok();
        if manner == Manner::Long {
            given = given && long(stream).await >= LONG_GIVEN;
        }
        receipt.answered_us = given.then(now_us);
        receipt
    }
}

/// Writes a byte a second until nobody reads any more.
async fn trickle(stream: &mut TcpStream, head: &[u8]) {
    for byte in head {
        if stream.write_all(&[*byte]).await.is_err() {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Writes until nobody reads any more; how much.
async fn long(stream: &mut TcpStream) -> usize {
    let part = vec![b'x'; 64 * 1024];
    let mut written = 0;
    while written < LONG_MAX {
        match timeout(Duration::from_secs(5), stream.write_all(&part)).await {
            Ok(Ok(())) => written += part.len(),
            Ok(Err(_)) | Err(_) => break,
        }
    }
    written
}
