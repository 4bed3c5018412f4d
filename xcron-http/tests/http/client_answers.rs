//! What the client makes of servers that are not there, not well, or not this one.

use crate::sink::{Act, Sink, reply};
use rcgen::generate_simple_self_signed;
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpListener;
use xcron_core::Effect;
use xcron_http::client::{Callback, Client, ClientError, NewTask, TaskQuery};
use xcron_http::{Port, Server, ServerSettings, ServerTls};

async fn asked(client: &Client) -> ClientError {
    client.list_tasks(&TaskQuery::default()).await.unwrap_err()
}

/// What a client says of a server that sends this.
async fn told(bytes: Vec<u8>) -> ClientError {
    let sink = Sink::start(Act::SayAndClose(bytes)).await;
    asked(&Client::new(&sink.url()).unwrap()).await
}

#[tokio::test]
async fn nobody_there_is_told_from_nobody_who_answers() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = asked(&Client::new(&format!("http://{free}")).unwrap()).await;
    let said = error.to_string();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{said}");
    let expected = format!("cannot connect to http://{free}/: Connection refused");
    assert!(
        said.starts_with(&expected) && said.ends_with("is the server running there?"),
        "{said}"
    );

    let silent = Sink::start(Act::SayAndHang(Vec::new())).await;
    let client = Client::new(&silent.url()).unwrap().with_timeout(Duration::from_millis(50));
    let error = asked(&client).await;
    assert!(matches!(error, ClientError::Unanswered { .. }), "{error}");
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec();
    let slow = Sink::start(Act::SayAndHang(begun.clone())).await;
    let client = Client::new(&slow.url()).unwrap().with_timeout(Duration::from_millis(50));
    let error = asked(&client).await;
    assert!(matches!(error, ClientError::Unanswered { .. }), "{error}");
    let error = told(begun).await;
    assert!(matches!(error, ClientError::Unanswered { .. }), "cut off: {error}");
    assert!(matches!(told(Vec::new()).await, ClientError::Unanswered { .. }));
}

#[tokio::test]
async fn an_answer_of_somebody_else_is_not_understood() {
    for (status, body, expected) in [
        ("502 Bad Gateway", "<html>", "502 Bad Gateway, no envelope: expected value"),
        ("302 Found", "", "302 Found, no envelope: EOF"),
        ("200 OK", "[]", "200 OK, no envelope: "),
        ("200 OK", "{\"code\": 0}", "200 OK, no envelope: missing field `uuid`"),
        (
            "200 OK",
            "{\"uuid\": \"u\", \"code\": 0, \"data\": {\"tasks\": 5}}",
            "200 OK, data: invalid type: integer `5`, expected a sequence",
        ),
        ("200 OK", "{\"uuid\": \"u\", \"code\": 0}", "200 OK, data: missing field `tasks`"),
    ] {
        let error = told(reply(status, "location: http://127.0.0.1:9/\r\n", body)).await;
        let ClientError::NotUnderstood { url, problem } = &error else { panic!("{error}") };
        assert!(url.starts_with("http://127.0.0.1:") && problem.starts_with(expected), "{error}");
    }
    assert!(!matches!(told(b"hello\r\n\r\n".to_vec()).await, ClientError::Refused(_)));
}

#[tokio::test]
async fn fields_that_a_newer_server_adds_are_no_harm() {
    let data = json!({"tasks": [], "next_cursor": null, "mood": "good"});
    let body = json!({"uuid": "u", "code": 0, "data": data, "more": true}).to_string();
    let sink = Sink::start(Act::Say(reply("200 OK", "", &body))).await;
    let client = Client::new(&sink.url()).unwrap();
    assert!(client.list_tasks(&TaskQuery::default()).await.unwrap().tasks.is_empty());
}

