//! The dashboard below a path of a proxy.

use crate::api::every_second;
use crate::browser::Browser;
use crate::process::{Home, Server};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::{TcpListener, TcpStream};

const BELOW: &str = "/ops/xcron";

/// A proxy that shows what is at `to` below [`BELOW`], and nothing else.
async fn proxy(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let pass = service_fn(move |request| pass(to, request));
                drop(http1::Builder::new().serve_connection(TokioIo::new(stream), pass).await);
            });
        }
    });
    address
}

async fn pass(to: SocketAddr, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let asked = head.uri.to_string();
    let Some(path) = asked.strip_prefix(BELOW).filter(|path| path.starts_with('/')) else {
        let mut refused = Response::new(Full::default());
        *refused.status_mut() = StatusCode::NOT_FOUND;
        return Ok(refused);
    };
    head.uri = path.parse().map_err(io::Error::other)?;
    let stream = TcpStream::connect(to).await?;
    let (mut sender, driver) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(async move { drop(driver.await) });
    let request = Request::from_parts(head, Full::new(body));
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Response::from_parts(head, Full::new(body)))
}

async fn begin(server: &Server) {
    server.api().await.create(every_second("beat", "http://127.0.0.1:9/")).await;
}

#[tokio::test]
async fn below_a_path_of_a_proxy_all_of_it_works() {
    let Some(mut browser) = Browser::open("below a path").await else { return };
    let home = Home::new();
    let server = home.start().await;
    begin(&server).await;
    let origin = format!("http://{}{BELOW}/", proxy(server.http).await);
    browser.go(&origin).await;
    browser.see("beat").await;
    browser.press("Tasks").await;
    // The page before has a "beat" too.
    browser.until("the tasks", "document.querySelector('.page-tasks [role=row] a')").await;
    browser.press("beat").await;
    browser.press("Pause").await;
    browser.press("Pause").await;
    browser.until("its state", "document.querySelector('.badge.hold')").await;
    browser.assert_clean(&origin);
    server.stop().await;
}
