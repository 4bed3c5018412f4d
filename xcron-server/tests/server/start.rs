//! What a server that was just started answers.

use crate::api::Api;
use crate::process::Home;
use hyper::StatusCode;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn it_serves_with_no_configuration_in_an_empty_directory() {
    let home = Home::new();
    let server = home.start().await;
    let mut api = server.api().await;
    api.await_ready().await;
    assert_eq!(api.page("/healthz").await.0, StatusCode::OK);
    let mut monitor = Api::connect(server.monitor).await;
    assert_eq!(monitor.page("/healthz").await.0, StatusCode::OK);
    assert_eq!(monitor.page("/readyz").await.0, StatusCode::OK);
    let (status, metrics) = monitor.page("/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(metrics.lines().any(|line| line.starts_with("xcron_tasks{")), "{metrics}");
    assert_eq!(monitor.page("/xcron/queryTask?task_id=a").await.0, StatusCode::NOT_FOUND);
    assert!(home.path().join("data").is_dir());
    server.stop().await;
}

#[tokio::test]
async fn it_holds_the_peer_port_and_closes_every_connection() {
    let home = Home::new();
    let server = home.start().await;
    let mut peer = TcpStream::connect(server.peer).await.expect("the port is bound");
    let mut said = Vec::new();
    let read = peer.read_to_end(&mut said).await;
    assert!(said.is_empty(), "{read:?}");
    server.stop().await;
}