#[tokio::test]
async fn an_answer_has_a_limit() {
    let body = json!({"uuid": "u", "code": 0, "data": {"tasks": [], "next_cursor": null}});
    let body = body.to_string();
    let sink = Sink::start(Act::Say(reply("200 OK", "", &body))).await;
    let client = |max| Client::new(&sink.url()).unwrap().with_answer_bytes_max(max);
    assert!(client(body.len()).list_tasks(&TaskQuery::default()).await.is_ok());
    let error = asked(&client(body.len() - 1)).await;
    let expected = format!("it is longer than {} bytes", body.len() - 1);
    assert!(matches!(&error, ClientError::NotUnderstood { problem, .. } if *problem == expected));
    let flood = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_vec();
    let flood = Sink::start(Act::Flood(flood)).await;
    let client = Client::new(&flood.url()).unwrap().with_answer_bytes_max(100_000);
    assert!(matches!(asked(&client).await, ClientError::NotUnderstood { .. }));
    flood.closed(1).await;
}

#[tokio::test]
async fn a_refusal_says_what_became_of_a_write_and_when_to_ask_again() {
    let refusal = |code: u16, data: &str| {
        let body =
            format!("{{\"uuid\":\"u-1\",\"code\":{code},\"message\":\"why\",\"data\":{data}}}");
        reply("503 Service Unavailable", "retry-after: 7\r\n", &body)
    };
    for (data, effect) in [
        ("{}", None),
        ("{\"effect\":\"none\"}", Some(Effect::None)),
        ("{\"effect\":\"unknown\"}", Some(Effect::Unknown)),
        ("{\"effect\":\"something new\"}", Some(Effect::Unknown)),
    ] {
        let sink = Sink::start(Act::Say(refusal(1503, data))).await;
        let task = NewTask::periodic("@daily", Callback::new("http://127.0.0.1:9/"));
        let error = Client::new(&sink.url()).unwrap().create_task(&task).await.unwrap_err();
        let ClientError::Refused(refused) = error else { panic!("{error}") };
        assert_eq!((refused.code, refused.effect), (1503, effect));
        assert_eq!(refused.retry_after, Some(Duration::from_secs(7)));
        assert_eq!((refused.message.as_str(), refused.request_id.as_str()), ("why", "u-1"));
    }
}

#[tokio::test]
async fn results_that_are_not_one_for_each_are_not_understood() {
    let body = json!({"uuid": "u", "code": 0, "data": {"results": []}}).to_string();
    let sink = Sink::start(Act::Say(reply("200 OK", "", &body))).await;
    let client = Client::new(&sink.url()).unwrap();
    let error = client.delete_tasks(&["a".to_owned()]).await.unwrap_err();
    assert!(matches!(&error, ClientError::NotUnderstood { .. }), "{error}");
}

#[tokio::test]
async fn a_page_is_no_backup() {
    let sink = Sink::start(Act::Say(reply("200 OK", "content-type: text/html\r\n", "<p>"))).await;
    let client = Client::new(&sink.url()).unwrap();
    let error = client.backup().await.unwrap().chunk().await.unwrap_err();
    assert!(matches!(&error, ClientError::NotUnderstood { .. }), "{error}");
}

#[tokio::test]
async fn only_a_trusted_certificate_is_spoken_to() {
    let certificate = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (certificate.cert.pem(), certificate.signing_key.serialize_pem());
    let tls = ServerTls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let port = Port::take("127.0.0.1:0".parse().unwrap()).unwrap();
    let router = axum::Router::new().fallback(|| async {
        "{\"uuid\":\"u\",\"code\":0,\"data\":{\"tasks\":[],\"next_cursor\":null}}"
    });
    let server = Server::listen(port, router, ServerSettings::default()).unwrap().with_tls(tls);
    let port = server.local_addr().port();
    let serving = tokio::spawn(server.run(std::future::pending::<()>()));
    let client = |host: &str| Client::new(&format!("https://{host}:{port}")).unwrap();
    let trusting = client("localhost").with_root_certificates(chain.as_bytes()).unwrap();
    assert!(trusting.list_tasks(&TaskQuery::default()).await.is_ok());
    let stranger = asked(&client("localhost")).await;
    assert!(stranger.to_string().contains("TLS: invalid peer certificate"), "{stranger}");
    let other = client("127.0.0.1").with_root_certificates(chain.as_bytes()).unwrap();
    assert!(asked(&other).await.to_string().contains("TLS: invalid peer certificate"));
    for bad in
        [&b""[..], b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        let refused = client("localhost").with_root_certificates(bad).unwrap_err();
        assert!(refused.to_string().starts_with("the root certificates cannot be used"));
    }
    serving.abort();
}
