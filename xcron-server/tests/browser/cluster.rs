//! Three nodes, seen from one of them while another comes to lead.

use crate::browser::Browser;
use crate::ports::free_port;
use crate::process::Home;
use serde_json::json;

const LEADER: &str = "[...document.querySelectorAll('.node')].find((node) => \
                      node.querySelector('.badge.accent'))?.querySelector('h2').innerText";

#[tokio::test]
async fn another_node_is_seen_to_lead_when_it_is_asked_to_and_when_the_leader_dies() {
    let Some(mut browser) = Browser::open("a change of leader").await else { return };
    let ports = [free_port(), free_port(), free_port()];
    let hosts = json!(ports.map(|port| format!("127.0.0.1:{port}")));
    let homes = ports.map(|port| {
        Home::new().with("XCRON_PEER_PORT", port).with("XCRON_PEER__PEER_HOSTS", &hosts)
    });
    let mut servers = Vec::new();
    for home in &homes {
        servers.push(home.start().await);
    }
    for server in &servers {
        server.api().await.await_ready().await;
    }
    let origin = format!("http://{}/", servers[0].http);
    browser.go(&format!("{origin}#/cluster")).await;
    browser.until("a leader", LEADER).await;
    let before = browser.value(LEADER).await;
    browser.press("Make leader").await;
    browser.press("Make leader").await;
    browser.until("another leader", &format!("{LEADER} && {LEADER} !== {before}")).await;

    // The page stays with a node that lives.
    let (_, cluster) = servers[0].api().await.get("/xcron/cluster").await.expect("it lives");
    let (own, leader) = (&cluster["node_id"], &cluster["leader"]);
    if own == leader {
        browser.press("Make leader").await;
        browser.press("Make leader").await;
        browser
            .until("one of the others", &format!("{LEADER} && !{LEADER}.includes('this one')"))
            .await;
    }
    let before = browser.value(LEADER).await;
    let leads = servers[0].api().await.get("/xcron/cluster").await.expect("it lives").1;
    let leads = leads["leader"].clone();
    for server in servers.split_off(1) {
        let (_, own) = server.api().await.get("/xcron/cluster").await.expect("it lives");
        if own["node_id"] == leads {
            server.kill().await;
        } else {
            servers.push(server);
        }
    }
    browser.until("a successor", &format!("{LEADER} && {LEADER} !== {before}")).await;
    browser.see("unreachable").await;
    browser.assert_clean(&origin);
    for server in servers {
        server.kill().await;
    }
}
