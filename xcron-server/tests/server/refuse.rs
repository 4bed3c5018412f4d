//! Starts that fail: one plain line on stderr that names the cure, and exit code 1.

use crate::process::Home;
use std::net::TcpListener;

async fn assert_refused(home: &Home, expected: &[&str]) {
    let (code, said) = home.fail().await;
    assert_eq!(code, Some(1), "{said}");
    // Beside it there may be logs, which are JSON.
    let plain = said.lines().filter(|line| !line.starts_with('{'));
    assert_eq!(plain.count(), 1, "more than one plain line: {said}");
    for words in expected {
        assert!(said.contains(words), "{words:?} is not in {said:?}");
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_is_refused() {
    let home = Home::new();
    let server = home.start().await;
    assert_refused(&home, &["raft_dir", "is in use by another process", "choose another"]).await;
    server.api().await.await_ready().await;
    server.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    let cases = [
        ("XCRON_HTTP_PORT", "http_port"),
        ("XCRON_MONITOR_PORT", "monitor_port"),
        ("XCRON_PEER_PORT", "peer_port"),
    ];
    for (variable, key) in cases {
        let home = Home::new().with(variable, port);
        let address = format!("127.0.0.1:{port}");
        assert_refused(&home, &[key, &address, "is in use", "choose another"]).await;
        assert!(!home.path().join("data").exists(), "{key}: refused before any data is touched");
    }
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused() {
    let home =
        Home::new().with("XCRON_HOST", "192.0.2.1").with("XCRON_AUTH__ALLOW_ANONYMOUS", "true");
    assert_refused(&home, &["host", "192.0.2.1", "not an address of this machine"]).await;
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_refused() {
    let home = Home::new().with("XCRON_RAFT_DIR", "/proc/xcron");
    assert_refused(&home, &["raft_dir", "/proc/xcron", "cannot create", "choose another"]).await;
}

#[tokio::test]
async fn a_file_where_the_directory_should_be_is_refused() {
    let home = Home::new();
    std::fs::write(home.path().join("data"), "not a directory").expect("writing a file");
    assert_refused(&home, &["raft_dir", "./data/", "cannot create", "choose another"]).await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_shown_is_refused() {
    let home = Home::new().with("XCRON_TLS__CERT", "cert.pem").with("XCRON_TLS__KEY", "key.pem");
    assert_refused(&home, &["tls.cert: cert.pem: cannot be read: No such file"]).await;
    let write = |name: &str, text: &str| {
        std::fs::write(home.path().join(name), text).expect("writing a file");
    };
    write("cert.pem", "no certificate");
    assert_refused(&home, &["tls.cert: cert.pem: is no PEM file"]).await;
    write("cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_refused(&home, &["tls.key: key.pem: cannot be read"]).await;
    write("key.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_refused(&home, &["tls.cert: cert.pem: cannot be used with tls.key: the key"]).await;
    assert!(!home.path().join("data").exists(), "refused before any data is touched");
}
