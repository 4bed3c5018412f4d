//! Which server is asked and what it is shown: nobody there, strangers, tokens and certificates.

use super::{User, start};
use crate::process::Home;
use rcgen::generate_simple_self_signed;
use std::net::TcpListener;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn nobody_there_is_said_with_the_cure() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("one");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let user = User::of(folder.path(), free);
    for words in [&["task", "list"][..], &["backup"], &["task", "delete", "a", "b"], &["audit"]] {
        let said = user.types(words).await;
        let url = format!("cannot connect to http://{free}/: Connection refused");
        said.refused(1, &[&url, "is the server running there?", "--server or XCRON_SERVER_URL"]);
    }
    for (url, expected) in [
        ("127.0.0.1:8000", "is no URL of a server"),
        ("ftp://a", "neither http:// nor https://"),
        ("http://me:you@a", "a user name or a password"),
    ] {
        let said = user.types(&["task", "list", "--server", url]).await;
        said.refused(2, &["--server or XCRON_SERVER_URL: ", expected]);
    }
    let said = user.types(&["task", "list", "--conf", "xcron.toml"]).await;
    said.refused(2, &["--conf and --set are for the server itself"]);
}

#[tokio::test]
async fn somebody_else_is_not_understood() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let answering = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let read = stream.read(&mut [0; 4_096]).await.expect("a request");
            assert!(read > 0);
            let answer = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>";
            stream.write_all(answer).await.expect("a reader");
        }
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let said = User::of(folder.path(), address).types(&["task", "list"]).await;
    said.refused(1, &["is not understood: 502 Bad Gateway, no envelope"]);
    answering.abort();
}

#[tokio::test]
async fn a_token_comes_from_the_environment_and_is_never_shown() {
    let tokens = r#"[{ name = "r", token_env = "XCRON_R", role = "read" }]"#;
    let token = "0123456789abcdef0123456789abcdef";
    let home = Home::new().with("XCRON_AUTH__TOKENS", tokens).with("XCRON_R", token);
    let server = home.start().await;
    server.api().await.await_ready().await;
    let user = || User::of(home.path(), server.http);
    let cure = "set XCRON_TOKEN to a token of this server";
    user().types(&["task", "list"]).await.refused(1, &["(code 1401)", cure]);
    let wrong = user().with("XCRON_TOKEN", "wrong-wrong-wrong-wrong");
    wrong.types(&["task", "list"]).await.refused(1, &["(code 1401)", cure]);
    let reader = user().with("XCRON_TOKEN", token);
    assert_eq!(reader.types(&["task", "list"]).await.code, Some(0));
    let said = reader.types(&["task", "delete", "a"]).await;
    said.refused(1, &["(code 1403)", "a token of a higher role"]);
    assert!(!reader.gets(&["task", "list", "--help"]).await.contains(token));
    let bad = user().with("XCRON_TOKEN", "a b");
    bad.types(&["task", "list"]).await.refused(2, &["XCRON_TOKEN: the token holds a blank"]);
    server.stop().await;
}

#[tokio::test]
async fn a_certificate_is_trusted_by_its_file() {
    let home = Home::new().with("XCRON_TLS__CERT", "cert.pem").with("XCRON_TLS__KEY", "key.pem");
    let certificate = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let write = |name: &str, text: String| std::fs::write(home.path().join(name), text);
    write("cert.pem", certificate.cert.pem()).expect("writing a file");
    write("key.pem", certificate.signing_key.serialize_pem()).expect("writing a file");
    let server = home.start().await;
    let url = format!("https://localhost:{}", server.http.port());
    let user = User::of(home.path(), server.http).with("XCRON_SERVER_URL", &url);
    user.types(&["task", "list"]).await.refused(1, &["TLS: invalid peer certificate"]);
    let trusting = user.with("XCRON_CA_FILE", "cert.pem");
    assert_eq!(trusting.types(&["cluster", "status"]).await.code, Some(0));
    let absent = trusting.with("XCRON_CA_FILE", "absent.pem");
    absent.types(&["task", "list"]).await.refused(2, &["--ca-file", "absent.pem: No such file"]);
    let key = absent.with("XCRON_CA_FILE", "key.pem");
    key.types(&["task", "list"]).await.refused(2, &["the root certificates cannot be used"]);
    server.stop().await;
}

#[tokio::test]
async fn what_the_command_line_reads_does_not_disturb_the_server() {
    let home = Home::new()
        .with("XCRON_SERVER_URL", "http://127.0.0.1:1")
        .with("XCRON_TOKEN", "0123456789abcdef")
        .with("XCRON_CA_FILE", "absent");
    home.start().await.stop().await;
    let (_home, server, user) = start().await;
    let url = user.env[0].1.clone();
    let named = user.with("XCRON_SERVER_URL", "http://127.0.0.1:1");
    let said = named.types(&["task", "list", "--server", &url]).await;
    assert_eq!(said.code, Some(0), "the flag wins: {said:?}");
    server.stop().await;
}
