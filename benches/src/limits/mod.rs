//! The bare loops that xcron is measured against: each does only what cannot be left out.

pub mod api;
pub mod dispatch;
pub mod load;
pub mod log;

#[cfg(test)]
mod tests {
    use super::{api::ApiLimit, dispatch, load, log};
    use crate::sink::Sink;
    use std::time::Duration;

    const BRIEFLY: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn each_limit_does_some_work_and_stops_by_itself() {
        let sink = Sink::start(0).expect("a sink");
        let posted = dispatch::measure(&sink, BRIEFLY).await.expect("posts");
        assert_eq!((posted.done, posted.refused), (sink.ledger().received(), 0));
        assert!(posted.rate() > 0.0);
        let api = ApiLimit::start().expect("a bare server");
        let created = api.measure(sink.address(), 1_800_000_000, BRIEFLY).await.expect("creates");
        assert!(created.done > 0 && created.refused == 0, "{:?}", created.first_refusal);
        let dir = tempfile::tempdir().expect("a directory");
        let logged = log::measure(dir.path(), 4_096, BRIEFLY).expect("a disk");
        assert!(logged.appends_per_second > 0.0);
        let read = dir.path().join("snapshot");
        std::fs::write(&read, "123456789").expect("a file");
        let loaded = load::measure(&read).expect("a disk");
        assert_eq!((loaded.bytes, loaded.crc), (9, 0xe306_9283), "the check value of CRC-32C");
        std::fs::remove_file(read).expect("a file");
        assert_eq!(std::fs::read_dir(dir.path()).expect("a directory").count(), 0);
    }
}
